"""What a subscription remembers from one run of its workflow to the next."""

from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum

from domain.messages.cards import named_only, seen
from domain.payments.charges import ChargeKind
from domain.periods import Window
from domain.plan_calendar import TRIAL, first_anchor, next_anchor
from domain.pricing.catalog import Plan
from domain.queued_usage import Queued, QueuedEvent
from domain.subscription import Arrears, OpenCharge, Pause, Start, Status, Step


class Stage(StrEnum):
    """How far a subscription's life has come, as its workflow acts on it."""

    UNBEGUN = "unbegun"  # it has no wallet yet
    UNPAID = "unpaid"  # its first period is not paid
    SERVED = "served"
    LAPSED = "lapsed"  # an unpaid period is over: the next is charged at a sign of a card
    ENDING = "ending"  # it ends once no charge is under way
    ENDED = "ended"


@dataclass(slots=True)
class SubscriptionState:
    """The workflow's memory; everything in it can be rebuilt from the database.

    The one mutable value of the domain: the workflow is its only writer, and hands it on whole
    to the next run. It changes only through methods that say what happened.
    """

    start: Start
    account_id: int = 0
    payer: str = ""
    payment_method: str = ""
    card: str = ""
    time_zone: str = "UTC"
    begun_at: datetime | None = None  # no period begins before
    anchor: datetime | None = None
    plan: Plan | None = None
    next_plan: Plan | None = None
    period: Window | None = None
    window: Window | None = None
    cancel_at_end: bool = False
    lapsed: bool = False  # an unpaid period is over: the next is charged at a sign of a card
    arrears: Arrears | None = None
    awaits_card: bool = False  # an auto-purchase was declined: a renewal that is paid is no cure
    held: bool = False  # an operator's pause lasts: nothing is charged, nothing renewed
    restart_at: datetime | None = None  # the next period begins then, on an anchor of its own
    ends_now: bool = False
    ended: bool = False
    auto_purchase: bool = False
    pauses: tuple[Pause, ...] = ()
    charges: tuple[OpenCharge, ...] = ()
    queue: tuple[QueuedEvent, ...] = ()  # of runs before `waiting`
    waiting: tuple[Queued, ...] = ()
    light: bool = False  # usage is queued as it came, and the history is kept short
    purchases: int = 0
    upgrades: int = 0
    card_updates: int = 0
    signs: tuple[str, ...] = ()  # that a card may work again: each is one retry
    renewals_dropped: int = 0
    available_micro: int = 0
    balance_as_of: datetime | None = None
    warn_at: datetime | None = None  # when to look again for credits that expire soon
    last_charge: str = ""
    refused: int = 0  # messages that were refused after nobody waited for an answer
    last_refusal: str = ""
    pause_note: str = ""  # why an operator paused it, and who
    findings: int = 0  # of operators, that nobody has settled

    @property
    def subscription_id(self) -> str:
        """The name of the subscription."""
        return self.start.subscription_id

    @property
    def status(self) -> Status:
        """Where it is in its life."""
        if self.ended:
            return Status.ENDED
        if self.period is None:
            return Status.PENDING
        renewal = self.charge_of(ChargeKind.PERIOD)
        if self.lapsed or (renewal is not None and renewal.retry_at is not None):
            return Status.PAST_DUE
        return self.serving_status(self.pauses, self.period)

    def serving_status(self, pauses: tuple[Pause, ...], period: Window) -> Status:
        """Return the status of a subscription with this current period under these pauses."""
        if pauses:
            return Status.PAUSED
        if self.cancel_at_end:
            return Status.CANCELED
        return Status.TRIALING if period.k == TRIAL else Status.ACTIVE

    @property
    def stage(self) -> Stage:
        """How far its life has come."""
        if self.ended:
            return Stage.ENDED
        if self.ends_now:
            return Stage.ENDING
        if not self.account_id:
            return Stage.UNBEGUN
        if self.lapsed:
            return Stage.LAPSED
        return Stage.UNPAID if self.period is None else Stage.SERVED

    @property
    def over(self) -> bool:
        """Whether it ends or has ended."""
        return self.ends_now or self.ended

    @property
    def trialing(self) -> bool:
        """Whether the period under way is a trial, canceled or not."""
        return self.period is not None and self.period.k == TRIAL

    @property
    def awaits_money(self) -> bool:
        """Whether money is on its way, also after the end: it is granted or told of."""
        return any(charge.step is Step.PROCESSING for charge in self.charges)

    def charge_of(self, kind: ChargeKind) -> OpenCharge | None:
        """Return the open charge of a kind, if there is one."""
        return next((charge for charge in self.charges if charge.kind is kind), None)

    def charge_named(self, charge_id: str) -> OpenCharge | None:
        """Return an open charge by its id."""
        return next((one for one in self.charges if one.charge.charge_id == charge_id), None)

    def begin(self, *, plan: Plan, zone: str, begun_at: datetime, anchor: datetime) -> None:
        """Take the plan and the calendar that the ledger has begun it with."""
        self.plan, self.time_zone = plan, zone
        self.begun_at, self.anchor = begun_at, anchor

    def has_account(self, account_id: int, renewals_dropped: int) -> None:
        """Take the wallet, and how many charges of its periods were given up before."""
        self.account_id, self.renewals_dropped = account_id, renewals_dropped

    def go_on_with(self, charges: tuple[OpenCharge, ...], *, lapsed: bool) -> None:
        """Take up the charges of a first period that was not paid."""
        self.charges, self.lapsed = charges, lapsed

    def take_up(self, restored: "SubscriptionState", card_updates: int) -> None:
        """Become what the ledger remembers; who pays and with which card is known already.

        Later cards must not repeat the keys of earlier ones, which nobody remembers: they are
        counted from `card_updates`.
        """
        known = ("payer", "payment_method", "card")
        for field in fields(SubscriptionState):
            if field.name not in known:
                setattr(self, field.name, getattr(restored, field.name))
        self.card_updates = card_updates

    def pays_as(self, payer: str) -> None:
        """Take the name by which the processor knows the customer."""
        self.payer = payer

    def pays_with(self, method: str, card: str) -> None:
        """Take the card that is charged."""
        self.payment_method, self.card = method, card

    def open_period(
        self, period: Window, window: Window | None, *, anchor: datetime, pauses: tuple[Pause, ...]
    ) -> None:
        """Begin a period that is paid or free: nothing is owed for one before it."""
        self.period, self.window, self.anchor = period, window, anchor
        self.pauses, self.lapsed, self.next_plan = pauses, False, None
        self.arrears = self.restart_at = None

    def open_window(self, window: Window | None) -> None:
        """Begin the next window of the period."""
        self.window = window

    def serve_under(self, plan: Plan) -> None:
        """Take a plan; the switch goes off where the ledger switches it off."""
        self.plan = plan
        offered = plan.paid and plan.auto is not None and plan.auto.units_per_window > 0
        self.auto_purchase = self.auto_purchase and offered

    def schedule_plan(self, plan: Plan | None) -> None:
        """Let a plan take over with the next period; None: the plan in force stays."""
        self.next_plan = plan

    def switch_auto_purchase(self, *, on: bool) -> None:
        """Take what the switch of auto-purchase is."""
        self.auto_purchase = on

    def balance_is(self, micro: int, at: datetime) -> None:
        """Take what can be used, as of an instant."""
        self.available_micro, self.balance_as_of = micro, at

    def credits_came(self, micro: int, at: datetime) -> None:
        """Take what can be used once credits have come; some of them may expire soon."""
        self.balance_is(micro, at)
        if self.plan is not None and self.plan.expiry_warning_days:
            self.look_for_expiry(at)

    def look_for_expiry(self, at: datetime | None) -> None:
        """Look then for credits that expire soon; None: nothing does."""
        self.warn_at = at

    def pause(self, cause: Pause) -> None:
        """Add a cause of pause."""
        if cause not in self.pauses:
            self.pauses = (*self.pauses, cause)

    def unpause(self, cause: Pause) -> None:
        """Take a cause of pause away."""
        self.pauses = tuple(one for one in self.pauses if one is not cause)

    def pause_by_operator(self, note: str, *, held: bool) -> None:
        """Pause; `held`: nothing is charged and nothing renewed while it lasts."""
        self.pause(Pause.BY_OPERATOR)
        self.pause_note, self.held = note, held

    def resume_by_operator(self, at: datetime, *, keep_anchor: bool) -> None:
        """End an operator's pause; what is over by now was not renewed, and begins anew."""
        self.unpause(Pause.BY_OPERATOR)
        self.pause_note = ""
        if not self.held:
            return
        self.held = False
        over = self.period is not None and self.period.end <= at
        if over and self.charge_of(ChargeKind.PERIOD) is None:
            self.lapsed, self.arrears = False, None
            self.restart_at = None if keep_anchor else at

    def await_card(self, *, wanted: bool = True) -> None:
        """Remember whether a renewal that is paid cures nothing: an auto-purchase was declined."""
        self.awaits_card = wanted

    def hear(self, sign: str) -> None:
        """Remember a sign that a card may work again: each is one retry."""
        self.signs = seen(self.signs, sign)

    def forget_signs(self) -> None:
        """Forget the signs that came before a decline, but for those that have a name."""
        self.signs = named_only(self.signs)

    def owes_nothing(self) -> None:
        """Charge the period under way where the one before was not paid."""
        self.lapsed = False

    def leave_unpaid(self, charge: OpenCharge) -> None:
        """Remember what an unpaid period leaves that is given up; the next is not named like it.

        Where it is not to be tried again by itself, the period under way waits for a sign of a
        card as well. A dunning that is not over goes on with the period under way.
        """
        self.drop_renewal()
        if charge.step is Step.DECLINED:
            self.lapsed = charge.retry_at is None
            self.arrears = Arrears(charge.first_declined_at, charge.declines, charge.ends_at)

    def drop_renewal(self) -> None:
        """Count a period's charge that was given up: the next has a name of its own."""
        self.renewals_dropped += 1

    def count_purchase(self) -> None:
        """Count an auto-purchase that was begun."""
        self.purchases += 1

    def purchases_reach(self, number: int) -> None:
        """Let no later auto-purchase have this number, or one before it."""
        self.purchases = max(self.purchases, number)

    def next_upgrade(self) -> int:
        """Return the number of the next upgrade that nobody gave a key."""
        self.upgrades += 1
        return self.upgrades

    def next_card_update(self) -> int:
        """Return the number of the next change of cards."""
        self.card_updates += 1
        return self.card_updates

    def charge_was(self, told: str) -> None:
        """Remember what became of the last charge, for operators."""
        self.last_charge = told

    def cancel_at_period_end(self) -> None:
        """Let it end with the period: no plan takes over."""
        self.cancel_at_end, self.next_plan = True, None

    def end_now(self) -> None:
        """Let it end as soon as no charge is under way."""
        self.cancel_at_end = self.ends_now = True

    def end(self) -> None:
        """Be over."""
        self.ended = True

    def findings_are(self, number: int) -> None:
        """Take how many findings of it nobody has settled."""
        self.findings = number

    def take_usage_as_it_comes(self, *, light: bool) -> bool:
        """Say whether usage is queued as it came; once it is, it stays so."""
        self.light = self.light or light
        return self.light

    def hand_on(self, waiting: tuple[Queued, ...], refused: int, last_refusal: str) -> None:
        """Take along what waits and what was counted, for the next run."""
        self.queue, self.waiting, self.light = (), waiting, True
        self.refused, self.last_refusal = refused, last_refusal

    def put(self, charge: OpenCharge) -> None:
        """Remember a charge in place of its earlier self."""
        self.drop(charge)
        self.charges = (*self.charges, charge)

    def drop(self, charge: OpenCharge) -> None:
        """Forget a settled charge."""
        self.charges = tuple(
            one for one in self.charges if one.charge.charge_id != charge.charge.charge_id
        )

    def anchor_under(self, plan: Plan) -> datetime:
        """Return what the boundaries of the next period are counted from."""
        if self.anchor is None:
            raise LookupError("the subscription has not begun")
        if self.restart_at is not None:
            return first_anchor(plan, self.restart_at, self.time_zone)
        if self.period is None:
            return self.anchor
        return next_anchor(
            self.plan_in_force(),
            plan,
            anchor=self.anchor,
            ends=self.period.end,
            zone=self.time_zone,
        )

    def plan_in_force(self) -> Plan:
        """Return the plan; a subscription that has begun always has one."""
        if self.plan is None:
            raise LookupError(f"subscription {self.subscription_id} has not begun")
        return self.plan

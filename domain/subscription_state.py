"""What a subscription remembers from one run of its workflow to the next."""

from dataclasses import dataclass, fields
from datetime import datetime

from domain.messages.cards import named_only, seen
from domain.payments.charges import ChargeKind
from domain.periods import Window
from domain.plan_calendar import TRIAL, Calendar, first_anchor, next_anchor
from domain.pricing.catalog import Plan
from domain.pricing.discounts import Coupon, less
from domain.queued_usage import Queued, QueuedEvent
from domain.subscription import Arrears, OpenCharge, Pause, Stage, Start, Status, Step


@dataclass(slots=True)
class SubscriptionState:
    """The workflow's memory, all of which can be rebuilt from the database.

    The only mutable value of the domain. The workflow alone writes it, through methods that say
    what happened, and passes it whole to the next run.
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
    lapsed: bool = False  # an unpaid period is over: a sign of a card charges the one under way
    arrears: Arrears | None = None
    awaits_card: bool = False  # an auto-purchase was declined: only a new card ends the pause
    held: bool = False  # an operator's pause lasts: nothing is charged or renewed
    restart_at: datetime | None = None  # the next period begins then, with a new anchor
    ends_now: bool = False
    ended: bool = False
    auto_purchase: bool = False
    pauses: tuple[Pause, ...] = ()
    charges: tuple[OpenCharge, ...] = ()
    queue: tuple[QueuedEvent, ...] = ()  # of runs older than `waiting`
    waiting: tuple[Queued, ...] = ()
    light: bool = False  # usage is queued as raw JSON, which keeps the history short
    purchases: int = 0
    upgrades: int = 0
    card_updates: int = 0
    signs: tuple[str, ...] = ()  # that a card may work again; each causes one retry
    renewals_dropped: int = 0
    available_micro: int = 0
    balance_as_of: datetime | None = None
    warn_at: datetime | None = None  # when to look again for credits about to expire
    last_charge: str = ""
    refused: int = 0  # messages refused while nobody waited for an answer
    last_refusal: str = ""
    pause_note: str = ""  # why an operator paused it, and who
    findings: int = 0  # that no operator has settled yet
    coupon: Coupon | None = None  # takes something off the next period; None: none does

    @property
    def subscription_id(self) -> str:
        """The subscription's id."""
        return self.start.subscription_id

    @property
    def status(self) -> Status:
        """Its place in the life cycle."""
        if self.ended:
            return Status.ENDED
        if self.period is None:
            return Status.PENDING
        renewal = self.charge_of(ChargeKind.PERIOD)
        if self.lapsed or (renewal is not None and renewal.is_late(self.pauses)):
            return Status.PAST_DUE
        return self.serving_status(self.pauses, self.period)

    def serving_status(self, pauses: tuple[Pause, ...], period: Window) -> Status:
        """Return the status of a subscription in this current period under these pauses."""
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
        """Whether it has ended, or ends as soon as no charge is under way."""
        return self.ends_now or self.ended

    @property
    def trialing(self) -> bool:
        """Whether the current period is a trial, canceled or not."""
        return self.period is not None and self.period.k == TRIAL

    @property
    def awaits_money(self) -> bool:
        """Whether money is on its way; even after the end it is granted or reported."""
        return any(charge.step is Step.PROCESSING for charge in self.charges)

    def charge_of(self, kind: ChargeKind) -> OpenCharge | None:
        """Return the open charge of a kind, or None."""
        return next((charge for charge in self.charges if charge.kind is kind), None)

    def charge_named(self, charge_id: str) -> OpenCharge | None:
        """Return an open charge by its id, or None."""
        return next((one for one in self.charges if one.charge.charge_id == charge_id), None)

    def begin(self, *, plan: Plan, zone: str, begun_at: datetime, anchor: datetime) -> None:
        """Take the plan and the calendar that the ledger started it with."""
        self.plan, self.time_zone = plan, zone
        self.begun_at, self.anchor = begun_at, anchor

    def has_account(self, account_id: int, renewals_dropped: int) -> None:
        """Take the wallet's id and how many period charges were given up before."""
        self.account_id, self.renewals_dropped = account_id, renewals_dropped

    def go_on_with(self, charges: tuple[OpenCharge, ...], *, lapsed: bool) -> None:
        """Go on with the charges of an unpaid first period."""
        self.charges, self.lapsed = charges, lapsed

    def take_up(self, restored: "SubscriptionState", card_updates: int) -> None:
        """Become what the ledger remembers, but keep the payer and the card, already known.

        Keys of card changes must never repeat, and the ledger does not remember them: they are
        counted from `card_updates`.
        """
        known = ("payer", "payment_method", "card")
        for field in fields(SubscriptionState):
            if field.name not in known:
                setattr(self, field.name, getattr(restored, field.name))
        self.card_updates = card_updates

    def pays_as(self, payer: str) -> None:
        """Take the processor's id of the customer."""
        self.payer = payer

    def pays_with(self, method: str, card: str) -> None:
        """Take the card that is charged."""
        self.payment_method, self.card = method, card

    def open_period(
        self, period: Window, window: Window | None, *, by: Calendar, pauses: tuple[Pause, ...]
    ) -> None:
        """Begin a period that is paid or free; nothing is owed for an earlier one."""
        self.period, self.window = period, window
        self.anchor, self.time_zone = by.anchor, by.time_zone
        self.pauses, self.lapsed, self.next_plan = pauses, False, None
        self.arrears = self.restart_at = None

    def next_takes(self, coupon: Coupon | None) -> None:
        """Take the coupon that the next period has; None: none."""
        self.coupon = coupon

    def renewal_minor(self, plan: Plan, begins: datetime | None = None) -> int:
        """Return what the next period costs under a plan, in minor units and without tax."""
        return less(self.coupon, plan.price_minor, plan.currency, begins=begins)

    def open_window(self, window: Window | None) -> None:
        """Begin the next window of the period."""
        self.window = window

    def serve_under(self, plan: Plan) -> None:
        """Put a plan in force; auto-purchase goes off where the ledger switches it off."""
        self.plan = plan
        offered = plan.paid and plan.auto is not None and plan.auto.units_per_window > 0
        self.auto_purchase = self.auto_purchase and offered

    def schedule_plan(self, plan: Plan | None) -> None:
        """Schedule a plan for the next period; None keeps the plan in force."""
        self.next_plan = plan

    def switch_auto_purchase(self, *, on: bool) -> None:
        """Take the state of the auto-purchase switch."""
        self.auto_purchase = on

    def balance_is(self, micro: int, at: datetime) -> None:
        """Take the available micro-credits as of an instant."""
        self.available_micro, self.balance_as_of = micro, at

    def credits_came(self, micro: int, at: datetime) -> None:
        """Take the balance after a grant, some of which may expire soon."""
        self.balance_is(micro, at)
        if self.plan is not None and self.plan.expiry_warning_days:
            self.look_for_expiry(at)

    def look_for_expiry(self, at: datetime | None) -> None:
        """Look for expiring credits at this instant; None: none expire."""
        self.warn_at = at

    def pause(self, cause: Pause) -> None:
        """Add a cause of pause."""
        if cause not in self.pauses:
            self.pauses = (*self.pauses, cause)

    def unpause(self, cause: Pause) -> None:
        """Remove a cause of pause."""
        self.pauses = tuple(one for one in self.pauses if one is not cause)

    def pause_by_operator(self, note: str, *, held: bool) -> None:
        """Pause; with `held` nothing is charged or renewed while it lasts."""
        self.pause(Pause.BY_OPERATOR)
        self.pause_note, self.held = note, held

    def resume_by_operator(self, at: datetime, *, keep_anchor: bool) -> None:
        """End an operator's pause; if the period ended meanwhile, a new one begins at `at`."""
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
        """Remember whether only a new card ends the pause: an auto-purchase was declined."""
        self.awaits_card = wanted

    def hear(self, sign: str) -> None:
        """Remember a sign that a card may work again; each causes one retry."""
        self.signs = seen(self.signs, sign)

    def forget_signs(self) -> None:
        """After a decline, forget the signs without a name: the same card may be tried again."""
        self.signs = named_only(self.signs)

    def owes_nothing(self) -> None:
        """Stop waiting for a card: the period under way is charged."""
        self.lapsed = False

    def leave_unpaid(self, charge: OpenCharge) -> None:
        """Give up an unpaid period and remember its dunning; the next charge gets a new id.

        Unfinished dunning continues with the period under way. If there is no further attempt, that
        period too waits for a sign of a card.
        """
        self.drop_renewal()
        if charge.is_of_running_period and self.cancel_at_end:
            return  # it ends now: no period follows
        if charge.step is Step.DECLINED:
            self.lapsed = charge.retry_at is None and not charge.charge.due_at  # no card cures it
            self.arrears = Arrears(charge.first_declined_at, charge.declines, charge.ends_at)

    def drop_renewal(self) -> None:
        """Count a given-up charge of a period, so that the next one gets a new id."""
        self.renewals_dropped += 1

    def count_purchase(self) -> None:
        """Count a started auto-purchase."""
        self.purchases += 1

    def purchases_reach(self, number: int) -> None:
        """Raise the count, so that no later auto-purchase reuses this number or a lower one."""
        self.purchases = max(self.purchases, number)

    def next_upgrade(self) -> int:
        """Return the number of the next upgrade sent without a key."""
        self.upgrades += 1
        return self.upgrades

    def next_card_update(self) -> int:
        """Return the number of the next card change."""
        self.card_updates += 1
        return self.card_updates

    def charge_was(self, told: str) -> None:
        """Remember the outcome of the last charge, for operators."""
        self.last_charge = told

    def cancel_at_period_end(self) -> None:
        """End with the period; no scheduled plan takes over."""
        self.cancel_at_end, self.next_plan = True, None

    def uncancel(self) -> None:
        """Go on after the period's end; a plan that was scheduled before is not any more."""
        self.cancel_at_end = False

    def end_now(self) -> None:
        """End as soon as no charge is under way."""
        self.cancel_at_end = self.ends_now = True

    def end(self) -> None:
        """Mark it ended."""
        self.ended = True

    def findings_are(self, number: int) -> None:
        """Take the number of its unsettled findings."""
        self.findings = number

    def take_usage_as_it_comes(self, *, light: bool) -> bool:
        """Return whether usage is queued as raw JSON; once it is, it stays so."""
        self.light = self.light or light
        return self.light

    def hand_on(self, waiting: tuple[Queued, ...], refused: int, last_refusal: str) -> None:
        """Take the mailbox's queue and refusals along to the next run."""
        self.queue, self.waiting, self.light = (), waiting, True
        self.refused, self.last_refusal = refused, last_refusal

    def put(self, charge: OpenCharge) -> None:
        """Add a charge, or replace its earlier state."""
        self.drop(charge)
        self.charges = (*self.charges, charge)

    def drop(self, charge: OpenCharge) -> None:
        """Forget a settled charge."""
        self.charges = tuple(
            one for one in self.charges if one.charge.charge_id != charge.charge.charge_id
        )

    def anchor_under(self, plan: Plan) -> datetime:
        """Return the anchor of the next period under a plan."""
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
        """Return the plan in force. Raises `LookupError` before the subscription has begun."""
        if self.plan is None:
            raise LookupError(f"subscription {self.subscription_id} has not begun")
        return self.plan

"""What a subscription is and what it remembers from one run of its workflow to the next."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.payments.charges import Charge, ChargeKind, Paid
from domain.periods import Window
from domain.plan_calendar import TRIAL, first_anchor, next_anchor
from domain.pricing.catalog import Plan
from domain.pricing.proration import ChangeQuote
from domain.usage import UsageEvent


class Status(StrEnum):
    """Where a subscription is in its life (rules: the subscription's life)."""

    PENDING = "pending"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELED = "canceled"
    ENDED = "ended"


class Pause(StrEnum):
    """Why metered actions are refused."""

    PAYMENT_FAILED = "payment_failed"
    BY_OPERATOR = "by_operator"


@dataclass(frozen=True, slots=True)
class Start:
    """What starts a subscription.

    `begins_at` in the future schedules it: nothing is charged before. `time_zone` None takes the
    catalog's. `payment_method` is a card of the processor, made the default before the first
    charge.
    """

    subscription_id: str
    customer_id: str
    name: str
    email: str
    catalog: str
    plan_id: str
    locale: str = "en_US"
    time_zone: str | None = None
    payment_method: str | None = None
    begins_at: datetime | None = None


NOBODY = Start("", "", "", "", "", "")  # of a workflow that was started with nothing usable


class Step(StrEnum):
    """How far a charge is. Only the processor's answer moves it on."""

    PREPARING = "preparing"
    PREPARED = "prepared"
    PAYING = "paying"
    DECLINED = "declined"
    REVIEW = "review"  # paid, but not what was charged: an operator decides
    PROCESSING = "processing"  # its money is on its way: neither tried nor given up meanwhile
    PAID = "paid"  # its credits wait for the window that a renewal under way will open
    VOIDING = "voiding"


@dataclass(frozen=True, slots=True)
class OpenCharge:
    """A charge that is not settled. `pay_at` holds payment back; `retry_at` is the next dunning."""

    charge: Charge
    step: Step
    opened_at: datetime
    quantity_micro: int = 0
    plan: Plan | None = None
    period: Window | None = None
    window_end: datetime | None = None
    invoice: str = ""
    attempt: int = 1
    declines: int = 0
    first_declined_at: datetime | None = None
    pay_at: datetime | None = None
    retry_at: datetime | None = None
    ends_at: datetime | None = None  # the subscription ends then, if it is still unpaid
    quote: ChangeQuote | None = None
    paid: Paid | None = None
    refused: bool = False  # by the processor, not by the bank: operators look into it
    look_at: datetime | None = None  # while it is processing: when to ask what became of it
    expected_by: datetime | None = None
    anchor: datetime | None = None  # of a period's charge: what its boundaries are counted from
    confirmed: bool = False  # a person agreed to this one, whatever the switch says
    needs_window: bool = True  # what it pays for expires, so that it cannot be granted between two

    @property
    def kind(self) -> ChargeKind:
        """What it pays for."""
        return self.charge.kind


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """A usage event that waits to be decided; `ticket` is the update that waits for it, or 0.

    With `lapses_at` its credits are held until then and not debited: the work is yet to be done.
    """

    event: UsageEvent
    ticket: int
    since: datetime
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message of usage as it came: JSON, whose events are read where they are decided.

    `name` is that of its refusals. `left` are the places of its events that are not decided yet;
    None: all `count` of them.
    """

    name: str
    data: str
    count: int
    left: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """What waits to be decided, one or the other, as it is handed on to the next run."""

    event: QueuedEvent | None = None
    message: QueuedMessage | None = None


@dataclass(frozen=True, slots=True)
class TypeLeft:
    """What an end leaves of a credit type, in micro-credits: lost with it, kept but frozen."""

    credit_type: str
    lost_micro: int
    kept_micro: int


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What the end of a subscription leaves, as of an instant."""

    credits: tuple[TypeLeft, ...]


@dataclass(frozen=True, slots=True)
class Arrears:
    """What an unpaid period that is over leaves behind: its dunning, and when it ends all."""

    first_declined_at: datetime | None = None
    declines: int = 0
    ends_at: datetime | None = None


@dataclass(slots=True)
class SubscriptionState:
    """The workflow's memory; everything in it can be rebuilt from the database.

    The one mutable value of the domain: the workflow is its only writer, and hands it on whole
    to the next run.
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

    def credits_came(self, at: datetime) -> None:
        """Look for what expires soon, where the plan warns of it."""
        if self.plan is not None and self.plan.expiry_warning_days:
            self.warn_at = at

    def pause(self, cause: Pause) -> None:
        """Add a cause of pause."""
        if cause not in self.pauses:
            self.pauses = (*self.pauses, cause)

    def unpause(self, cause: Pause) -> None:
        """Take a cause of pause away."""
        self.pauses = tuple(one for one in self.pauses if one is not cause)

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

"""A subscription: how it starts, its status, its open charges and what its end leaves."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.credits import format_credits
from domain.payments.charges import Charge, ChargeKind, Paid, Sent
from domain.payments.taxes import Address
from domain.periods import Window
from domain.pricing.catalog import Plan
from domain.pricing.proration import ChangeQuote


class Status(StrEnum):
    """Where a subscription is in its life (rules: the subscription's life)."""

    PENDING = "pending"
    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELED = "canceled"
    ENDED = "ended"


class Stage(StrEnum):
    """How far a subscription's life has come, as its workflow sees it."""

    UNBEGUN = "unbegun"  # it has no wallet yet
    UNPAID = "unpaid"  # its first period is not paid
    SERVED = "served"
    LAPSED = "lapsed"  # an unpaid period is over: a sign of a card charges the one under way
    ENDING = "ending"  # it ends as soon as no charge is under way
    ENDED = "ended"


class Pause(StrEnum):
    """Why metered actions are refused."""

    PAYMENT_FAILED = "payment_failed"
    BY_OPERATOR = "by_operator"


@dataclass(frozen=True, slots=True)
class Start:
    """What starts a subscription.

    `begins_at` in the future schedules it: nothing is charged before. Without a `time_zone` the
    catalog's applies, without a `currency` the one that the customer pays in, else the catalog's
    first. `payment_method` is a card at the processor, made the default before the first charge.
    `expected_minor` is what the customer was shown to pay at once, in minor units with its tax.
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
    currency: str | None = None
    coupon: str | None = None  # a code that takes something off its periods
    address: Address | None = None  # for a payer of whom the processor knows none
    expected_minor: int | None = None  # no other is begun at; None: at any


# The start of a workflow that was given no usable argument.
NOBODY = Start(subscription_id="", customer_id="", name="", email="", catalog="", plan_id="")


class Step(StrEnum):
    """How far a charge has got. Only the processor's answer moves it on."""

    PREPARING = "preparing"
    PREPARED = "prepared"
    PAYING = "paying"
    DECLINED = "declined"
    REVIEW = "review"  # paid, but not the amount charged: an operator decides
    PROCESSING = "processing"  # money is on its way: neither retried nor given up meanwhile
    SENT = "sent"  # an invoice that its customer pays by transfer; until then it can be voided
    PAID = "paid"  # paid; the grant waits for the window that the renewal will open
    VOIDING = "voiding"


OWED = (Step.DECLINED, Step.SENT)  # nothing of it is on its way


@dataclass(frozen=True, slots=True)
class OpenCharge:
    """An unsettled charge. `pay_at` delays the payment; `retry_at` is the next dunning attempt."""

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
    ends_at: datetime | None = None  # if still unpaid then, the subscription ends
    quote: ChangeQuote | None = None
    paid: Paid | None = None
    refused: bool = False  # by the processor, not by the bank: operators look into it
    look_at: datetime | None = None  # while processing: when to ask the processor again
    expected_by: datetime | None = None
    anchor: datetime | None = None  # of a period's charge: its boundaries are counted from here
    time_zone: str = ""  # by whose days; "": the subscription's
    confirmed: bool = False  # a person agreed to this purchase, so the switch does not matter
    confirm_until: datetime | None = None  # until then its buyer may confirm it with the bank
    needs_window: bool = True  # the credits expire with a window, so one must be open to grant them
    granted: bool = False  # before its money came; what failed since is taken back
    placeless: bool = False  # declined because nothing says where to tax it: an address cures it
    sent: Sent | None = None  # as it was last seen at the processor
    chase_at: datetime | None = None  # of a sent invoice: when to remind of it or give it up
    overdue: bool = False  # its day has passed
    tried_with: str = ""  # the payment method of the last attempt

    @property
    def kind(self) -> ChargeKind:
        """What it pays for."""
        return self.charge.kind

    @property
    def is_of_running_period(self) -> bool:
        """Whether it is for a period that began before its money came."""
        return self.granted and self.kind is ChargeKind.PERIOD

    def is_late(self, pauses: tuple[Pause, ...]) -> bool:
        """Return whether a renewal is past due: it is tried again, or its invoice's day is over."""
        return self.retry_at is not None or (self.overdue and not pauses)


@dataclass(frozen=True, slots=True)
class TypeLeft:
    """What an end leaves of one credit type, in micro-credits: lost, and kept but frozen."""

    credit_type: str
    lost_micro: int
    kept_micro: int


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What the end of a subscription leaves at an instant."""

    credits: tuple[TypeLeft, ...]

    def told(self) -> dict[str, dict[str, str]]:
        """Return what is lost and what is kept for the next paid plan, as the answer shows it."""
        return {
            "lost_credits": {
                one.credit_type: format_credits(one.lost_micro) for one in self.credits
            },
            "kept_credits": {
                one.credit_type: format_credits(one.kept_micro) for one in self.credits
            },
        }


@dataclass(frozen=True, slots=True)
class Arrears:
    """What an unpaid, finished period leaves behind: its dunning and when the subscription ends."""

    first_declined_at: datetime | None = None
    declines: int = 0
    ends_at: datetime | None = None

"""What a subscription is: how it starts, where it stands, its open charges, what its end leaves."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.credits import format_credits
from domain.payments.charges import Charge, ChargeKind, Paid
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


NOBODY = Start(
    subscription_id="", customer_id="", name="", email="", catalog="", plan_id=""
)  # of a workflow that was started with nothing usable


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
class TypeLeft:
    """What an end leaves of a credit type, in micro-credits: lost with it, kept but frozen."""

    credit_type: str
    lost_micro: int
    kept_micro: int


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """What the end of a subscription leaves, as of an instant."""

    credits: tuple[TypeLeft, ...]

    def told(self) -> dict[str, dict[str, str]]:
        """Return what is lost with it and what is kept until the next paid plan, as answered."""
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
    """What an unpaid period that is over leaves behind: its dunning, and when it ends all."""

    first_declined_at: datetime | None = None
    declines: int = 0
    ends_at: datetime | None = None

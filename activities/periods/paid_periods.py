"""A period that may begin, and where the subscription stands afterwards."""

from dataclasses import dataclass
from datetime import datetime

from domain.payments.charges import Charge, Paid
from domain.periods import Window
from domain.pricing.catalog import Plan
from domain.pricing.discounts import Coupon
from domain.pricing.proration import ExtraCredits
from domain.subscription import Status


@dataclass(frozen=True, slots=True)
class PaidPeriod:
    """A period that may begin: its charge is paid, or the plan is free (both None).

    One that begins before its money has a charge and is not `paid` yet.
    """

    subscription_id: str
    account_id: int
    plan: Plan
    anchor: datetime
    time_zone: str
    period: Window
    charge: Charge | None
    paid: Paid | None
    first: bool
    status: Status
    at: datetime
    stays_paused: bool = False  # this payment does not end the pause
    grants_named: str = ""  # how the keys of its grants begin; empty: by the period's instants
    first_window: tuple[ExtraCredits, ...] = ()  # what it is granted, in place of the plan's own


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the subscription stands: its current window and the available micro-credits."""

    window: Window
    available_micro: int
    coupon: Coupon | None = None  # that takes something off the next period

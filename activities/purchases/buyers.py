"""The buyer of credits, and a purchase on its way from demand to grant."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.payments.charges import Charge, Paid
from domain.periods import Window
from domain.pricing.catalog import Plan
from domain.pricing.promotions import LookedUp


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys, on which plan, in which window and period, at which instant.

    `expected_minor` is the only price at which this one buys, in minor units; None: at any.
    `coupon` is the code that takes something off it, "": none does; `looked_up` is what the
    processor said about it, None: it was not asked.
    """

    subscription_id: str
    customer_id: str
    account_id: int
    payer: str
    plan: Plan
    period: Window
    window: Window
    at: datetime
    expected_minor: int | None = None
    coupon: str = ""
    looked_up: LookedUp | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """A charge opened for credits, or the reason why none was (`status`)."""

    status: str
    charge: Charge | None = None
    quantity_micro: int = 0
    lasting: bool = False  # its credits never expire, so it needs no window
    looked_into: str = ""  # operators look into it: the reason its buyer is given
    answer: dict[str, Any] | None = None  # the buyer's answer, once it is settled
    asks: bool = False  # the processor must say first what the coupon promises
    available_micro: int | None = None  # the balance, where it was settled as it was opened


@dataclass(frozen=True, slots=True)
class PaidPurchase:
    """A purchase whose money has arrived; `frozen` if the subscription has ended."""

    buyer: Buyer
    charge: Charge
    paid: Paid
    frozen: bool = False

"""What a coupon takes off a charge: the rule in integers, before anything is kept or charged.

Whether it is still to be had, by how many have redeemed it, the ledger decides under its locks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidInput
from domain.money import Ratio, minimum_charge_minor, to_charge

MOST_REDEMPTIONS = 1_000_000  # of a coupon with a limit: they are counted at each use
NOT_APPLICABLE = "coupon_not_applicable"


class CouponFor(StrEnum):
    """What a coupon takes something off, by the keys of a plan."""

    PACKS = "packs"
    MANUAL = "manual"
    PLANS = "plans"  # the price of a period


@dataclass(frozen=True, slots=True)
class Source:
    """The processor's ids of a promotion code and of its coupon, if a coupon comes from there.

    `promotion_left` and `coupon_left` are how often each is redeemed here at most, the coupon by
    all its codes together; None: as often as anybody likes.
    """

    coupon: str
    promotion: str
    promotion_left: int | None = None
    coupon_left: int | None = None


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code of a price list or of the processor: `percent` (20/1 is 20 %) or `amount_minor` off.

    `most_minor` is the most that a percentage takes off one charge; None: all there is. Amounts
    are in `currency`, and of charges in it only; "": it has none.
    `redemptions` is how often it is redeemed in all, `per_customer` by one customer; None: as often
    as anybody likes. It counts before `until`. `first_purchase`: only for who never bought credits
    or, with a plan, never paid for one. `periods` of a plan it takes something off; None: of all.
    If it is for a number of months, they end at `ends`: a later period that begins then is whole.
    """

    code: str
    applies_to: tuple[CouponFor, ...]
    percent: Ratio | None = None
    amount_minor: int | None = None
    most_minor: int | None = None
    first_purchase: bool = False
    redemptions: int | None = None
    per_customer: int | None = None
    until: datetime | None = None
    periods: int | None = 1
    ends: datetime | None = None
    currency: str = ""
    source: Source | None = None  # the processor's; None: the price list's


@dataclass(frozen=True, slots=True)
class Discount:
    """What a coupon took off one charge, in minor units of its currency."""

    code: str
    minor: int

    @property
    def label(self) -> str:
        """The coupon as people read it."""
        return f"Coupon {self.code}"

    @property
    def remark(self) -> str:
        """What the processor's invoice adds to the words of its one line: it has the rest only."""
        return f" (coupon {self.code})"


def coupon_named(coupons: Sequence[Coupon], code: str, currency: str) -> Coupon:
    """Return a coupon by its code, with its amounts in a currency where it has any in that.

    Raises `InvalidInput` (`unknown_coupon`), naming no other.
    """
    named = [coupon for coupon in coupons if coupon.code == code]
    if not named:
        raise InvalidInput("unknown_coupon", f"the price list has no coupon {code!a:.60}")
    return next((coupon for coupon in named if coupon.currency in ("", currency)), named[0])


def off(coupon: Coupon, price_minor: int, currency: str) -> int:
    """Return what a coupon takes off a price, in minor units, at most all of it.

    What a percentage leaves is rounded once, half up, to what can be charged; what is taken off is
    the rest. What would be left below the processor's least charge is taken off as well.

    >>> fifth = Coupon("FIFTH", (CouponFor.PACKS,), percent=Ratio(20, 1))
    >>> off(fifth, 2_500, "USD"), off(fifth, 2_502, "USD"), off(fifth, 60, "USD")
    (500, 500, 60)
    >>> off(Coupon("FIVE", (CouponFor.PACKS,), amount_minor=500), 300, "USD")
    300
    """
    taken = coupon.amount_minor or 0
    if coupon.percent is not None:
        hundred = 100 * coupon.percent.den
        left = to_charge(price_minor * (hundred - coupon.percent.num), hundred, currency)
        taken = min(price_minor - left, coupon.most_minor or price_minor)
    too_little_left = price_minor - taken < minimum_charge_minor(currency)
    return price_minor if taken and too_little_left else taken


def lasts(coupon: Coupon, used: int, begins: datetime | None) -> bool:
    """Return whether a coupon takes something off a plan's period, after so many with it.

    The first has it in any case. `begins` None: nothing is known of the period yet.
    """
    if used and coupon.periods is not None and used >= coupon.periods:
        return False
    return not used or _is_in_time(coupon, begins)


def _is_in_time(coupon: Coupon, begins: datetime | None) -> bool:
    return coupon.ends is None or begins is None or begins < coupon.ends


def less(
    coupon: Coupon | None, price_minor: int, currency: str, *, begins: datetime | None = None
) -> int:
    """Return what is left of a price by a coupon, if there is one, in minor units.

    `begins` is when a later period of that price begins; None: as it was when the coupon was found.
    """
    if coupon is None or not price_minor or not _is_in_time(coupon, begins):
        return price_minor
    return price_minor - off(coupon, price_minor, currency)


def refusal(coupon: Coupon, sold: CouponFor, currency: str, at: datetime) -> str | None:
    """Return why a coupon takes nothing off what is sold in a currency at an instant, or None."""
    if coupon.until is not None and at >= coupon.until:
        return "coupon_expired"
    fits = sold in coupon.applies_to and coupon.currency in ("", currency)
    return None if fits else NOT_APPLICABLE

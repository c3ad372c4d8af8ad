"""Promotion codes of the processor: what they promise, as a coupon of ours or the reason why none.

The processor is asked only what a code promises. From then on it is a `Coupon` like any other.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import InvalidInput
from domain.money import Ratio, to_charge
from domain.periods import Interval, Unit, boundary
from domain.pricing.discounts import (
    MOST_REDEMPTIONS,
    NOT_APPLICABLE,
    Coupon,
    CouponFor,
    Source,
    coupon_named,
)

UNKNOWN = "unknown_coupon"
WHOLE = Ratio(100, 1)  # all of a price, in per cent
_MOMENT, _LONGEST_MONTH = timedelta(microseconds=1), 31
MOST_MONTHS = 1_200  # of a code for a number of months; beyond, it is for ever
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_CODE = re.compile(r"[A-Z0-9-]{2,40}", re.ASCII)


class Lasts(StrEnum):
    """For how long a code takes something off a plan, in the processor's words."""

    ONCE = "once"
    REPEATING = "repeating"  # a number of months
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Door:
    """What a price list says about the processor's codes: for what they are taken, if for any.

    `most` is the most that a code of 100 % takes off one purchase of credits, in minor units by
    currency; in another such a code takes nothing off credits, or all could be had for nothing.
    """

    applies_to: tuple[CouponFor, ...]
    most: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PromotionCode:
    """A promotion code and its coupon as the processor keeps them, without anything of ours.

    Amounts are minor units by currency: `amounts` to take off, `least` that a price must be.
    `left` and `coupon_left` are how often code and coupon may be redeemed besides what was redeemed
    there; None: at will. `payer` is the only one who may, ""; anybody. `lasts` may be a word that
    the processor has added since; `limited`: for some of its own products or accounts only.
    """

    promotion: str
    coupon: str
    code: str
    usable: bool
    percent: Ratio | None = None
    amounts: Mapping[str, int] = field(default_factory=dict)
    lasts: str = Lasts.ONCE
    months: int | None = None
    until: datetime | None = None
    left: int | None = None
    coupon_left: int | None = None
    first_purchase: bool = False
    least: Mapping[str, int] = field(default_factory=dict)
    payer: str = ""
    limited: bool = False


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of a plan: the first `begins`, the others at boundaries counted from `anchor`."""

    interval: Interval
    begins: datetime
    anchor: datetime
    time_zone: str

    def within(self, months: int) -> int:
        """Return how many begin within so many months, the first in any case."""
        end = self.after(months)
        return 1 + max(0, self._first_from(end) - self._first_from(self.begins + _MOMENT))

    def after(self, months: int) -> datetime:
        """Return when so many months are over, at least one."""
        return boundary(self.begins, self.time_zone, Interval(Unit.MONTH, max(1, months)), 1)

    def _first_from(self, at: datetime) -> int:
        """Return the number of the first boundary at an instant or after it."""
        days, interval = (at - self.anchor).days, self.interval
        k = days // (interval.days or interval.months * _LONGEST_MONTH)
        while boundary(self.anchor, self.time_zone, interval, max(0, k)) >= at and k > 0:
            k -= 1
        while boundary(self.anchor, self.time_zone, interval, max(0, k)) < at:
            k += 1
        return max(0, k)


@dataclass(frozen=True, slots=True)
class CodeWanted:
    """A code, and the processor's id of who wants to redeem it, if it has one."""

    code: str
    payer: str


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What the processor said about a code: `found`, or None: it has no such code."""

    found: PromotionCode | None = None


@dataclass(frozen=True, slots=True)
class Redeemer:
    """Who redeems a code for what at which price (minor units), when; with a plan: its periods."""

    sold: CouponFor
    price_minor: int
    currency: str
    payer: str
    at: datetime
    periods: Periods | None = None


def is_spelt(code: str) -> bool:
    """Return whether the processor may have a code: nothing else is asked of it.

    >>> is_spelt("SUMMER-27"), is_spelt("50% OFF"), is_spelt("A_B")
    (True, False, False)
    """
    return _CODE.fullmatch(code) is not None


def is_asked(coupons: Sequence[Coupon], door: Door | None, code: str) -> bool:
    """Return whether the processor is asked about a code: a list's own of that spelling wins."""
    return door is not None and is_spelt(code) and all(one.code != code for one in coupons)


def coupon_typed(
    coupons: Sequence[Coupon],
    door: Door | None,
    code: str,
    *,
    looked_up: LookedUp | None,
    who: Redeemer,
) -> Coupon:
    """Return the coupon that somebody means by a code: the list's own, or the processor's.

    Raises `InvalidInput`, as `coupon_named` and `coupon_of` do.
    """
    if door is None or looked_up is None or not is_asked(coupons, door, code):
        return coupon_named(coupons, code, who.currency)
    return coupon_of(looked_up.found, door, who)


def coupon_of(said: PromotionCode | None, door: Door, who: Redeemer) -> Coupon:
    """Return what a code promises to somebody who redeems it.

    Raises `InvalidInput`: `unknown_coupon`, `coupon_expired`, `coupon_used_up` or
    `coupon_not_applicable`.
    """
    if said is None or said.payer not in ("", who.payer):
        raise InvalidInput(UNKNOWN, "the processor has no such promotion code")
    reason = _over(said, who.at)
    if reason is not None:
        raise InvalidInput(reason, f"{said.promotion} can be redeemed no more")
    amount = _amount(said, who.currency)
    percent = said.percent if amount is None else None
    all_of_credits = percent == WHOLE and who.sold is not CouponFor.PLANS
    most = door.most.get(who.currency) if all_of_credits else None
    nothing = amount is None and percent is None
    if said.limited or nothing or (all_of_credits and most is None) or _is_too_little(said, who):
        raise InvalidInput(NOT_APPLICABLE, f"{said.promotion} takes nothing off this")
    return Coupon(
        code=said.code,
        applies_to=door.applies_to,
        percent=percent,
        amount_minor=amount,
        most_minor=most,
        first_purchase=said.first_purchase,
        until=said.until,
        periods=_periods(said, who),
        ends=_ends(said, who),
        currency="" if (amount, most) == (None, None) else who.currency,
        source=Source(
            _kept(said.coupon), _kept(said.promotion), _few(said.left), _few(said.coupon_left)
        ),
    )


def _kept(name: str) -> str:
    """Return a name of the processor as it is kept, between colons: sellers choose a coupon's."""
    if _ID.fullmatch(name):
        return name
    return f"sha-{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _over(said: PromotionCode, at: datetime) -> str | None:
    """Return why nobody can redeem a code, or None."""
    if said.until is not None and said.until <= at:
        return "coupon_expired"
    if 0 in (said.left, said.coupon_left):
        return "coupon_used_up"
    return None if said.usable else UNKNOWN


def _is_too_little(said: PromotionCode, who: Redeemer) -> bool:
    """Return whether a price does not reach the least that a code wants, in this currency."""
    least = said.least.get(who.currency)
    return bool(said.least) and (least is None or who.price_minor < least)


def _amount(said: PromotionCode, currency: str) -> int | None:
    """Return what a code takes off in a currency, as it can be charged; None: no amount."""
    amount = said.amounts.get(currency)
    return to_charge(amount, 1, currency) or None if amount is not None else None


def _few(left: int | None) -> int | None:
    """Return a limit as the ledger counts up to it."""
    return None if left is None else min(left, MOST_REDEMPTIONS)


def _periods(said: PromotionCode, who: Redeemer) -> int | None:
    """Return of how many periods a code takes something off; None: of all.

    Of a number of months: as many as begin in them, and of the first in any case.
    """
    if said.lasts == Lasts.ONCE:
        return 1
    if said.lasts == Lasts.FOREVER:
        return None
    if said.lasts != Lasts.REPEATING or said.months is None:
        raise InvalidInput(NOT_APPLICABLE, f"{said.promotion} lasts {said.lasts!a:.60}")
    if said.months > MOST_MONTHS:
        return None
    return 1 if who.periods is None else who.periods.within(said.months)


def _ends(said: PromotionCode, who: Redeemer) -> datetime | None:
    """Return when the months of a code for plans are over, whatever the interval is by then."""
    months = said.months or 0
    if said.lasts != Lasts.REPEATING or who.periods is None or months > MOST_MONTHS:
        return None
    return who.periods.after(months)

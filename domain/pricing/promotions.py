"""Promotion codes of the processor: what they promise, as a coupon of ours or the reason why none.

The processor is asked only what a code promises. From then on it is a `Coupon` like any other.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from domain.errors import InvalidInput
from domain.money import Ratio, to_charge
from domain.periods import Interval, Unit, boundary
from domain.pricing.discounts import MOST_REDEMPTIONS, NOT_APPLICABLE, Coupon, CouponFor, Source

UNKNOWN = "unknown_coupon"
WHOLE = Ratio(100, 1)  # all of a price, in per cent
MOST_MONTHS = 1_200  # of a code for a number of months; beyond, it is for ever
_CODE = re.compile(r"[A-Z0-9-]{2,40}", re.ASCII)


class Lasts(StrEnum):
    """For how long a code takes something off a plan, in the processor's words."""

    ONCE = "once"
    REPEATING = "repeating"  # a number of months
    FOREVER = "forever"


@dataclass(frozen=True, slots=True)
class Door:
    """What a price list says about the processor's codes: for what they are taken, if for any.

    `most_minor` is the most that a code of 100 % takes off one purchase of credits, in `currency`;
    None: such a code takes nothing off credits, or all could be had for nothing.
    """

    applies_to: tuple[CouponFor, ...]
    most_minor: int | None = None
    currency: str = ""


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
class Redeemer:
    """Who redeems a code for what at which price (minor units), when.

    With a plan: its interval, and the first boundary of its periods in the customer's time zone.
    """

    sold: CouponFor
    price_minor: int
    currency: str
    payer: str
    at: datetime
    interval: Interval = Interval(Unit.MONTH)  # noqa: RUF009 - a value that nobody changes
    anchor: datetime | None = None
    time_zone: str = "UTC"


def is_spelt(code: str) -> bool:
    """Return whether the processor may have a code: nothing else is asked of it.

    >>> is_spelt("SUMMER-27"), is_spelt("50% OFF"), is_spelt("A_B")
    (True, False, False)
    """
    return _CODE.fullmatch(code) is not None


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
    most = door.most_minor if all_of_credits else None
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
        currency=_currency(door, who, amount=amount, most=most),
        source=Source(said.coupon, said.promotion, _few(said.left), _few(said.coupon_left)),
    )


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


def _currency(door: Door, who: Redeemer, *, amount: int | None, most: int | None) -> str:
    """Return the currency of a coupon's amounts; "": it has none."""
    if amount is not None:
        return who.currency
    return door.currency if most is not None else ""


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
    if who.interval.months:
        return max(1, -(-said.months // who.interval.months))
    return max(1, -(-_days(said.months, who) // who.interval.days))


def _days(months: int, who: Redeemer) -> int:
    """Return how many days so many months from the first boundary have, where somebody lives."""
    anchor, zone = who.anchor or who.at, who.time_zone
    end = boundary(anchor, zone, Interval(Unit.MONTH, max(1, months)), 1)
    return (_day(end, zone) - _day(anchor, zone)).days


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()

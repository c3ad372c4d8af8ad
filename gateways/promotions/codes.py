"""Promotion codes at Stripe, read into our own terms: https://docs.stripe.com/api/promotion_codes.

What has a shape that nobody published is no answer, and not a code that promises nothing.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import stripe

from domain.money import Ratio
from domain.pricing.promotions import PromotionCode
from gateways.payments import ProcessorUnavailable
from gateways.stripe_reading import entry, identifier

PAGE, PAGES = 100, 10  # codes of one spelling: a seller may give each customer one
EXPANDED: list[str] = [
    "data.promotion.coupon.applies_to",
    "data.promotion.coupon.currency_options",
    "data.restrictions.currency_options",
]


class Promotions:
    """What Stripe says about promotion codes. Raises Stripe's errors, `ProcessorUnavailable`."""

    def __init__(self, client: stripe.V1Services) -> None:
        self._stripe = client

    def named(self, code: str, payer: str) -> PromotionCode | None:
        """Return the code that a payer may redeem, or else the one that shows why none; or None.

        A code of its own comes before one for everybody, and one in force before one that is over.
        """
        try:
            found = [_read(one) for one in self._of(code)]
        except stripe.InvalidRequestError as error:  # which says nothing about the code
            raise ProcessorUnavailable("Stripe does not list promotion codes like this") from error
        open_to = [one for one in found if one.code == code and one.payer in ("", payer)]
        return min(open_to, key=lambda one: (not one.usable, not one.payer), default=None)

    def _of(self, code: str) -> list[stripe.PromotionCode]:
        listed = self._stripe.promotion_codes.list(
            {"code": code, "limit": PAGE, "expand": EXPANDED}
        )
        found = list(listed.data)
        for _ in range(PAGES):
            if not listed.has_more:
                return found
            listed = listed.next_page()
            found += listed.data
        raise ProcessorUnavailable(f"Stripe has more than {PAGE * PAGES} codes of one spelling")


def _read(said: stripe.PromotionCode) -> PromotionCode:
    """Describe a code. What is absent or null promises nothing. Raises `ProcessorUnavailable`."""
    try:
        return _described(said)
    except (TypeError, ValueError, AttributeError, OverflowError, InvalidOperation) as error:
        message = f"Stripe answered a promotion code that cannot be read ({type(error).__name__})"
        raise ProcessorUnavailable(message) from error


def _described(said: stripe.PromotionCode) -> PromotionCode:
    promotion = entry(said, "promotion")
    coupon = entry(promotion, "coupon")
    if isinstance(coupon, str):
        raise TypeError("the coupon was not expanded")
    restrictions = entry(said, "restrictions")
    least = _amounts(restrictions, "minimum_amount", "minimum_amount_currency")
    lasts = entry(coupon, "duration")
    return PromotionCode(
        promotion=said.id,
        coupon=identifier(coupon),
        code=str(said.code).upper(),
        usable=entry(said, "active") is True and entry(coupon, "valid") is True,
        percent=_percent(entry(coupon, "percent_off")),
        amounts=_amounts(coupon, "amount_off", "currency"),
        lasts=str(lasts or ""),
        months=_whole(entry(coupon, "duration_in_months")),
        until=_earlier(entry(said, "expires_at"), entry(coupon, "redeem_by")),
        left=_left(said),
        coupon_left=_left(coupon),
        first_purchase=bool(entry(restrictions, "first_time_transaction")),
        least=least,
        payer=identifier(entry(said, "customer")),
        limited=_is_limited(said, coupon),
    )


def _is_limited(said: stripe.PromotionCode, coupon: Any) -> bool:
    """Return whether a code is for some of the processor's own products or accounts only."""
    elsewhere = bool(entry(said, "customer_account")) and not entry(said, "customer")
    return elsewhere or entry(coupon, "applies_to") is not None


def _percent(said: object) -> Ratio | None:
    """Return a percentage exactly as it was written, which Python reads as a float."""
    if said is None:
        return None
    percent = Decimal(str(said))
    if not 0 < percent <= 100:  # noqa: PLR2004 - all of it
        raise ValueError("a percentage is above 0 and at most 100")
    return Ratio(*percent.as_integer_ratio())


def _amounts(thing: Any, name: str, currency: str) -> dict[str, int]:
    """Return an amount in its currency and in the others that it was given in, by currency."""
    options = entry(thing, "currency_options") or {}  # a mapping, typed by the library or not
    given = options if isinstance(options, dict) else options.to_dict()
    found = {code.upper(): _whole(one[name]) for code, one in given.items()}
    own = entry(thing, name)
    if own is not None:
        found[str(entry(thing, currency) or "").upper()] = _whole(own)
    return {code: minor for code, minor in found.items() if code and minor}


def _left(one: Any) -> int | None:
    most = _whole(entry(one, "max_redemptions"))
    return None if most is None else max(0, most - (_whole(entry(one, "times_redeemed")) or 0))


def _whole(said: object) -> int | None:
    """Return a whole number that is not negative. Raises `TypeError`, `ValueError`."""
    if said is None:
        return None
    if type(said) is not int:
        raise TypeError("not a whole number")
    if said < 0:
        raise ValueError("less than nothing")
    return said


def _earlier(*instants: object) -> datetime | None:
    """Return the earliest of these seconds since 1970, if there are any."""
    seconds = [one for one in map(_whole, instants) if one is not None]
    return datetime.fromtimestamp(min(seconds), UTC) if seconds else None

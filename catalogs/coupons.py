"""Coupons of a price list, and whether it takes the processor's promotion codes, too."""

from collections.abc import Mapping
from dataclasses import replace

from catalogs import values
from catalogs.document.section import Section
from catalogs.terms import KnownNames, unique
from domain.money import Ratio
from domain.pricing.discounts import MOST_REDEMPTIONS, Coupon, CouponFor
from domain.pricing.promotions import Door

_WHOLE_PRICE = 100
_ALL_OF_IT = Ratio(_WHOLE_PRICE, 1)
ONCE: int | None = 1
_NO_CODE = "NONE"  # stands for a code that could not be read

# What each key means, and what holds where it is left out; `catalogs/keys.py` takes them over.
MEANINGS: dict[str, tuple[str, str]] = {
    "coupons[].code": ("what people type, in letters of any case; used once in the list", ""),
    "coupons[].percent": ("what it takes off; above 0, at most 100", "as `amount` says"),
    "coupons[].amount": (
        "what it takes off, at most the whole price; less left than can be charged is waived",
        "as `percent` says",
    ),
    "coupons[].most": (
        "the most that a percentage takes off one charge; 100 % needs it, or all could be free",
        "no limit",
    ),
    "coupons[].applies_to": (
        "what it takes something off: packs, credits bought by hand, the price of plans",
        "",
    ),
    "coupons[].duration": (
        "of how many periods of a plan, the first that is charged and on; only with `plans`",
        "the first one",
    ),
    "coupons[].first_purchase": (
        "`true`: only for customers who never bought credits or, with a plan, never paid for one",
        "",
    ),
    "coupons[].redemptions": ("how often it is redeemed", "as often as anybody likes"),
    "coupons[].redemptions.in_all": ("by all customers together", "no limit"),
    "coupons[].redemptions.per_customer": ("by each customer", "no limit"),
    "coupons[].until": ("the instant from which it counts no more", "for ever"),
    "promotion_codes": (
        "the processor's promotion codes are taken, too, after the list's own; may change any time",
        "the processor is asked about none",
    ),
    "promotion_codes.applies_to": (
        "for what they are taken: packs, credits bought by hand, the price of plans",
        "",
    ),
    "promotion_codes.most": (
        "the most that a code of 100 % takes off one purchase of credits; none in other currencies",
        "a code of 100 % is for plans only",
    ),
}


def read_coupons(document: Section, terms: KnownNames) -> tuple[Coupon, ...]:
    """Return the coupons; what was redeemed is counted by their codes.

    One with amounts in other currencies than the list's first follows once for each of them.
    """
    others = [
        coupon
        for code in terms.currencies[1:]
        for coupon in _read_in(document, replace(terms, currency=code))
        if coupon.currency
    ]
    return (*_read_in(document, terms), *others)


def _read_in(document: Section, terms: KnownNames) -> tuple[Coupon, ...]:
    found: list[Coupon] = []
    for section in document.sections("coupons"):
        applies_to = _applies_to(section)
        percent, amount, most = _worth(section, terms, applies_to)
        in_all, each = _redemptions(section)
        coupon = Coupon(
            code=section.required("code", values.coupon_code, _NO_CODE),
            percent=percent,
            amount_minor=amount,
            most_minor=most,
            applies_to=applies_to,
            first_purchase=section.optional("first_purchase", values.flag, False),
            redemptions=in_all,
            per_customer=each,
            until=section.optional("until", values.instant, None),
            currency="" if (amount, most) == (None, None) else terms.currency,
            periods=section.optional("duration", values.duration, ONCE),
        )
        if section.has("duration") and CouponFor.PLANS not in applies_to:
            section.fault("duration", "is of plans: name them in `applies_to`")
        if coupon.code != _NO_CODE:
            unique(section, "code", coupon.code, [other.code for other in found])
        section.close()
        found.append(coupon)
    return tuple(found)


def read_door(document: Section, terms: KnownNames) -> Door | None:
    """Return what the processor's promotion codes are taken for, or None: it is not asked."""
    section = document.section("promotion_codes")
    if section is None:
        return None
    applies_to = _applies_to(section)
    if section.has("most") and applies_to == (CouponFor.PLANS,):
        section.fault("most", "is of credits: `applies_to` names plans only")
    most = _most_by_currency(section, terms)
    section.close()
    return Door(applies_to, most)


def _most_by_currency(section: Section, terms: KnownNames) -> Mapping[str, int]:
    each = {
        code: replace(terms, currency=code).amount(section, "most") for code in terms.currencies
    }
    return {code: minor for code, minor in each.items() if minor is not None}


def _applies_to(section: Section) -> tuple[CouponFor, ...]:
    known = len(section.faults)
    found = section.listed("applies_to", values.one_of(CouponFor))
    if not found and len(section.faults) == known:
        section.fault("applies_to", "names nothing, so that nothing could be had for it")
    return found


def _worth(
    section: Section, terms: KnownNames, applies_to: tuple[CouponFor, ...]
) -> tuple[Ratio | None, int | None, int | None]:
    """Return what a coupon takes off: a percentage or minor units; and the most of the former."""
    percent = section.optional("percent", values.percent, None)
    amount, most = terms.amount(section, "amount"), terms.amount(section, "most")
    if section.has("percent") == section.has("amount"):
        section.fault("percent", "say what it takes off: with `percent` or with `amount`, not both")
    if percent is not None and not 0 < percent.num <= _WHOLE_PRICE * percent.den:
        section.fault("percent", "must be above 0 and at most 100")
    elif percent == _ALL_OF_IT and applies_to != (CouponFor.PLANS,) and not section.has("most"):
        section.fault("percent", "would give away any number of credits: say `most`, too")
    if section.has("most") and section.has("amount"):
        section.fault("most", "is for `percent` only: an amount is its own limit")
    return percent, amount, most


def _redemptions(section: Section) -> tuple[int | None, int | None]:
    """Return how often a coupon is redeemed in all, and by each customer; None: no limit."""
    inner = section.section("redemptions")
    if inner is None:
        return None, None
    in_all = inner.optional("in_all", values.positive, None)
    each = inner.optional("per_customer", values.positive, None)
    if in_all is not None and each is not None and each > in_all:
        inner.fault("per_customer", "cannot be more than `in_all`")
    if in_all is not None and in_all > MOST_REDEMPTIONS:
        inner.fault("in_all", f"is at most {MOST_REDEMPTIONS:,}; leave it out for no limit")
    inner.close()
    return in_all, each

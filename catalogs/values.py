"""Parsers of single values: exact text in, domain values out; each refusal names its cure.

The first line of a parser's docstring tells sellers what to write: docs/catalog.md shows it.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from domain.credits import MICRO, parse_credits
from domain.errors import InvalidInput
from domain.messages.purchases import MOST_DAYS
from domain.money import (
    Ratio,
    charge_step_minor,
    maximum_charge_minor,
    minimum_charge_minor,
    minor_exponent,
)
from domain.periods import Interval, Unit, checked_zone

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

_TAX_CODE = re.compile(r"txcd_[0-9]{8}", re.ASCII)
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{1,39}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?", re.ASCII)
_PERIODS = re.compile(r"([1-9][0-9]{0,2}) periods?", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_INTERVAL = re.compile(r"(?:([0-9]{1,3}) )?(day|week|month|quarter|year)s?", re.ASCII)
_LONGEST_NAME = 100


def identifier(text: str) -> str:
    """Return an id of lower-case letters, digits and underscores."""
    if _ID.fullmatch(text) is None:
        raise _refused(f"{text!r:.60} is not an id: use lower-case letters, digits and underscores")
    return text


def title(text: str) -> str:
    """Return a name for people, at most 100 characters."""
    if not text.strip() or len(text) > _LONGEST_NAME or not text.isprintable():
        raise _refused(f"must be a printable name of at most {_LONGEST_NAME} characters")
    return text


def coupon_code(text: str) -> str:
    """Return a code of 2 to 40 capital letters, digits, hyphens and underscores."""
    if _CODE.fullmatch(text) is None:
        raise _refused(f"{text!r:.60} is no code: use 2 to 40 capital letters, digits, `-`, `_`")
    return text


def tax_code(text: str) -> str:
    """Return a category of goods by the processor's code, such as `txcd_10103001`."""
    if _TAX_CODE.fullmatch(text) is None:
        raise _refused(f"{text!r:.60} is not `txcd_` and eight digits")
    return text


def currency(text: str) -> str:
    """Return a currency that the processor charges in, or a list of several."""
    minimum_charge_minor(text)
    return text


def time_zone(text: str) -> str:
    """Return an IANA time zone."""
    checked_zone(text)
    return text


def credit_quantity(text: str) -> int:
    """Return credits, or a quantity, above zero with at most 6 decimals.

    The value is in millionths of it.
    """
    micro = parse_credits(text)
    if micro <= 0:
        raise _refused("must be greater than zero")
    return micro


def price_in(code: str) -> Callable[[str], int]:
    """Return a parser of prices in a currency into minor units, exact; zero is free."""
    amount = money_in(code)
    least = minimum_charge_minor(code)

    def parse(text: str) -> int:
        minor = amount(text)
        if 0 < minor < least:
            raise _refused(f"{text} {code} is below the processor's minimum charge")
        return minor

    parse.__doc__ = (
        "Return a price that the processor charges, or one for each currency as in"
        ' `{USD: "9.00", EUR: "8.50"}`; 0 is free.'
    )
    return parse


def money_in(code: str) -> Callable[[str], int]:
    """Return a parser of amounts in a currency into minor units, exact."""
    exponent, most = minor_exponent(code), maximum_charge_minor(code)
    step = charge_step_minor(code)

    def parse(text: str) -> int:
        minor = _decimal(text) * 10**exponent
        if minor != int(minor):
            raise _refused(f"{text} {code} has more than {exponent} decimals")
        if minor % step:
            least_step = Decimal(step).scaleb(-exponent)
            raise _refused(f"{text} {code} cannot be charged: write a multiple of {least_step}")
        if minor > most:
            raise _refused(f"{text} {code} is above the processor's maximum charge")
        return int(minor)

    parse.__doc__ = (
        "Return an amount in the list's first currency, or one for each as in"
        ' `{USD: "5.00", EUR: "4.50"}`.'
    )
    return parse


def unit_price_in(code: str) -> Callable[[str], Ratio]:
    """Return a parser of prices per credit into minor units per micro-credit, exact."""
    exponent = minor_exponent(code)

    def parse(text: str) -> Ratio:
        return _ratio(_decimal(text) * 10**exponent / MICRO)

    parse.__doc__ = "Return a price of one credit, or one for each currency."
    return parse


def percent(text: str) -> Ratio:
    """Return a percentage, without its sign.

    "30" is 30/1.
    """
    return _ratio(_decimal(text))


def whole(text: str) -> int:
    """Return a whole number from 0 to 999,999,999."""
    if _WHOLE.fullmatch(text) is None:
        raise _refused(f"{text!r:.60} must be a whole number, not negative")
    return int(text)


def positive(text: str) -> int:
    """Return a whole number above zero."""
    number = whole(text)
    if number == 0:
        raise _refused("must be greater than zero")
    return number


def validity(text: str) -> int:
    """Return days, a whole number from 1 to 3,660."""
    if not 1 <= (days := whole(text)) <= MOST_DAYS:
        raise _refused(f"must be from 1 to {MOST_DAYS:,} days")
    return days


def flag(text: str) -> bool:
    """Return true or false."""
    if text not in ("true", "false"):
        raise _refused(f"{text!r:.60} must be true or false")
    return text == "true"


def interval(text: str) -> Interval:
    """Return an interval such as `month` or `2 weeks`."""
    match = _INTERVAL.fullmatch(text)
    if match is None:
        raise _refused(
            f"{text!r:.60} is not an interval: write month, quarter, year, 2 weeks, 10 days"
        )
    return Interval(Unit(match[2]), int(match[1] or 1))


def duration(text: str) -> int | None:
    """Return `once`, `forever`, or a number of billing periods such as `3 periods`."""
    if text in ("once", "forever"):
        return 1 if text == "once" else None
    match = _PERIODS.fullmatch(text)
    if match is None:
        raise _refused(f"{text!r:.60} is no duration: write once, forever, 3 periods")
    return int(match[1])


def instant(text: str) -> datetime:
    """Return an instant with its offset."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refused(f"{text!r:.60} is not an instant: write 2027-01-31T10:00:00Z") from error
    if at.tzinfo is None:
        raise _refused(f"{text!r:.60} has no offset: write 2027-01-31T10:00:00Z")
    return at.astimezone(UTC)


def one_of(kind: type[E]) -> Callable[[str], E]:
    """Return a parser of one of the values of an enumeration."""

    def parse(text: str) -> E:
        if text not in list(kind):
            raise _refused(f"{text!r:.60} must be one of: {', '.join(kind)}")
        return kind(text)

    parse.__doc__ = f"Return one of: {', '.join(f'`{each}`' for each in kind)}."
    return parse


def word_or(word: str, parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Return a parser that takes a word for None, and anything else as `parse` does."""

    def either(text: str) -> T | None:
        return None if text == word else parse(text)

    either.__doc__ = f"Return `{word}`, or {said(parse)}."
    return either


def said(parse: Callable[[str], object]) -> str:
    """Return what a parser takes, in words for sellers."""
    first, *_ = (parse.__doc__ or "").splitlines() or [""]
    return first.removeprefix("Return ").removesuffix(".")


def _decimal(text: str) -> Decimal:
    if _DECIMAL.fullmatch(text) is None:
        raise _refused(f"{text!r:.60} must be a plain decimal number, not negative")
    return Decimal(text)


def _ratio(value: Decimal) -> Ratio:
    return Ratio(*value.as_integer_ratio())


def _refused(cure: str) -> InvalidInput:
    return InvalidInput("invalid_value", cure)

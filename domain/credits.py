"""Credits and quantities as exact integers: micro-credits, six decimals, never a float."""

import re
from decimal import Decimal

from domain.errors import InvalidInput

MICRO = 1_000_000  # micro-credits in a credit
DECIMALS = 6
MOST = 10**12  # credits or items in one request; with six decimals it still fits a BIGINT

_PLAIN = re.compile(r"-?[0-9]{1,13}(\.[0-9]{1,6})?", re.ASCII)


def parse_credits(text: object) -> int:
    """Return the micro-credits of a decimal string such as "1694.13". Raises `invalid_credits`."""
    if not isinstance(text, str) or _PLAIN.fullmatch(text) is None:
        raise InvalidInput(
            "invalid_credits", f"{text!r:.60} is not credits: write a decimal of at most 6 decimals"
        )
    whole, _, decimals = text.removeprefix("-").partition(".")
    micro = int(whole) * MICRO + int(decimals.ljust(DECIMALS, "0"))
    if micro > MOST * MICRO:
        raise InvalidInput("invalid_credits", f"{text} is more than {MOST} credits")
    return -micro if text[0] == "-" else micro


def format_credits(micro: int) -> str:
    """Return micro-credits as the shortest exact decimal: 1694130000 is "1694.13"."""
    whole, part = divmod(abs(micro), MICRO)
    sign = "-" if micro < 0 else ""
    decimals = f"{part:06d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def parse_quantity(value: str | int | Decimal) -> int:
    """Return the micro-quantity of a usage event. Raises `invalid_quantity`.

    Accepts positive numbers up to 10^12 with at most 6 decimals: an int, a Decimal or a plain
    decimal string. bool and float are refused because neither is an exact number.
    """
    quantity = _quantity(value)
    exponent = quantity.as_tuple().exponent
    if not isinstance(exponent, int):
        raise _invalid_quantity(value, "it must be a finite number")
    if quantity <= 0:
        raise _invalid_quantity(value, "it must be greater than zero")
    if quantity > MOST:
        raise _invalid_quantity(value, f"it must not exceed {MOST}")
    if exponent < -DECIMALS:
        raise _invalid_quantity(value, f"it must have at most {DECIMALS} decimals")
    return _micro(quantity)


def _quantity(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise _invalid_quantity(value, "send an integer or a decimal string")
    if isinstance(value, Decimal):
        return value
    if isinstance(value, int):
        if abs(value) > MOST:  # before conversion: an int may have millions of digits
            raise _invalid_quantity("a huge integer", f"it must be from 1 to {MOST}")
        return Decimal(value)
    if _PLAIN.fullmatch(value) is None:
        raise _invalid_quantity(value, f"write a plain decimal of at most {DECIMALS} decimals")
    return Decimal(value)


def _micro(value: Decimal) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator * MICRO // denominator  # exact: at most six decimals


def _invalid_quantity(value: object, cure: str) -> InvalidInput:
    return InvalidInput("invalid_quantity", f"quantity {value!r:.60}: {cure}")

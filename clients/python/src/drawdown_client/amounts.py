"""Credits and quantities: exact decimals, as texts on the wire. A float is never one of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

Amount = Decimal | int | str
"""What stands for a quantity: `Decimal("2.5")`, `3` or `"2.5"`."""

_LARGEST = 30  # digits before the point; the engine takes 13, and refuses the rest by its reason


def exact(value: Amount) -> Decimal:
    """Return an amount as an exact decimal. Raises `TypeError` for a float, else `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        told = f"an amount is a Decimal, an int or a text such as '2.5', not {value!r:.60}"
        raise TypeError(told)
    try:
        amount = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"{value!r:.60} is not a decimal number") from error
    if not amount.is_finite() or abs(amount.adjusted()) > _LARGEST:
        raise ValueError(f"{value!r:.60} is not an amount")
    return amount


def text(amount: Decimal) -> str:
    """Return an amount as it is sent: digits and a point, never an exponent."""
    return format(amount, "f")


def instant(at: datetime) -> str:
    """Return an instant as it is sent. Raises `ValueError` if it has no time zone."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone, such as datetime.now(UTC)")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read(value: Any) -> Decimal:
    """Read an amount that was answered."""
    return exact(value)


def read_each(value: Any) -> Mapping[str, Decimal]:
    """Read amounts by credit type."""
    return MappingProxyType({str(name): exact(one) for name, one in value.items()})


def read_instant(value: Any) -> datetime:
    """Read an instant that was answered."""
    return datetime.fromisoformat(value)

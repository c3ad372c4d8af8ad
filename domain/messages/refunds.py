"""Messages about refunds, parsed from JSON text."""

from dataclasses import dataclass
from typing import Any

from domain.errors import InvalidInput
from domain.messages import fields
from domain.money import MOST_CHARGE_MINOR


@dataclass(frozen=True, slots=True)
class Refund:
    """Send money of a charge back, in minor units; None: all that its unused credits cost.

    With `exception` even a pack sold without refunds is refunded.
    """

    key: str
    charge_id: str
    amount_minor: int | None
    reason: str
    by: str
    preview: bool
    exception: bool


def parse_refund(data: bytes) -> Refund:
    """Read `{"key": …, "charge_id": …, "amount_minor": 2700 or "all", "reason": …, "by": …}`.

    `exception` and `preview` are optional; a preview returns the same numbers and moves nothing.
    """
    names = ("key", "charge_id", "amount_minor", "reason", "by")
    raw = fields.only(fields.parse_object(data), *names, optional=("preview", "exception"))
    return Refund(
        key=fields.key(raw),
        charge_id=fields.text(raw, "charge_id", "unknown_charge"),
        amount_minor=_amount(raw["amount_minor"]),
        reason=fields.text(raw, "reason", "malformed"),
        by=fields.text(raw, "by", "malformed"),
        preview=fields.flag({"preview": False} | raw, "preview"),
        exception=fields.flag({"exception": False} | raw, "exception"),
    )


def _amount(value: Any) -> int | None:
    if value == "all":
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput("invalid_amount", '`amount_minor` must be a whole number or "all"')
    if not 0 < value <= MOST_CHARGE_MINOR:
        raise InvalidInput("invalid_amount", f"1 to {MOST_CHARGE_MINOR}, not {value!a:.40}")
    return value


def parse_balance_changed(data: bytes) -> dict[str, object]:
    """Read `{}`."""
    return fields.only(fields.parse_object(data))

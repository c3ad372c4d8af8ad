"""The message that corrects usage, parsed from JSON text with a reason for every refusal."""

from dataclasses import dataclass

from domain.credits import parse_quantity
from domain.messages import fields


@dataclass(frozen=True, slots=True)
class CorrectUsage:
    """The event with key `event` was only `quantity_micro`, in millionths; 0: it did not happen.

    `key` is the correction's own.
    """

    key: str
    event: str
    quantity_micro: int
    reason: str
    by: str


def parse_correct(data: bytes) -> CorrectUsage:
    """Read `{"key": …, "event": …, "quantity": "12", "reason": …, "by": …}`."""
    raw = fields.only(fields.parse_object(data), "key", "event", "quantity", "reason", "by")
    quantity = raw["quantity"]
    return CorrectUsage(
        key=fields.key(raw),
        event=fields.key({"key": raw["event"]}),
        quantity_micro=0 if quantity == "0" else parse_quantity(quantity),
        reason=fields.text(raw, "reason", "malformed"),
        by=fields.text(raw, "by", "malformed"),
    )

"""Operators' requests, parsed from JSON text with a reason for every refusal."""

from dataclasses import dataclass

from domain.credits import parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields


@dataclass(frozen=True, slots=True)
class AdjustCredits:
    """An operator's correction; negative takes credits away."""

    key: str
    quantity_micro: int
    reason: str
    by: str
    approved_by: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorNote:
    """Who pauses or resumes, and why.

    `keep_anchor`: resuming after the period's end goes on with the period then under way, charged
    in full. Otherwise a new period begins at that instant, with a new anchor.
    """

    reason: str
    by: str
    keep_anchor: bool = False


def parse_adjust_credits(data: bytes) -> AdjustCredits:
    """Read `{"key": …, "credits": "-5", "reason": …, "by": …, "approved_by": …}`."""
    raw = fields.only(
        fields.parse_object(data), "key", "credits", "reason", "by", optional=("approved_by",)
    )
    amount = raw["credits"]
    if not isinstance(amount, str):
        raise InvalidInput("invalid_quantity", '`credits` must be a decimal text such as "-2.5"')
    sign = -1 if amount.startswith("-") else 1
    return AdjustCredits(
        key=fields.key(raw),
        quantity_micro=sign * parse_quantity(amount.removeprefix("-")),
        reason=fields.text(raw, "reason", "malformed"),
        by=fields.text(raw, "by", "malformed"),
        approved_by=fields.text(raw, "approved_by", "malformed") if "approved_by" in raw else None,
    )


def parse_operator_note(data: bytes) -> OperatorNote:
    """Read `{"reason": …, "by": …}`."""
    raw = fields.only(fields.parse_object(data), "reason", "by")
    return OperatorNote(
        fields.text(raw, "reason", "malformed"), fields.text(raw, "by", "malformed")
    )


def parse_resume(data: bytes) -> OperatorNote:
    """Read `{"reason": …, "by": …, "keep_anchor": false}`; `keep_anchor` is optional."""
    raw = fields.only(fields.parse_object(data), "reason", "by", optional=("keep_anchor",))
    return OperatorNote(
        fields.text(raw, "reason", "malformed"),
        fields.text(raw, "by", "malformed"),
        fields.flag({"keep_anchor": False} | raw, "keep_anchor"),
    )

"""The messages of teams, parsed from JSON text with a reason for every refusal."""

from collections.abc import Mapping
from typing import Any

from domain.credits import parse_credits, parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields
from domain.pricing.event_price import MEMBER_TAG
from domain.teams.approvals import (
    HELD_FOR,
    LONGEST_HOLD,
    ApprovalName,
    ApprovalRequest,
    Decision,
    Kind,
    State,
)
from domain.teams.members import Member, Role
from domain.usage import UsageEvent

MOST_LIMITS = 20  # credit types


def parse_set_member(data: bytes) -> Member:
    """Read a member; fields left out take their defaults, even for a member already known."""
    raw = fields.only(
        fields.parse_object(data),
        *("member", "name", "email"),
        optional=("role", "restricted", "limits"),
    )
    role = raw.get("role", Role.MEMBER.value)
    if role not in [one.value for one in Role]:
        raise InvalidInput("malformed", '`role` is "admin" or "member"')
    return Member(
        member_id=_member(raw),
        name=fields.text(raw, "name", "malformed"),
        email=fields.email(raw),
        role=Role(role),
        restricted=fields.flag({"restricted": False} | raw, "restricted"),
        limits=_limits(raw.get("limits", {})),
    )


def parse_remove_member(data: bytes) -> str:
    """Read `{"member": …}`."""
    return _member(fields.only(fields.parse_object(data), "member"))


def parse_request_approval(data: bytes) -> ApprovalRequest:
    """Read a usage event that needs approval, the member asking, and how long to hold for it."""
    raw = fields.only(
        fields.parse_object(data),
        *("key", "member", "action", "quantity", "event_at"),
        optional=("tags", "note", "hold_seconds"),
    )
    member = _member(raw)
    tags = dict(fields.tags(raw.get("tags", {})))
    if tags.setdefault(MEMBER_TAG, member) != member:
        raise InvalidInput("invalid_tags", "the tag `member` names somebody else than `member`")
    event = UsageEvent(
        key=fields.key(raw),
        action=fields.text(raw, "action", "unknown_action"),
        quantity_micro=parse_quantity(raw["quantity"]),
        event_at=fields.parse_instant(raw["event_at"]),
        tags=fields.tags(tags),
    )
    return ApprovalRequest(
        key=event.key,
        kind=Kind.OPERATION,
        member_id=member,
        note=_note(raw),
        event=event,
        hold_seconds=_seconds(raw),
    )


def parse_request_credits(data: bytes) -> ApprovalRequest:
    """Read `{"key": …, "member": …, "credits": "100"}`; `credit_type` defaults to the first."""
    raw = fields.only(
        fields.parse_object(data),
        *("key", "member", "credits"),
        optional=("credit_type", "note"),
    )
    named = raw.get("credit_type")
    return ApprovalRequest(
        key=fields.key(raw),
        kind=Kind.CREDITS,
        member_id=_member(raw),
        note=_note(raw),
        credit_type=None
        if named is None
        else fields.text(raw, "credit_type", "unknown_credit_type"),
        amount_micro=parse_quantity(raw["credits"]),
    )


def parse_approval_start(data: bytes) -> ApprovalName:
    """Read `{"subscription_id": …, "key": …}`: everything else is in the ledger."""
    raw = fields.only(fields.parse_object(data), "subscription_id", "key")
    return ApprovalName(
        fields.identifier(raw["subscription_id"], "invalid_id"),
        fields.text(raw, "key", "invalid_key"),
    )


def parse_approve(data: bytes) -> Decision:
    """Read `{"by": …}`."""
    raw = fields.only(fields.parse_object(data), "by")
    return Decision(fields.identifier(raw["by"], "unknown_member"), State.APPROVED)


def parse_refuse(data: bytes) -> Decision:
    """Read `{"by": …, "reason": …}`."""
    raw = fields.only(fields.parse_object(data), "by", "reason")
    return Decision(
        fields.identifier(raw["by"], "unknown_member"),
        State.REFUSED,
        fields.text(raw, "reason", "malformed"),
    )


def _member(raw: Mapping[str, Any]) -> str:
    return fields.identifier(raw["member"], "invalid_id")


def _note(raw: Mapping[str, Any]) -> str:
    return fields.text(raw, "note", "malformed") if "note" in raw else ""


def _seconds(raw: Mapping[str, Any]) -> int:
    seconds = raw.get("hold_seconds", int(HELD_FOR.total_seconds()))
    longest = int(LONGEST_HOLD.total_seconds())
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 < seconds <= longest:
        raise InvalidInput("malformed", f"`hold_seconds` must be an integer from 1 to {longest}")
    return seconds


def _limits(raw: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(raw, dict) or len(raw) > MOST_LIMITS:
        raise InvalidInput("malformed", "`limits` must be an object: credits by credit type")
    return tuple(sorted((name, _ceiling(value)) for name, value in raw.items()))


def _ceiling(value: Any) -> int:
    ceiling = parse_credits(value)
    if ceiling < 0:
        raise InvalidInput("invalid_credits", f"a limit of {value} is below zero")
    return ceiling

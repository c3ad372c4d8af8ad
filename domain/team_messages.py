"""The messages of teams, parsed from JSON text with a reason for every refusal."""

from collections.abc import Mapping
from typing import Any

from domain import fields
from domain.credits import parse_credits
from domain.errors import InvalidInput
from domain.teams import Member, Role

MOST_LIMITS = 20  # credit types


def parse_set_member(data: bytes) -> Member:
    """Read a member; fields that are left out take their usual value, also for a known member."""
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


def _member(raw: Mapping[str, Any]) -> str:
    return fields.identifier(raw["member"], "invalid_id")


def _limits(raw: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(raw, dict) or len(raw) > MOST_LIMITS:
        raise InvalidInput("malformed", "`limits` is an object: credits by credit type")
    return tuple(sorted((name, _ceiling(value)) for name, value in raw.items()))


def _ceiling(value: Any) -> int:
    ceiling = parse_credits(value)
    if ceiling < 0:
        raise InvalidInput("invalid_credits", f"a limit of {value} is below zero")
    return ceiling

"""Plan changes and cancellation, parsed from JSON text with a reason for every refusal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from domain.errors import InvalidInput
from domain.messages import fields


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """Move to another plan; a preview returns the same numbers and moves nothing.

    `expected_minor` is what the customer was shown to pay at once, if anything was shown.
    `at_once`: now or not at all; a plan with other clocks then begins a new period.
    """

    plan_id: str
    preview: bool
    key: str = ""  # empty: the sender gave none
    expected_minor: int | None = None
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the subscription at the period's end or now; a preview moves nothing."""

    when: Literal["period_end", "now"]
    preview: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Uncancel:
    """Take back an end that has not come yet; a preview moves nothing."""

    preview: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class MigratePlan:
    """Move to another version of the plan in force; `version` 0 is the newest."""

    version: int
    when: Literal["next_period", "now"]
    preview: bool
    key: str = ""


def parse_change_plan(data: bytes) -> ChangePlan:
    """Read `{"plan": …, "when": "now", "preview": false, "key": …, "expected_minor": 0}`.

    Only the plan is needed. Without `when` an upgrade begins at once, all else later.
    """
    optional = ("when", "preview", "key", fields.EXPECTED)
    raw = fields.only(fields.parse_object(data), "plan", optional=optional)
    if raw.get("when", "now") != "now":
        raise InvalidInput("malformed", '`when` can only be "now"; leave it out otherwise')
    return ChangePlan(
        fields.text(raw, "plan", "unknown_plan"),
        fields.flag({"preview": False} | raw, "preview"),
        _key(raw),
        fields.expected_minor(raw, least=0),  # most changes cost nothing at once
        at_once="when" in raw,
    )


def parse_cancel(data: bytes) -> Cancel:
    """Read `{"when": "period_end" | "now", "preview": false, "key": …}`; `when` is required."""
    raw = fields.only(fields.parse_object(data), "when", optional=("preview", "key"))
    if raw["when"] not in ("period_end", "now"):
        raise InvalidInput("malformed", '`when` must be "period_end" or "now"')
    when: Literal["period_end", "now"] = "now" if raw["when"] == "now" else "period_end"
    return Cancel(when, fields.flag({"preview": False} | raw, "preview"), _key(raw))


def parse_uncancel(data: bytes) -> Uncancel:
    """Read `{"preview": false, "key": …}`, both optional."""
    raw = fields.only(fields.parse_object(data), optional=("preview", "key"))
    return Uncancel(fields.flag({"preview": False} | raw, "preview"), _key(raw))


def parse_migrate_plan(data: bytes) -> MigratePlan:
    """Read `{"version": 2, "when": "next_period" | "now", "preview": false, "key": …}`.

    All fields are optional; `version` defaults to the newest.
    """
    raw = {"version": 0, "when": "next_period", "preview": False} | fields.only(
        fields.parse_object(data), optional=("version", "when", "preview", "key")
    )
    version = raw["version"]
    if type(version) is not int or version < 0:
        raise InvalidInput("malformed", "`version` must be a whole number; 0 is the newest version")
    if raw["when"] not in ("next_period", "now"):
        raise InvalidInput("malformed", '`when` must be "next_period" or "now"')
    when: Literal["next_period", "now"] = "now" if raw["when"] == "now" else "next_period"
    return MigratePlan(version, when, fields.flag(raw, "preview"), _key(raw))


def _key(raw: Mapping[str, Any]) -> str:
    return fields.key(raw) if "key" in raw else ""

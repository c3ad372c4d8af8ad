"""The messages a subscription takes, parsed from JSON text with a reason for every refusal.

JSON numbers with a fraction arrive as exact decimals; NaN and infinities are refused. Texts of
decimals are preferred for quantities because many languages' numbers are floats.
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal

from domain.credits import parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields
from domain.subscription import Start, SubscriptionState
from domain.usage import UsageEvent

MAX_EVENTS = 1_000
_STATE = tuple(field.name for field in dataclasses.fields(SubscriptionState))


@dataclass(frozen=True, slots=True)
class RefusedPart:
    """One event of a batch that cannot be used."""

    key: str | None
    reason: str
    request: str


@dataclass(frozen=True, slots=True)
class BuyCredits:
    """Buy extra credits by hand."""

    key: str
    quantity_micro: int


@dataclass(frozen=True, slots=True)
class SetAutoPurchase:
    """Switch auto-purchase."""

    on: bool


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """Move to another plan; a preview returns the same numbers and moves nothing."""

    plan_id: str
    preview: bool
    key: str = ""  # empty: of a sender that names none


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the subscription at the period's end or now; a preview moves nothing."""

    when: Literal["period_end", "now"]
    preview: bool = False


@dataclass(frozen=True, slots=True)
class MigratePlan:
    """Move to another version of the plan in force; `version` 0 is the newest."""

    version: int
    when: Literal["next_period", "now"]
    preview: bool


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

    `keep_anchor`: what is resumed after its period's end goes on with the period under way, charged
    whole. Without it a new period begins at that instant, on an anchor of its own.
    """

    reason: str
    by: str
    keep_anchor: bool = False


def parse_start(data: bytes) -> Start:
    """Read `{"start": {…}}`; an SDK may send the rest of the workflow's state, which is ignored."""
    raw = fields.only(fields.parse_object(data), "start", optional=_STATE)["start"]
    if not isinstance(raw, dict):
        raise InvalidInput("malformed", "`start` is a JSON object")
    required = ("subscription_id", "customer_id", "name", "email", "catalog", "plan_id")
    optional = ("locale", "time_zone", "payment_method", "begins_at")
    fields.only(raw, *required, optional=optional)
    given = {name: raw[name] for name in optional if raw.get(name) is not None}
    begins_at, method = given.get("begins_at"), given.get("payment_method")
    subscription_id = fields.identifier(raw["subscription_id"], "invalid_id")
    if ":" in subscription_id:
        # Ids of charges, requests and mails are this one, a colon and what a sender chose: the keys
        # of one customer could otherwise name another's.
        raise InvalidInput("invalid_id", "a subscription's id has no colon")
    return Start(
        subscription_id=subscription_id,
        customer_id=fields.identifier(raw["customer_id"], "invalid_id"),
        name=fields.text(raw, "name", "malformed"),
        email=fields.email(raw),
        catalog=fields.identifier(raw["catalog"], "unknown_catalog"),
        plan_id=fields.identifier(raw["plan_id"], "unknown_plan"),
        locale=fields.text({"locale": "en_US"} | given, "locale", "unknown_locale"),
        time_zone=fields.text(given, "time_zone", "unknown_time_zone")
        if "time_zone" in given
        else None,
        payment_method=None
        if method is None
        else fields.identifier(method, "unknown_payment_method"),
        begins_at=None if begins_at is None else fields.parse_instant(begins_at),
    )


def parse_events(data: bytes) -> tuple[tuple[UsageEvent, ...], tuple[RefusedPart, ...]]:
    """Read `{"events": [...]}`; each unusable event is refused alone."""
    parts = read_events(data)
    return (
        tuple(one for one in parts if isinstance(one, UsageEvent)),
        tuple(one for one in parts if isinstance(one, RefusedPart)),
    )


def read_events(data: bytes) -> list[UsageEvent | RefusedPart]:
    """Read `{"events": [...]}`, in its order. Raises `InvalidInput` for what is no such list."""
    events = fields.only(fields.shallow_object(data), "events")["events"]
    if not isinstance(events, list) or not events:
        raise InvalidInput("malformed", "`events` is a list with at least one event")
    if len(events) > MAX_EVENTS:
        raise InvalidInput("too_many_events", f"{len(events)} events in one message")
    return [_event_or_refusal(raw) for raw in events]


def _event_or_refusal(raw: Any) -> UsageEvent | RefusedPart:
    if fields.is_deep(raw):
        return RefusedPart(None, "malformed", fields.TOO_DEEP)
    try:
        return usage_event(raw)
    except InvalidInput as error:
        key = raw.get("key") if isinstance(raw, dict) else None
        text = json.dumps(raw, default=str, ensure_ascii=True)[:500]
        return RefusedPart(key if fields.is_text(key) else None, error.reason, text)


def parse_event(data: bytes) -> UsageEvent:
    """Read one usage event."""
    return usage_event(fields.parse_object(data))


def parse_buy_credits(data: bytes) -> BuyCredits:
    """Read `{"key": …, "credits": "3000"}`."""
    raw = fields.only(fields.parse_object(data), "key", "credits")
    return BuyCredits(fields.key(raw), parse_quantity(raw["credits"]))


def parse_set_auto_purchase(data: bytes) -> SetAutoPurchase:
    """Read `{"on": true}`."""
    return SetAutoPurchase(fields.flag(fields.only(fields.parse_object(data), "on"), "on"))


def parse_change_plan(data: bytes) -> ChangePlan:
    """Read `{"plan": …, "preview": false, "key": …}`; the last two are optional."""
    raw = fields.only(fields.parse_object(data), "plan", optional=("preview", "key"))
    return ChangePlan(
        fields.text(raw, "plan", "unknown_plan"),
        fields.flag({"preview": False} | raw, "preview"),
        fields.key(raw) if "key" in raw else "",
    )


def parse_cancel(data: bytes) -> Cancel:
    """Read `{"when": "period_end" | "now", "preview": false}`."""
    raw = fields.only(fields.parse_object(data), "when", optional=("preview",))
    if raw["when"] not in ("period_end", "now"):
        raise InvalidInput("malformed", '`when` is "period_end" or "now"')
    when: Literal["period_end", "now"] = "now" if raw["when"] == "now" else "period_end"
    return Cancel(when, fields.flag({"preview": False} | raw, "preview"))


def parse_migrate_plan(data: bytes) -> MigratePlan:
    """Read `{"version": 2, "when": "next_period" | "now", "preview": false}`, all optional."""
    raw = {"version": 0, "when": "next_period", "preview": False} | fields.only(
        fields.parse_object(data), optional=("version", "when", "preview")
    )
    version = raw["version"]
    if type(version) is not int or version < 0:
        raise InvalidInput("malformed", "`version` is a whole number; 0 is the newest version")
    if raw["when"] not in ("next_period", "now"):
        raise InvalidInput("malformed", '`when` is "next_period" or "now"')
    when: Literal["next_period", "now"] = "now" if raw["when"] == "now" else "next_period"
    return MigratePlan(version, when, fields.flag(raw, "preview"))


def parse_adjust_credits(data: bytes) -> AdjustCredits:
    """Read `{"key": …, "credits": "-5", "reason": …, "by": …, "approved_by": …}`."""
    raw = fields.only(
        fields.parse_object(data), "key", "credits", "reason", "by", optional=("approved_by",)
    )
    amount = raw["credits"]
    if not isinstance(amount, str):
        raise InvalidInput("invalid_quantity", '`credits` is a decimal text such as "-2.5"')
    sign = -1 if amount.startswith("-") else 1
    return AdjustCredits(
        fields.key(raw),
        sign * parse_quantity(amount.removeprefix("-")),
        fields.text(raw, "reason", "malformed"),
        fields.text(raw, "by", "malformed"),
        fields.text(raw, "approved_by", "malformed") if "approved_by" in raw else None,
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


def parse_reference(data: bytes, field: str) -> str:
    """Read an object with one text field, an id of the processor."""
    return fields.identifier(
        fields.only(fields.parse_object(data), field)[field], f"unknown_{field}"
    )


def usage_event(raw: Any) -> UsageEvent:
    """Return the usage event that an object describes; else `InvalidInput`."""
    if not isinstance(raw, dict):
        raise InvalidInput("malformed", "an event is a JSON object")
    fields.only(raw, "key", "action", "quantity", "event_at", optional=("tags", "confirmed"))
    return UsageEvent(
        key=fields.key(raw),
        action=fields.text(raw, "action", "unknown_action"),
        quantity_micro=parse_quantity(raw["quantity"]),
        event_at=fields.parse_instant(raw["event_at"]),
        tags=fields.tags(raw.get("tags", {})),
        confirmed=fields.flag({"confirmed": False} | raw, "confirmed"),
    )

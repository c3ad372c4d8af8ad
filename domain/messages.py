"""The messages a subscription takes, parsed from JSON text with a reason for every refusal.

JSON numbers with a fraction arrive as exact decimals; NaN and infinities are refused. Texts of
decimals are preferred for quantities because many languages' numbers are floats.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

from domain.credits import parse_quantity
from domain.errors import InvalidInput
from domain.subscription import Start, SubscriptionState
from domain.usage import UsageEvent

MAX_EVENTS = 1_000
MAX_TAGS = 20
MAX_TEXT = 200
# Ids become keys of the processor, and of Temporal: fairness keys, search attributes.
MAX_ID = 64
DEEPEST = 8  # levels of nesting; no message needs more than five
TOO_DEEP = f"it nests deeper than {DEEPEST} levels"
OWN_KEYS = "ledger:"  # the ledger's keys begin so; a sender could otherwise take one first

_ID = re.compile(r"[!-~]+", re.ASCII)
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")
_STATE = tuple(field.name for field in fields(SubscriptionState))


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


@dataclass(frozen=True, slots=True)
class Cancel:
    """End the subscription at the period's end or now."""

    when: Literal["period_end", "now"]


@dataclass(frozen=True, slots=True)
class AdjustCredits:
    """An operator's correction; negative takes credits away."""

    key: str
    quantity_micro: int
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class OperatorNote:
    """Who pauses or resumes, and why."""

    reason: str
    by: str


def _no_constant(text: str) -> Any:
    raise InvalidInput("malformed", f"{text} is not a number of JSON")


def parse_object(data: bytes) -> dict[str, Any]:
    """Read one JSON object. Raises `InvalidInput` (`malformed`)."""
    value = _object(data)
    if _is_deep(value):
        raise InvalidInput("malformed", TOO_DEEP)
    return value


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidInput("malformed", "the payload is not JSON") from error
    if not isinstance(value, dict):
        raise InvalidInput("malformed", "the payload is not a JSON object")
    return value


def parse_start(data: bytes) -> Start:
    """Read `{"start": {…}}`; an SDK may send the rest of the workflow's state, which is ignored."""
    raw = _only(parse_object(data), "start", optional=_STATE)["start"]
    if not isinstance(raw, dict):
        raise InvalidInput("malformed", "`start` is a JSON object")
    required = ("subscription_id", "customer_id", "name", "email", "catalog", "plan_id")
    optional = ("locale", "time_zone", "payment_method", "begins_at")
    _only(raw, *required, optional=optional)
    given = {name: raw[name] for name in optional if raw.get(name) is not None}
    begins_at, method = given.get("begins_at"), given.get("payment_method")
    return Start(
        subscription_id=_id(raw["subscription_id"], "invalid_id"),
        customer_id=_id(raw["customer_id"], "invalid_id"),
        name=_text(raw, "name", "malformed"),
        email=_email(raw),
        catalog=_id(raw["catalog"], "unknown_catalog"),
        plan_id=_id(raw["plan_id"], "unknown_plan"),
        locale=_text({"locale": "en_US"} | given, "locale", "unknown_locale"),
        time_zone=_text(given, "time_zone", "unknown_time_zone") if "time_zone" in given else None,
        payment_method=None if method is None else _id(method, "unknown_payment_method"),
        begins_at=None if begins_at is None else parse_instant(begins_at),
    )


def parse_events(data: bytes) -> tuple[tuple[UsageEvent, ...], tuple[RefusedPart, ...]]:
    """Read `{"events": [...]}`; each unusable event is refused alone."""
    events = _only(_object(data), "events")["events"]
    if not isinstance(events, list) or not events:
        raise InvalidInput("malformed", "`events` is a list with at least one event")
    if len(events) > MAX_EVENTS:
        raise InvalidInput("too_many_events", f"{len(events)} events in one message")
    usable: list[UsageEvent] = []
    refused: list[RefusedPart] = []
    for raw in events:
        if _is_deep(raw):
            refused.append(RefusedPart(None, "malformed", TOO_DEEP))
            continue
        try:
            usable.append(_event(raw))
        except InvalidInput as error:
            key = raw.get("key") if isinstance(raw, dict) else None
            text = json.dumps(raw, default=str, ensure_ascii=True)[:500]
            refused.append(RefusedPart(key if _is_text(key) else None, error.reason, text))
    return tuple(usable), tuple(refused)


def parse_event(data: bytes) -> UsageEvent:
    """Read one usage event."""
    return _event(parse_object(data))


def parse_buy_credits(data: bytes) -> BuyCredits:
    """Read `{"key": …, "credits": "3000"}`."""
    raw = _only(parse_object(data), "key", "credits")
    return BuyCredits(_key(raw), parse_quantity(raw["credits"]))


def parse_set_auto_purchase(data: bytes) -> SetAutoPurchase:
    """Read `{"on": true}`."""
    return SetAutoPurchase(_flag(_only(parse_object(data), "on"), "on"))


def parse_change_plan(data: bytes) -> ChangePlan:
    """Read `{"plan": …, "preview": false}`."""
    raw = _only(parse_object(data), "plan", optional=("preview",))
    return ChangePlan(
        _text(raw, "plan", "unknown_plan"), _flag({"preview": False} | raw, "preview")
    )


def parse_cancel(data: bytes) -> Cancel:
    """Read `{"when": "period_end" | "now"}`."""
    when = _only(parse_object(data), "when")["when"]
    if when not in ("period_end", "now"):
        raise InvalidInput("malformed", '`when` is "period_end" or "now"')
    return Cancel("now" if when == "now" else "period_end")


def parse_adjust_credits(data: bytes) -> AdjustCredits:
    """Read `{"key": …, "credits": "-5", "reason": …, "by": …}`."""
    raw = _only(parse_object(data), "key", "credits", "reason", "by")
    amount = raw["credits"]
    if not isinstance(amount, str):
        raise InvalidInput("invalid_quantity", '`credits` is a decimal text such as "-2.5"')
    sign = -1 if amount.startswith("-") else 1
    return AdjustCredits(
        _key(raw),
        sign * parse_quantity(amount.removeprefix("-")),
        _text(raw, "reason", "malformed"),
        _text(raw, "by", "malformed"),
    )


def parse_operator_note(data: bytes) -> OperatorNote:
    """Read `{"reason": …, "by": …}`."""
    raw = _only(parse_object(data), "reason", "by")
    return OperatorNote(_text(raw, "reason", "malformed"), _text(raw, "by", "malformed"))


def parse_reference(data: bytes, field: str) -> str:
    """Read an object with one text field, an id of the processor."""
    return _id(_only(parse_object(data), field)[field], f"unknown_{field}")


def parse_instant(value: Any) -> datetime:
    """Read an RFC 3339 instant. Raises `InvalidInput` (`invalid_time`)."""
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise InvalidInput("invalid_time", f"{value!r:.60} has no offset")
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("invalid_time", f"{str(value)!a:.60} is not an instant") from error


def _event(raw: Any) -> UsageEvent:
    if not isinstance(raw, dict):
        raise InvalidInput("malformed", "an event is a JSON object")
    _only(raw, "key", "action", "quantity", "event_at", optional=("tags",))
    return UsageEvent(
        key=_key(raw),
        action=_text(raw, "action", "unknown_action"),
        quantity_micro=parse_quantity(raw["quantity"]),
        event_at=parse_instant(raw["event_at"]),
        tags=_tags(raw.get("tags", {})),
    )


def _tags(raw: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(raw, dict) or len(raw) > MAX_TAGS:
        raise InvalidInput("invalid_tags", f"`tags` is an object of at most {MAX_TAGS} texts")
    return tuple(sorted((_tag(name), _tag(value)) for name, value in raw.items()))


def _tag(value: Any) -> str:
    if not _is_text(value):
        raise InvalidInput("invalid_tags", f"tags are texts of 1 to {MAX_TEXT} characters")
    return str(value)


def _is_text(value: Any) -> bool:
    # PostgreSQL stores neither NUL nor the lone surrogates that JSON can escape.
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_TEXT
        and not any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in value)
    )


def _only(raw: dict[str, Any], *required: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    for name in required:
        if name not in raw:
            raise InvalidInput("missing_field", f"`{name}` is missing")
    for name in raw:
        if name not in required and name not in optional:
            raise InvalidInput("unknown_field", f"{name!a:.60} is not a field of this message")
    return raw


def _text(raw: Mapping[str, Any], name: str, reason: str) -> str:
    value = raw[name]
    if not _is_text(value):
        raise InvalidInput(reason, f"`{name}` is a text of 1 to {MAX_TEXT} characters")
    return str(value)


def _key(raw: Mapping[str, Any]) -> str:
    key = _text(raw, "key", "invalid_key")
    if key.startswith(OWN_KEYS):
        raise InvalidInput("invalid_key", f"keys that begin with {OWN_KEYS} are the ledger's own")
    return key


def _id(value: Any, reason: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_ID or _ID.fullmatch(value) is None:
        message = f"an id is 1 to {MAX_ID} visible ASCII characters, without spaces"
        raise InvalidInput(reason, message)
    return value


def _email(raw: Mapping[str, Any]) -> str:
    email = _text(raw, "email", "invalid_email")
    if _EMAIL.fullmatch(email) is None:
        raise InvalidInput("invalid_email", f"{email!a:.60} is not one mail address")
    return email


def _is_deep(value: Any, level: int = 1) -> bool:
    if level > DEEPEST:
        return True
    inner: Iterable[Any] = ()
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    return any(_is_deep(one, level + 1) for one in inner)


def _flag(raw: Mapping[str, Any], name: str) -> bool:
    value = raw[name]
    if not isinstance(value, bool):
        raise InvalidInput("malformed", f"`{name}` is true or false")
    return value

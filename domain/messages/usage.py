"""Usage events, parsed from JSON text with a reason for every refusal.

JSON numbers with a fraction arrive as exact decimals; NaN and infinities are refused. Quantities
are better sent as decimal texts, because many languages write numbers as floats.
"""

import json
from dataclasses import dataclass
from typing import Any

from domain.credits import parse_credits, parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields
from domain.usage import UsageEvent

MAX_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class RefusedPart:
    """One event of a batch that was refused."""

    key: str | None
    reason: str
    request: str


@dataclass(frozen=True, slots=True)
class Crossing:
    """A wallet was emptied by a debit elsewhere, or one is short of `needed_micro` in all.

    `confirmed`: a person agreed to the purchase that it needs.
    """

    needed_micro: int = 0
    confirmed: bool = False


def parse_crossing(data: bytes) -> Crossing:
    """Read `{"needed": "12.5", "confirmed": false}`, both optional, among any other fields."""
    raw = fields.parse_object(data)
    needed = max(0, parse_credits(raw["needed"])) if "needed" in raw else 0
    return Crossing(needed, fields.flag({"confirmed": False} | raw, "confirmed"))


def parse_events(data: bytes) -> tuple[tuple[UsageEvent, ...], tuple[RefusedPart, ...]]:
    """Read `{"events": [...]}`; each unusable event is refused alone."""
    parts = read_events(data)
    return (
        tuple(one for one in parts if isinstance(one, UsageEvent)),
        tuple(one for one in parts if isinstance(one, RefusedPart)),
    )


def read_events(data: bytes) -> list[UsageEvent | RefusedPart]:
    """Read `{"events": [...]}`, in order. Raises `InvalidInput` if it is not such a list."""
    events = fields.only(fields.shallow_object(data), "events")["events"]
    if not isinstance(events, list) or not events:
        raise InvalidInput("malformed", "`events` must be a list with at least one event")
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


def usage_event(raw: Any) -> UsageEvent:
    """Return the usage event that an object describes. Raises `InvalidInput`."""
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

"""The messages about holds, parsed from JSON text with a reason for every refusal."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.credits import parse_quantity
from domain.messages import fields
from domain.messages.usage import usage_event
from domain.usage import UsageEvent


@dataclass(frozen=True, slots=True)
class Hold:
    """Set aside what an event will cost until `lapses_at`."""

    event: UsageEvent
    lapses_at: datetime


@dataclass(frozen=True, slots=True)
class Capture:
    """Charge the work's final quantity of the held action.

    `confirmed`: a person agreed to pay beyond the hold. It is not part of the content.
    """

    key: str
    quantity_micro: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Extend:
    """Keep a hold until `lapses_at`."""

    key: str
    lapses_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """Return the credits of a hold."""

    key: str


def parse_hold(data: bytes) -> Hold:
    """Read a usage event with one more field, `"lapses_at"`."""
    raw = fields.parse_object(data)
    lapse = {name: raw.pop(name) for name in ("lapses_at",) if name in raw}
    return Hold(usage_event(raw), _lapse(fields.only(lapse, "lapses_at")))


def parse_capture(data: bytes) -> Capture:
    """Read `{"key": …, "quantity": "70", "confirmed": false}`; the key is the hold's."""
    raw = fields.only(fields.parse_object(data), "key", "quantity", optional=("confirmed",))
    confirmed = fields.flag({"confirmed": False} | raw, "confirmed")
    return Capture(fields.key(raw), parse_quantity(raw["quantity"]), confirmed)


def parse_extend(data: bytes) -> Extend:
    """Read `{"key": …, "lapses_at": …}`; the key is the hold's."""
    raw = fields.only(fields.parse_object(data), "key", "lapses_at")
    return Extend(fields.key(raw), _lapse(raw))


def parse_release(data: bytes) -> Release:
    """Read `{"key": …}`; the key is the hold's."""
    return Release(fields.key(fields.only(fields.parse_object(data), "key")))


def _lapse(raw: dict[str, Any]) -> datetime:
    return fields.parse_instant(raw["lapses_at"])

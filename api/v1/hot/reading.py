"""Usage events read fast; whatever is unusual is left to the parser that knows every reason.

What this accepts is exactly what `domain.messages.usage` would make of the same bytes (a test
compares them): it only skips the steps that find nothing wrong with a usual body.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from activities.direct.usage import CustomersEvent
from domain.credits import parse_quantity
from domain.errors import InvalidInput
from domain.messages import fields
from domain.messages.usage import MAX_EVENTS
from domain.usage import UsageEvent
from ledger.usage.checks import UNNAMED


class _Event(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    customer_id: str
    key: str
    action: str
    quantity: str
    event_at: str
    tags: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    confirmed: bool | msgspec.UnsetType = msgspec.UNSET


class _Events(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    events: list[_Event]


class _Question(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    customer_id: str
    action: str
    quantity: str
    key: str | msgspec.UnsetType = msgspec.UNSET
    event_at: str | msgspec.UnsetType = msgspec.UNSET
    tags: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    confirmed: bool | msgspec.UnsetType = msgspec.UNSET


_decode_question = msgspec.json.Decoder(_Question).decode
_decode_one = msgspec.json.Decoder(_Event).decode
_decode_many = msgspec.json.Decoder(_Events).decode
REQUIRED = 5
ASKED = 3  # which a question has in any case
UNSET = msgspec.UNSET


def one_event(body: bytes) -> CustomersEvent | None:
    """Return the event of a usual body; None: read it with more care."""
    if b"\\" in body:  # escapes can hide quotes, NUL and halves of characters
        return None
    try:
        found = _decode_one(body)
        return _checked(found) if body.count(b'":') == _names(found) else None
    except (msgspec.MsgspecError, InvalidInput):
        return None


def question(body: bytes, now: datetime) -> CustomersEvent | None:
    """Return what a usual check asks about; None: read it with more care.

    It happens `now` unless it says otherwise, and without a key it is `UNNAMED`.
    """
    if b"\\" in body:
        return None
    try:
        found = _decode_question(body)
        more = (found.key, found.event_at)
        names = _more_names(found) + ASKED + len(more) - more.count(UNSET)
        return _asked(found, now) if body.count(b'":') == names else None
    except (msgspec.MsgspecError, InvalidInput):
        return None


def many_events(body: bytes) -> Sequence[CustomersEvent] | None:
    """Return the events of a usual batch, if all are sound; None: read it with more care."""
    if b"\\" in body:
        return None
    try:
        found = _decode_many(body).events
        if not 0 < len(found) <= MAX_EVENTS or body.count(b'":') != 1 + sum(map(_names, found)):
            return None
        return [_checked(one) for one in found]
    except (msgspec.MsgspecError, InvalidInput):
        return None


def _names(one: _Event) -> int:
    """Return how many names an event's object has: more in the body means that one occurs twice."""
    return REQUIRED + _more_names(one)


def _more_names(one: _Event | _Question) -> int:
    tags = 0 if one.tags is UNSET else 1 + len(one.tags)
    return tags + (one.confirmed is not UNSET)


def _asked(one: _Question, now: datetime) -> CustomersEvent:
    """Return what is asked about. Raises `InvalidInput`."""
    named = {"key": one.key, "action": one.action}
    return CustomersEvent(
        fields.identifier(one.customer_id, "invalid_id"),
        UsageEvent(
            key=UNNAMED if one.key is UNSET else fields.key(named),
            action=fields.text(named, "action", "unknown_action"),
            quantity_micro=parse_quantity(one.quantity),
            event_at=now if one.event_at is UNSET else fields.parse_instant(one.event_at),
            tags=() if one.tags is UNSET else fields.tags(one.tags),
            confirmed=one.confirmed is True,
        ),
    )


def _checked(one: _Event) -> CustomersEvent:
    """Return the event, checked as any other. Raises `InvalidInput`."""
    customer = fields.identifier(one.customer_id, "invalid_id")
    named = {"key": one.key, "action": one.action}
    return CustomersEvent(
        customer,
        UsageEvent(
            key=fields.key(named),
            action=fields.text(named, "action", "unknown_action"),
            quantity_micro=parse_quantity(one.quantity),
            event_at=fields.parse_instant(one.event_at),
            tags=() if one.tags is UNSET else fields.tags(one.tags),
            confirmed=one.confirmed is True,
        ),
    )

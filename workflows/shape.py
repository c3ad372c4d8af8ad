"""A look at usage as it came: how many events it has, if each has the right shape.

It runs in C. What it lets pass is read where it is decided; whatever it does not is read here, by
`domain/messages/usage.py`, and refused by name.
"""

from typing import Annotated

import msgspec

from domain.messages.fields import MAX_TEXT
from domain.messages.usage import MAX_EVENTS

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    key: Text
    action: Text
    quantity: str | int | float
    event_at: str
    tags: dict[str, str] = {}
    confirmed: bool = False


class _Usage(msgspec.Struct, forbid_unknown_fields=True):
    events: Annotated[list[_Event], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]


_decoder = msgspec.json.Decoder(_Usage)


def events_in(data: bytes) -> int:
    """Return how many events a message has; 0 if one of them has not the shape of an event."""
    try:
        return len(_decoder.decode(data).events)
    except (ValueError, RecursionError):
        return 0

"""A fast check of raw usage messages: how many events, and whether each has the right shape.

It runs in C. Messages that pass are parsed when they are decided; all others are parsed here, by
`domain/messages/usage.py`, and refused with a reason.
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
    """Return how many events a message has; 0 if any of them is malformed."""
    try:
        return len(_decoder.decode(data).events)
    except (ValueError, RecursionError):
        return 0

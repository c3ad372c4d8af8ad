"""The types of events, and their ids."""

import re
from dataclasses import dataclass

from domain.errors import InvalidInput

TYPES = (
    "balance.low",
    "balance.exhausted",
    "balance.restored",
    "credits.granted",
    "credits.expiring",
    "credits.expired",
    "purchase.paid",
    "purchase.declined",
    "subscription.started",
    "subscription.renewed",
    "subscription.past_due",
    "subscription.paused",
    "subscription.resumed",
    "subscription.plan_changed",
    "subscription.canceled",
    "subscription.uncanceled",
    "subscription.ended",
    "approval.requested",
    "approval.decided",
    "refund.made",
    "dispute.opened",
    "dispute.closed",
)
EVENT_ID = re.compile(r"evt_([0-9]{1,18})_([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class EventId:
    """An event's account and its number; no number is used twice."""

    account_id: int
    number: int


def event_id(known: EventId) -> str:
    """Return the id that receivers see: without a dot, and of nobody's choosing."""
    return f"evt_{known.account_id}_{known.number}"


def parsed_event_id(event: str) -> EventId:
    """Return what an id names. Raises `InvalidInput` (`unknown_webhook_event`)."""
    found = EVENT_ID.fullmatch(event)
    if found is None:
        raise InvalidInput("unknown_webhook_event", f"{event!r:.60} is not the id of an event")
    return EventId(int(found[1]), int(found[2]))


def checked_types(types: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return the types an endpoint wants, None: all. Raises `InvalidInput` (`invalid_types`)."""
    if types is None:
        return None
    unknown = sorted(set(types) - set(TYPES))
    if unknown or not types:
        raise InvalidInput("invalid_types", f"not types of events: {', '.join(unknown) or 'none'}")
    return tuple(one for one in TYPES if one in types)

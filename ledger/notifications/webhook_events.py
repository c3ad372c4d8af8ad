"""Facts that the seller's systems are told: published in order, read by a cursor, sent again.

Triggers write them (ledger/sql/webhooks.sql); nothing here makes one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from domain.errors import InvalidInput
from domain.webhooks.events import EventId, event_id, parsed_event_id
from models.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent

MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Event:
    """One fact as it is sent; `seq` is the journal's when it was written."""

    event_id: str
    type: str
    seq: int
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order; go on after the last one."""

    events: tuple[Event, ...]
    has_more: bool


def publish(connection: Connection, at: datetime, limit: int = MOST_AT_ONCE) -> int:
    """Give committed events their places and deliveries, due at a real instant; return how many.

    Keep the transaction short: whoever publishes next waits for it.
    """
    return int(connection.scalar(select(func.publish_events(at, limit))) or 0)


def after(
    connection: Connection,
    event: str | None,
    *,
    limit: int,
    types: Sequence[str] = (),
    catalog: str | None = None,
) -> Page:
    """Return published events after one, or from the first; no types or catalog: of all.

    An event committed late comes after all that were published before, so that nobody who reads on
    misses one. Raises `InvalidInput` (`unknown_webhook_event`).
    """
    row = WebhookEvent
    wanted = select(row).where(row.position > (_position(connection, event) if event else 0))
    if types:
        wanted = wanted.where(row.type.in_(types))
    if catalog is not None:
        wanted = wanted.where(row.catalog == catalog)
    found = connection.execute(wanted.order_by(row.position).limit(limit + 1)).all()
    events = (
        Event(event_id(EventId(one.account_id, one.number)), one.type, one.seq, one.payload)
        for one in found[:limit]
    )
    return Page(tuple(events), len(found) > limit)


def _position(connection: Connection, event: str) -> int:
    known = parsed_event_id(event)
    position = connection.scalar(
        select(WebhookEvent.position).where(
            WebhookEvent.account_id == known.account_id, WebhookEvent.number == known.number
        )
    )
    if position is None:
        raise _unknown(event)
    return position


def redeliver(connection: Connection, event: str, endpoint_id: str, at: datetime) -> None:
    """Send an event to an endpoint once more, from the first attempt, whatever became of it before.

    An endpoint that is off gets it when it is on. Raises `InvalidInput` (`unknown_webhook_event`,
    `unknown_endpoint`).
    """
    _position(connection, event)  # what is not published yet will be delivered anyway
    if connection.scalar(select(WebhookEndpoint.url).filter_by(endpoint_id=endpoint_id)) is None:
        raise InvalidInput("unknown_endpoint", f"there is no endpoint {endpoint_id!r:.40}")
    known = parsed_event_id(event)
    again = {"state": "waiting", "attempts": 0, "next_at": at, "delivered_at": None}
    connection.execute(
        insert(WebhookDelivery)
        .values(
            account_id=known.account_id,
            number=known.number,
            endpoint_id=endpoint_id,
            next_at=at,
        )
        .on_conflict_do_update(constraint="webhook_deliveries_pk", set_=again)
    )


def _unknown(event: str) -> InvalidInput:
    return InvalidInput("unknown_webhook_event", f"there is no event {event!r:.60}")

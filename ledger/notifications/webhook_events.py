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
    wanted = select(row).where(row.position > (_published(connection, event)[0] if event else 0))
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


def _published(connection: Connection, event: str) -> tuple[int, str | None]:
    """Return the position and the catalog of an event; one without a position is not known yet."""
    known = parsed_event_id(event)
    row = WebhookEvent
    found = connection.execute(
        select(row.position, row.catalog).where(
            row.account_id == known.account_id, row.number == known.number
        )
    ).one_or_none()
    if found is None or found.position is None:
        raise InvalidInput("unknown_webhook_event", f"there is no event {event!r:.60}")
    return found.position, found.catalog


def redeliver(connection: Connection, event: str, endpoint_id: str, at: datetime) -> None:
    """Send an event to an endpoint once more, from the first attempt, whatever became of it before.

    An endpoint of one price list gets events of its customers alone; one that is off gets it when
    it is on. Raises `InvalidInput` (`unknown_webhook_event`, `unknown_endpoint`).
    """
    _, catalog = _published(connection, event)
    row = WebhookEndpoint
    to = connection.execute(
        select(row.catalog).where(row.endpoint_id == endpoint_id, row.secret.is_not(None))
    ).one_or_none()
    if to is None:
        raise InvalidInput("unknown_endpoint", f"there is no endpoint {endpoint_id!r:.40}")
    if to.catalog not in (None, catalog):  # its owner may not know other lists' customers
        raise InvalidInput("unknown_webhook_event", f"there is no event {event!r:.60}")
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

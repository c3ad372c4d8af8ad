"""Deliveries of events: claimed for a while, sent without a transaction, and noted.

Whoever dies between the answer and its note sends again when the claim is over, with the same id.
All instants are real ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select, text, update

from domain.webhooks.events import EventId, event_id
from models.tables import WebhookDelivery, WebhookEndpoint

LEASE = timedelta(minutes=2)  # longer than any request, so that nobody sends it beside us


@dataclass(frozen=True, slots=True)
class Recipient:
    """An endpoint for which something is due. All secrets that are live sign, the newest first."""

    endpoint_id: str
    url: str = field(repr=False)  # its path or query may hold a secret
    secrets: tuple[str, ...] = field(repr=False)
    owner_email: str
    is_failing: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery, ours for a while; `attempts` were made before."""

    account_id: int
    number: int
    endpoint_id: str
    attempts: int
    payload: dict[str, Any] = field(repr=False)

    @property
    def event_id(self) -> str:
        """The id that its receiver sees."""
        return event_id(EventId(self.account_id, self.number))


def recipients(connection: Connection, at: datetime) -> tuple[Recipient, ...]:
    """Return the endpoints that are on, not resting, and have something due."""
    due = (
        select(WebhookDelivery.number)
        .where(
            WebhookDelivery.endpoint_id == WebhookEndpoint.endpoint_id,
            WebhookDelivery.state == "waiting",
            WebhookDelivery.next_at <= at,
        )
        .exists()
    )
    rests = WebhookEndpoint.rests_until
    found = connection.execute(
        select(WebhookEndpoint).where(
            WebhookEndpoint.state == "on", or_(rests.is_(None), rests <= at), due
        )
    )
    return tuple(
        Recipient(
            endpoint_id=one.endpoint_id,
            url=one.url,
            secrets=(one.secret, one.old_secret)
            if one.old_until is not None and at < one.old_until
            else (one.secret,),
            owner_email=one.owner_email,
            is_failing=one.failing_since is not None,
        )
        for one in found
    )


def claim(
    connection: Connection, endpoint_id: str, at: datetime, limit: int, lease: timedelta = LEASE
) -> Sequence[Claim]:
    """Take the longest due deliveries of an endpoint until the lease is over; others skip them."""
    rows = connection.execute(
        text("""
            WITH due AS (
                SELECT account_id, number FROM webhook_deliveries
                WHERE endpoint_id = :endpoint AND state = 'waiting' AND next_at <= :at
                ORDER BY next_at, number LIMIT :limit FOR UPDATE SKIP LOCKED)
            UPDATE webhook_deliveries d SET next_at = :until
            FROM due JOIN webhook_events e
              ON e.account_id = due.account_id AND e.number = due.number
            WHERE d.account_id = due.account_id AND d.number = due.number
              AND d.endpoint_id = :endpoint
            RETURNING d.account_id, d.number, d.endpoint_id, d.attempts, e.payload
        """),
        {"endpoint": endpoint_id, "at": at, "limit": limit, "until": at + lease},
    )
    return [Claim(*one) for one in rows]


def note_delivered(connection: Connection, made: Claim, status: int, at: datetime) -> None:
    """Note that a receiver took an event: its endpoint does not fail any more."""
    _note(
        connection, made, state="delivered", delivered_at=at, last_status=status, last_failure=None
    )
    connection.execute(
        update(WebhookEndpoint)
        .where(
            WebhookEndpoint.endpoint_id == made.endpoint_id,
            WebhookEndpoint.failing_since.is_not(None),
        )
        .values(failing_since=None)
    )


def note_failed(
    connection: Connection,
    made: Claim,
    status: int | None,
    failure: str | None,
    gap: timedelta | None,
    at: datetime,
) -> datetime:
    """Note that an attempt failed, to be made again after a gap; None: never.

    Return since when the endpoint has failed, without a success between.
    """
    done = {"state": "failed"} if gap is None else {"next_at": at + gap}
    _note(connection, made, **done, last_status=status, last_failure=failure)
    since = connection.scalar(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.endpoint_id == made.endpoint_id)
        .values(failing_since=func.coalesce(WebhookEndpoint.failing_since, bindparam("since", at)))
        .returning(WebhookEndpoint.failing_since)
    )
    return since or at


def rest(connection: Connection, endpoint_id: str, until: datetime) -> None:
    """Let an endpoint rest that asked for it: nothing is sent before."""
    connection.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.endpoint_id == endpoint_id)
        .values(rests_until=func.greatest(WebhookEndpoint.rests_until, until))
    )


def give_up_on(connection: Connection, endpoint_id: str, at: datetime, because: str) -> bool:
    """Switch an endpoint off; return whether it was on, so that its owner is told once."""
    changed = connection.execute(
        update(WebhookEndpoint)
        .where(and_(WebhookEndpoint.endpoint_id == endpoint_id, WebhookEndpoint.state == "on"))
        .values(state="off", off_because=because, off_at=at)
    )
    return bool(changed.rowcount)


def _note(connection: Connection, made: Claim, **values: object) -> None:
    connection.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.account_id == made.account_id,
            WebhookDelivery.number == made.number,
            WebhookDelivery.endpoint_id == made.endpoint_id,
            WebhookDelivery.state == "waiting",
        )
        .values(attempts=made.attempts + 1, **values)
    )

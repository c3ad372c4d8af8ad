"""Deliveries of events: claimed for a while, sent without a transaction, and noted.

Whoever dies between the answer and its note sends again when the claim is over, with the same id.
All instants are real ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    text,
    update,
)

from domain.errors import InvalidInput
from domain.webhooks.events import EventId, event_id, parsed_event_id
from models.tables import WebhookDelivery, WebhookEndpoint, WebhookEvent

ENDED = "endpoint_deleted"
STUCK_AFTER = timedelta(hours=1)  # due for so long, though its endpoint takes what it gets
FAILING_STUCK_AFTER = timedelta(days=1)  # one that fails is sent one at a time
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


@dataclass(frozen=True, slots=True)
class Delivery:
    """How the delivery of an event went. `next_at` None: nothing more is sent by itself."""

    id: str
    type: str
    state: str
    attempts: int
    last_status: int | None
    last_failure: str | None
    next_at: datetime | None
    delivered_at: datetime | None
    recorded_at: datetime


def listed(
    connection: Connection, endpoint_id: str, *, after: str | None, state: str | None, limit: int
) -> tuple[list[Delivery], bool]:
    """Return deliveries to an endpoint, the newest event first, and whether others follow.

    Raises `InvalidInput` (`unknown_webhook_event`) where `after` is none of them.
    """
    row, event = WebhookDelivery, WebhookEvent
    wanted = (
        select(row, event.type)
        .join(event, and_(event.account_id == row.account_id, event.number == row.number))
        .where(row.endpoint_id == endpoint_id)
    )
    if after is not None:
        known = parsed_event_id(after)
        place = row.account_id == known.account_id, row.number == known.number
        if not connection.scalar(select(wanted.where(*place).exists())):
            raise InvalidInput("unknown_webhook_event", f"{after!r:.60} was not sent to it")
        wanted = wanted.where(row.number < known.number)
    if state is not None:
        wanted = wanted.where(row.state == state)
    found = connection.execute(wanted.order_by(row.number.desc()).limit(limit + 1)).all()
    return [_delivery(one) for one in found[:limit]], len(found) > limit


def _delivery(one: Row[*tuple[Any, ...]]) -> Delivery:
    return Delivery(
        id=event_id(EventId(one.account_id, one.number)),
        type=one.type,
        state=one.state,
        attempts=one.attempts,
        last_status=one.last_status,
        last_failure=one.last_failure,
        next_at=one.next_at if one.state == "waiting" else None,
        delivered_at=one.delivered_at,
        recorded_at=one.recorded_at,
    )


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


def end(connection: Connection, endpoint_id: str) -> None:
    """Give up what waits for an endpoint that is deleted."""
    row = WebhookDelivery
    connection.execute(
        update(row)
        .where(row.endpoint_id == endpoint_id, row.state == "waiting")
        .values(state="failed", last_failure=ENDED)
    )


@dataclass(frozen=True, slots=True)
class Stuck:
    """How many deliveries of an endpoint are overdue, and since when."""

    endpoint_id: str
    number: int
    since: datetime


def stuck(connection: Connection, at: datetime) -> list[Stuck]:
    """Return the endpoints whose deliveries are overdue though nothing hinders them.

    A claim that is long over counts: it lapses by being due again.
    """
    row, to = WebhookDelivery, WebhookEndpoint
    patience = case(
        (to.failing_since.is_(None), literal(at - STUCK_AFTER)),
        else_=literal(at - FAILING_STUCK_AFTER),
    )
    found = connection.execute(
        select(row.endpoint_id, func.count(), func.min(row.next_at))
        .join(to, to.endpoint_id == row.endpoint_id)
        .where(
            row.state == "waiting",
            row.next_at < patience,
            to.state == "on",
            or_(to.rests_until.is_(None), to.rests_until < patience),
        )
        .group_by(row.endpoint_id)
        .order_by(row.endpoint_id)
    )
    return [Stuck(*one) for one in found]


def _note(connection: Connection, made: Claim, **values: object) -> None:
    connection.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.account_id == made.account_id,
            WebhookDelivery.number == made.number,
            WebhookDelivery.endpoint_id == made.endpoint_id,
            or_(WebhookDelivery.state == "waiting", WebhookDelivery.last_failure == ENDED),
        )
        .values(attempts=made.attempts + 1, **values)
    )

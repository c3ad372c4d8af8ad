"""Addresses of the seller that hear of events: plain records, no account has a part in them.

Instants are real ones, never a customer's: receivers live in real time.
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, text, update

from domain.errors import InvalidInput
from domain.webhooks.events import checked_types
from domain.webhooks.targets import parsed_url
from ledger.notifications import webhook_deliveries
from models.tables import WebhookEndpoint

ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
SECRET_BYTES = 32
DELETED = "deleted"
OVERLAP = timedelta(hours=24)  # how long the old secret signs as well


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as people see it: no secret. `types` and `catalog` None: all.

    `off_because`: `by_hand`, `gone` (it answered 410), `failing` (five days without a success),
    `deleted`.
    """

    endpoint_id: str
    url: str
    types: tuple[str, ...] | None
    catalog: str | None
    owner_email: str
    state: str
    off_because: str | None
    off_at: datetime | None
    failing_since: datetime | None
    old_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret, shown this once, and whose it is."""

    endpoint_id: str
    secret: str = field(repr=False)


def create(
    connection: Connection,
    url: str,
    owner_email: str,
    at: datetime,
    types: Sequence[str] | None = None,
    catalog: str | None = None,
    *,
    anywhere: bool = False,
) -> NewSecret:
    """Create an endpoint that hears of what is published from now on; no types or catalog: of all.

    Its owner is mailed when it is switched off. `anywhere`: http and every port too, for local use.
    Raises `InvalidInput` (`invalid_url`, `invalid_types`).
    """
    parsed_url(url, anywhere=anywhere)
    wanted = checked_types(None if types is None else tuple(types))
    made = NewSecret("we_" + "".join(secrets.choice(ALPHABET) for _ in range(16)), _secret())
    connection.execute(
        insert(WebhookEndpoint).values(
            endpoint_id=made.endpoint_id,
            url=url,
            secret=made.secret,
            types=None if wanted is None else list(wanted),
            catalog=catalog,
            owner_email=owner_email,
            created_at=at,
        )
    )
    return made


def listed(connection: Connection, *, deleted: bool = False) -> tuple[Endpoint, ...]:
    """Return all endpoints, the oldest first; `deleted`: those that were, too."""
    row = WebhookEndpoint
    wanted = select(row).order_by(row.created_at, row.endpoint_id)
    found = connection.execute(wanted if deleted else wanted.where(row.secret.is_not(None)))
    return tuple(
        Endpoint(
            endpoint_id=one.endpoint_id,
            url=one.url,
            types=None if one.types is None else tuple(one.types),
            catalog=one.catalog,
            owner_email=one.owner_email,
            state=one.state,
            off_because=one.off_because,
            off_at=one.off_at,
            failing_since=one.failing_since,
            old_until=one.old_until,
            created_at=one.created_at,
        )
        for one in found
    )


def rotate_secret(
    connection: Connection, endpoint_id: str, at: datetime, overlap: timedelta = OVERLAP
) -> NewSecret:
    """Replace the secret; the one before signs as well until the overlap is over.

    Raises `InvalidInput` (`unknown_endpoint`).
    """
    made = NewSecret(endpoint_id, _secret())
    _change(
        connection,
        endpoint_id,
        secret=made.secret,
        old_secret=WebhookEndpoint.secret,
        old_until=at + overlap,
    )
    return made


def switch_on(connection: Connection, endpoint_id: str) -> None:
    """Let an endpoint hear again: what waited for it, and what is published from now on.

    What was published while it was off is read with `webhook_events.after`, or sent by hand. Raises
    `InvalidInput` (`unknown_endpoint`).
    """
    _change(
        connection,
        endpoint_id,
        state="on",
        off_because=None,
        off_at=None,
        failing_since=None,
        rests_until=None,
    )


def switch_off(
    connection: Connection, endpoint_id: str, at: datetime, because: str = "by_hand"
) -> None:
    """Send an endpoint nothing more. Raises `InvalidInput` (`unknown_endpoint`)."""
    _change(connection, endpoint_id, state="off", off_because=because, off_at=at)


def delete(connection: Connection, endpoint_id: str, at: datetime) -> None:
    """Delete an endpoint: what waits for it ends, what was sent stays listed. A repeat is one.

    Keep the transaction short: whoever publishes waits for it, so that nobody addresses an event to
    an endpoint that is being deleted. Raises `InvalidInput` (`unknown_endpoint`).
    """
    row = WebhookEndpoint
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('webhook_events'))"))
    if connection.scalar(
        select(row.off_because == DELETED).where(row.endpoint_id == endpoint_id).with_for_update()
    ):
        return
    _change(
        connection,
        endpoint_id,
        state="off",
        off_because=DELETED,
        off_at=at,
        secret=None,
        old_secret=None,
        old_until=None,
    )
    webhook_deliveries.end(connection, endpoint_id)


def _change(connection: Connection, endpoint_id: str, **values: object) -> None:
    row = WebhookEndpoint
    changed = connection.execute(
        update(row).where(row.endpoint_id == endpoint_id, row.secret.is_not(None)).values(**values)
    )
    if not changed.rowcount:
        raise InvalidInput("unknown_endpoint", f"there is no endpoint {endpoint_id!r:.40}")


def _secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()

"""What shows that something is stuck: what waits, what was refused, which laws are broken."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PATIENCE_MS = 5_000  # that the laws are looked at: all of them read every line of the journal
MOST_BROKEN = 50
_CANCELED = "57014"  # what the database calls a statement that took too long


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of one topic that were not delivered yet; `since` is the oldest one's instant."""

    topic: str
    number: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """How often something was refused for a reason, within an hour and within a day."""

    reason: str
    last_hour: int
    last_day: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A law of the books that does not hold."""

    account_id: int
    law: str
    subject: str


def waiting(connection: Connection) -> list[Waiting]:
    """Return the topics in which something waits; `webhook` are events not yet published."""
    rows = connection.execute(
        text("""
            SELECT topic, count(*), min(recorded_at) FROM outbox
            WHERE delivered_at IS NULL GROUP BY topic
            UNION ALL SELECT 'webhook', count(*), min(recorded_at) FROM webhook_events
            WHERE position IS NULL HAVING count(*) > 0
            ORDER BY 1
        """)
    )
    return [Waiting(*row) for row in rows]


def refused(connection: Connection, at: datetime) -> list[Refused]:
    """Return why messages that nobody waited for were refused in the day before, often first."""
    rows = connection.execute(
        text("""
            SELECT reason, count(*) FILTER (WHERE recorded_at > :hour), count(*) FROM refusals
            WHERE recorded_at > :day GROUP BY reason ORDER BY 3 DESC, 1
        """),
        {"hour": at - HOUR, "day": at - DAY},
    )
    return [Refused(*row) for row in rows]


def broken(connection: Connection, patience_ms: int = PATIENCE_MS) -> Sequence[Broken] | None:
    """Return the laws that are broken, some of them if many; None: looking takes too long here.

    Asked in a transaction of its own, which is over if it took too long.
    """
    limit = text("SELECT set_config('statement_timeout', :ms, true)")
    connection.execute(limit, {"ms": f"{patience_ms}ms"})
    wanted = text("SELECT account_id, law, subject FROM violations LIMIT :most")
    try:
        return [Broken(*row) for row in connection.execute(wanted, {"most": MOST_BROKEN})]
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _CANCELED:
            raise
        return None

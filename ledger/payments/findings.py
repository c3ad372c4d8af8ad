"""Findings: what operators must look at, open until one of them settles it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from domain.errors import InvalidInput
from domain.payments.findings import Finding, FindingKind
from models.tables import FindingRow

LONGEST_DETAIL = 1_000  # characters; the processor wrote some of it
COLUMNS = (
    FindingRow.key,
    FindingRow.kind,
    FindingRow.customer_id,
    FindingRow.subscription_id,
    FindingRow.charge_id,
    FindingRow.processor_id,
    FindingRow.detail,
    FindingRow.at,
)


@dataclass(frozen=True, slots=True)
class Looked:
    """A finding and what came of it; None: it is open."""

    finding: Finding
    by: str | None
    reason: str | None
    settled_at: datetime | None


def record(connection: Connection, finding: Finding) -> bool:
    """Record a finding; return whether its key is new, settled ones included.

    The row that notifies its subscription share-locks the wallet: one subscription per transaction.
    """
    values = asdict(finding) | {"detail": finding.detail[:LONGEST_DETAIL].replace("\x00", "\ufffd")}
    statement = insert(FindingRow).values(values).on_conflict_do_nothing()
    added = connection.execute(statement.returning(FindingRow.key)).first() is not None
    if added:
        _tell(connection, finding.key, finding.subscription_id, "found")
    return added


def open_findings(connection: Connection, customer_id: str | None = None) -> tuple[Finding, ...]:
    """Return the open findings of a customer or of all, the oldest first."""
    own = () if customer_id is None else (FindingRow.customer_id == customer_id,)
    rows = connection.execute(
        select(*COLUMNS)
        .where(FindingRow.settled_at.is_(None), *own)
        .order_by(FindingRow.recorded_at, FindingRow.key)
    )
    return tuple(_finding(row) for row in rows)


def looked_at(
    connection: Connection, kinds: Iterable[FindingKind], begin: datetime, end: datetime
) -> list[Looked]:
    """Return the findings of some kinds: all open ones, then those found in [begin, end)."""
    rows = connection.execute(
        select(*COLUMNS, FindingRow.settled_by, FindingRow.settled_reason, FindingRow.settled_at)
        .where(
            FindingRow.kind.in_(kinds),
            or_(FindingRow.settled_at.is_(None), FindingRow.recorded_at.between(begin, end)),
        )
        .order_by(FindingRow.settled_at.is_not(None), FindingRow.recorded_at, FindingRow.key)
    )
    return [
        Looked(_finding(row), row.settled_by, row.settled_reason, row.settled_at) for row in rows
    ]


def is_open(connection: Connection, kind: FindingKind, charge_id: str) -> bool:
    """Return whether a finding about a charge is still open."""
    statement = select(FindingRow.key).where(
        FindingRow.kind == kind.value,
        FindingRow.charge_id == charge_id,
        FindingRow.settled_at.is_(None),
    )
    return connection.scalar(statement.limit(1)) is not None


def count_of(connection: Connection, subscription_id: str) -> int:
    """Return how many findings of a subscription are open."""
    statement = select(func.count()).where(
        FindingRow.subscription_id == subscription_id, FindingRow.settled_at.is_(None)
    )
    return int(connection.scalar(statement) or 0)


def counts(connection: Connection) -> Mapping[FindingKind, int]:
    """Return how many findings are open, by kind, kinds without any included."""
    rows = connection.execute(
        select(FindingRow.kind, func.count())
        .where(FindingRow.settled_at.is_(None))
        .group_by(FindingRow.kind)
    )
    found = {kind: int(number) for kind, number in rows}
    return {kind: found.get(kind.value, 0) for kind in FindingKind}


def settle(connection: Connection, key: str, by: str, reason: str, at: datetime) -> Finding:
    """Record who looked and what came of it; a second call changes nothing.

    Raises `InvalidInput`: `unknown_finding`, `reason_missing`.
    """
    if not (by.strip() and reason.strip()):
        raise InvalidInput("reason_missing", "say who looked and what came of it")
    row = connection.execute(select(*COLUMNS).where(FindingRow.key == key)).one_or_none()
    if row is None:
        raise InvalidInput("unknown_finding", f"there is no finding {key!r:.200}")
    changed = connection.execute(
        update(FindingRow)
        .where(FindingRow.key == key, FindingRow.settled_at.is_(None))
        .values(settled_by=by, settled_reason=reason, settled_at=at)
    )
    if changed.rowcount:
        _tell(connection, key, row.subscription_id, "settled")
    return _finding(row)


def is_settled(connection: Connection, key: str) -> bool:
    """Return whether somebody has settled a finding: that decision stands."""
    statement = select(FindingRow.settled_at).where(FindingRow.key == key)
    return connection.scalar(statement) is not None


def booked_since(connection: Connection) -> tuple[str, ...]:
    """Return the open findings about money whose charge has been paid by it since."""
    rows = connection.execute(
        text("""
            SELECT f.key FROM findings f JOIN subscriptions s USING (subscription_id)
            JOIN charges c ON (c.account_id, c.charge_id) = (s.account_id, f.charge_id)
            WHERE f.kind = 'paid_without_charge' AND f.settled_at IS NULL
              AND c.state = 'paid' AND c.invoice = f.processor_id
            ORDER BY f.key
        """)
    )
    return tuple(row.key for row in rows)


def close(connection: Connection, key: str, reason: str, at: datetime) -> bool:
    """Settle a finding that no longer holds; return whether it was open.

    Its subscription is told the count but not that somebody looked, so nothing is retried.
    """
    changed = connection.execute(
        update(FindingRow)
        .where(FindingRow.key == key, FindingRow.settled_at.is_(None))
        .values(settled_by="reconciliation", settled_reason=reason, settled_at=at)
        .returning(FindingRow.subscription_id)
    ).one_or_none()
    if changed is not None:
        _tell(connection, key, changed.subscription_id, "closed")
    return changed is not None


def _tell(connection: Connection, key: str, subscription_id: str | None, word: str) -> None:
    """Tell the subscription how many are open now, in the transaction that changes it."""
    connection.execute(
        text("""
            INSERT INTO outbox (account_id, message_key, topic, payload)
            SELECT account_id, 'finding:' || :word || ':' || :key, 'finding',
                   jsonb_build_object('subscription', subscription_id)
            FROM subscriptions WHERE subscription_id = :subscription
            ON CONFLICT DO NOTHING
        """),
        {"word": word, "key": key, "subscription": subscription_id},
    )


def _finding(row: Row[*tuple[Any, ...]]) -> Finding:
    return Finding(
        key=row.key,
        kind=FindingKind(row.kind),
        customer_id=row.customer_id,
        subscription_id=row.subscription_id,
        charge_id=row.charge_id,
        processor_id=row.processor_id,
        detail=row.detail,
        at=row.at,
    )

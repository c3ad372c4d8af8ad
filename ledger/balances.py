"""Reads of the ledger. Nothing here changes anything."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from domain.reasons import CURES
from domain.subscription import LeftBehind, TypeLeft


@dataclass(frozen=True, slots=True)
class Balance:
    """Micro-credits of one type at an instant: `available` is what a debit may take."""

    credit_type: str
    available_micro: int
    held_micro: int


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of a customer's ledger with its cause. Credits in micro-credits."""

    seq: int
    line: int
    at: datetime
    event_at: datetime
    kind: str
    change_micro: int
    available_micro: int
    credit_type: str
    cause: str
    source: str | None
    request_id: str | None  # of the request that wrote it, if it was named


def available(connection: Connection, account_id: int, credit_type: str, at: datetime) -> int:
    """Return the micro-credits that a debit at `at` may take, as booked now.

    A debit is never decided before what was decided last: a clock that runs behind asks as of then.
    """
    statement = text("""
        SELECT b.available FROM wallets w,
               balance_at(w.account_id, :type, greatest(:at, w.decided_at)) b
        WHERE w.account_id = :account
    """)
    values = {"account": account_id, "type": credit_type, "at": at}
    return int(connection.scalar(statement, values) or 0)


def available_of_each(connection: Connection, account_id: int, at: datetime) -> dict[str, int]:
    """Return the available micro-credits of every credit type at `at`, as booked now."""
    kinds = text("SELECT DISTINCT credit_type FROM grants WHERE account_id = :account ORDER BY 1")
    return {
        kind: available(connection, account_id, kind, at)
        for kind in connection.scalars(kinds, {"account": account_id})
    }


@dataclass(frozen=True, slots=True)
class Batch:
    """Available micro-credits of one type that expire together; None: never."""

    credits_micro: int
    expires_at: datetime | None


def by_expiry(
    connection: Connection, account_id: int, credit_type: str, at: datetime
) -> tuple[Batch, ...]:
    """Return what `available` sums up, by expiry, the soonest first."""
    rows = connection.execute(
        text("""
            SELECT sum(g.unheld + coalesce(l.amount, 0))::bigint AS free,
                   nullif(g.expires_at, 'infinity') AS expires
            FROM wallets w
            CROSS JOIN LATERAL (SELECT greatest(:at, w.decided_at) AS at) t
            CROSS JOIN LATERAL grants_to_burn(:account, :type, NULL, w.frozen, t.at, false) g
            LEFT JOIN LATERAL lapsed_by(:account, t.at) l ON l.grant_id = g.grant_id
            WHERE w.account_id = :account AND g.is_usable AND NOT g.is_debt
            GROUP BY 2 HAVING sum(g.unheld + coalesce(l.amount, 0)) > 0 ORDER BY 2
        """),
        {"account": account_id, "type": credit_type, "at": at},
    )
    return tuple(Batch(row.free, row.expires) for row in rows)


def balances_as_of(connection: Connection, account_id: int, at: datetime) -> tuple[Balance, ...]:
    """Return what was available at an instant, by the instant itself, not by when it was booked.

    Excludes overdraft, which is no one's credit; includes frozen credits, which the journal omits.
    """
    rows = connection.execute(
        text("""
            SELECT g.credit_type,
                   sum(coalesce(j.change, 0) - coalesce(j.held, 0) + coalesce(l.amount, 0))
                       FILTER (WHERE is_usable(g.effective_at, g.expires_at, g.source, false, :at))
                       AS available,
                   sum(coalesce(j.held, 0) - coalesce(l.amount, 0)) AS held
            FROM grants g
            LEFT JOIN (
                SELECT e.grant_id, sum(e.change) AS change, sum(e.held_change) AS held
                FROM journal e WHERE e.account_id = :account AND e.at <= :at
                GROUP BY e.grant_id
            ) j ON j.grant_id = g.grant_id
            LEFT JOIN lapsed_by(:account, :at) l ON l.grant_id = g.grant_id
            WHERE g.account_id = :account AND g.source <> 'overdraft'
            GROUP BY g.credit_type ORDER BY g.credit_type
        """),
        {"account": account_id, "at": at},
    )
    return tuple(Balance(row.credit_type, int(row.available or 0), int(row.held)) for row in rows)


def left_behind(connection: Connection, account_id: int, at: datetime) -> LeftBehind:
    """Return what an end at `at` would leave of the credits that exist then."""
    rows = connection.execute(
        text("""
            SELECT credit_type,
                   coalesce(sum(remaining) FILTER (WHERE expires_at < 'infinity'), 0)::bigint,
                   coalesce(sum(remaining) FILTER (WHERE expires_at = 'infinity'), 0)::bigint
            FROM grants WHERE account_id = :account AND is_open AND expires_at > :at
                          AND source <> 'overdraft'
            GROUP BY credit_type ORDER BY credit_type
        """),
        {"account": account_id, "at": at},
    )
    return LeftBehind(tuple(TypeLeft(*row) for row in rows))


HISTORY = text("""
    SELECT e.seq, e.line, e.at, e.event_at, e.kind::text, e.change, e.available_after,
           e.credit_type,
           CASE e.kind
               WHEN 'debit' THEN f.action || ' x ' || trim_scale(f.quantity / 1000000.0)
                    || CASE WHEN e.grant_id IS NULL THEN ' (free)' ELSE '' END
                    || CASE WHEN e.late THEN ' (late)' ELSE '' END || ' [' || f.key || ']'
               WHEN 'hold' THEN h.action || ' x ' || trim_scale(h.quantity / 1000000.0)
                    || ' [' || h.key || ']'
               WHEN 'capture' THEN h.action || ' x '
                    || trim_scale(h.captured / 1000000.0)
                    || CASE WHEN e.grant_id IS NULL THEN ' (free)' ELSE '' END
                    || CASE WHEN e.late THEN ' (late)' ELSE '' END || ' [' || h.key || ']'
               WHEN 'release' THEN h.action
                    || CASE h.state WHEN 'lapsed' THEN ' (lapsed)' ELSE '' END
                    || ' [' || h.key || ']'
               WHEN 'grant' THEN coalesce(g.charge_id, e.tags ->> 'reason',
                                          substr(e.key, 8))
                    || coalesce(', by ' || (e.tags ->> 'by'), '')
                    || coalesce(', approved by ' || (e.tags ->> 'approved_by'), '')
               WHEN 'expiry' THEN 'unused credits expired'
               WHEN 'rollover' THEN 'moved into the next window'
               WHEN 'reopen' THEN 'reopened for late usage'
               WHEN 'repayment' THEN 'a debt repaid'
               ELSE coalesce(r.reason, f.tags ->> 'reason', substr(f.key, 8))
                    || CASE WHEN e.kind IN ('refund', 'chargeback', 'debt')
                            THEN coalesce(' of ' || g.charge_id, '') ELSE '' END
                    || coalesce(', by ' || coalesce(r.made_by, f.tags ->> 'by'), '')
                    || coalesce(', approved by ' || (f.tags ->> 'approved_by'), '')
               END AS cause,
           g.source, n.request_id
    FROM journal e
    CROSS JOIN operation_of(:account, e.seq, NULL) f
    LEFT JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.grant_id
    LEFT JOIN refunds r ON r.account_id = e.account_id
                       AND r.refund_id = f.tags ->> 'refund'
    LEFT JOIN holds h ON h.account_id = e.account_id
                     AND (h.hold_id = e.seq OR h.resolved_seq = e.seq)
    LEFT JOIN named_requests n ON n.account_id = e.account_id AND n.seq = e.seq
                              AND n.charge_id = ''
    WHERE e.account_id = :account
      AND e.seq > CASE WHEN CAST(:start AS timestamptz) IS NULL THEN :after
                       ELSE greatest(:after, seq_before(:account, :start)) END
      AND (CAST(:action AS text) IS NULL OR :action IN (f.action, f.served_as))
      AND coalesce(f.tags, '{}') @> CAST(:tags AS jsonb)
      AND e.at >= coalesce(CAST(:start AS timestamptz), '-infinity')
      AND e.at < coalesce(CAST(:end AS timestamptz), 'infinity')
    ORDER BY e.seq, e.line LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which lines to list: of an action, with all these tags, decided in [start, end)."""

    action: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    start: datetime | None = None
    end: datetime | None = None


def history(
    connection: Connection,
    account_id: int,
    *,
    after_seq: int = 0,
    limit: int = 1_000,
    chosen: Chosen = Chosen(),
) -> tuple[HistoryLine, ...]:
    """Return the journal of an account, oldest first, each line with its cause."""
    rows = connection.execute(
        HISTORY,
        {
            "account": account_id,
            "after": after_seq,
            "limit": limit,
            "action": chosen.action,
            "tags": json.dumps(dict(chosen.tags)),
            "start": chosen.start,
            "end": chosen.end,
        },
    )
    return tuple(HistoryLine(*row) for row in rows)


def refusals(
    connection: Connection, account_id: int, *, limit: int
) -> tuple[dict[str, str | None], ...]:
    """Return the newest refusals of fire-and-forget messages, with their cures."""
    rows = connection.execute(
        text("""
            SELECT key, reason, request, at FROM refusals
            WHERE account_id = :account ORDER BY at DESC LIMIT :limit
        """),
        {"account": account_id, "limit": limit},
    )
    return tuple(
        {
            "key": row.key,
            "reason": row.reason,
            "cure": CURES.get(row.reason, ""),
            "request": row.request,
            "at": row.at.isoformat(),
        }
        for row in rows
    )


def books(connection: Connection, account_id: int | None = None) -> dict[str, int]:
    """Return the balance of each book in minor units, debits positive."""
    rows = connection.execute(
        text("""
            SELECT book::text, sum(amount_minor) FROM postings
            WHERE account_id = coalesce(CAST(:account AS bigint), account_id) GROUP BY book
        """),
        {"account": account_id},
    )
    return {book: int(amount) for book, amount in rows}


def violations(connection: Connection) -> Sequence[tuple[int, str, str]]:
    """Return every broken law: account, law, subject. Empty in a healthy ledger."""
    rows = connection.execute(text("SELECT account_id, law, subject FROM violations"))
    return [(row[0], row[1], row[2]) for row in rows]

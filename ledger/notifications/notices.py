"""Notices that people read inside the product, and the recent usage that alerts quote."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from domain.pricing.forecast import LONG_DAYS


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice; `payload` depends on `kind`; `read_at` None: unread."""

    notice_id: str
    kind: str
    payload: dict[str, Any]
    at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class RecentUse:
    """Recent use of a credit type, in micro-credits.

    `burns` is a figure for each day the customer has had, at most a month's, the newest last;
    `actions` are those that took most, the dearest first.
    """

    burns: tuple[int, ...]
    actions: tuple[tuple[str, int], ...]


def put(
    connection: Connection,
    account_id: int,
    notice_id: str,
    kind: str,
    payload: Mapping[str, Any],
    at: datetime,
) -> bool:
    """Add a notice once per id; return whether it is new."""
    added = connection.execute(
        text("""
            INSERT INTO notices (account_id, notice_id, kind, payload, at)
            VALUES (:account, :id, :kind, CAST(:payload AS jsonb), :at)
            ON CONFLICT DO NOTHING RETURNING notice_id
        """),
        {
            "account": account_id,
            "id": notice_id,
            "kind": kind,
            "payload": json.dumps(payload),
            "at": at,
        },
    )
    return added.first() is not None


def newest(
    connection: Connection, account_id: int, *, unread_only: bool = False, limit: int = 100
) -> tuple[Notice, ...]:
    """Return the newest notices of a customer."""
    rows = connection.execute(
        text("""
            SELECT notice_id, kind, payload, at, read_at FROM notices
            WHERE account_id = :account AND (read_at IS NULL OR NOT :unread)
            ORDER BY at DESC, notice_id LIMIT :limit
        """),
        {"account": account_id, "unread": unread_only, "limit": limit},
    )
    return tuple(Notice(*row) for row in rows)


def mark_read(
    connection: Connection, account_id: int, notice_ids: Sequence[str], at: datetime
) -> int:
    """Mark notices as read; return how many were unread."""
    read = connection.execute(
        text("""
            UPDATE notices SET read_at = :at
            WHERE account_id = :account AND notice_id = ANY (:ids) AND read_at IS NULL
        """),
        {"account": account_id, "ids": list(notice_ids), "at": at},
    )
    return int(read.rowcount)


def recent_use(
    connection: Connection, account_id: int, credit_type: str, at: datetime
) -> RecentUse:
    """Return the use of a credit type in the month before `at`, net of corrections."""
    rows = connection.execute(
        text("""
            SELECT floor(extract(epoch FROM :at - e.at) / 86400)::integer AS days_ago,
                   coalesce(o.action, '') AS action, -sum(e.change)::bigint AS credits
            FROM journal e CROSS JOIN operation_of(:account, e.seq, e.corrects) o
            WHERE e.account_id = :account AND e.seq > seq_before(:account, :since) AND e.at <= :at
              AND e.credit_type = :type AND e.kind IN ('debit', 'capture', 'correction')
            GROUP BY 1, 2
        """),
        {
            "account": account_id,
            "type": credit_type,
            "at": at,
            "since": at - timedelta(days=LONG_DAYS),
        },
    ).all()
    first = connection.scalar(
        text("SELECT at FROM journal WHERE account_id = :a ORDER BY seq LIMIT 1"), {"a": account_id}
    )
    days = min(LONG_DAYS, (at - first).days + 1) if first is not None and first <= at else 0
    by_day, by_action = [0] * days, dict[str, int]()
    for days_ago, action, credits_micro in rows:
        if days_ago < days:
            by_day[-1 - days_ago] += credits_micro
        by_action[action] = by_action.get(action, 0) + credits_micro
    ranked = sorted(by_action.items(), key=lambda one: (-one[1], one[0]))
    return RecentUse(
        tuple(max(0, burn) for burn in by_day), tuple(one for one in ranked if one[1] > 0)
    )


@dataclass(frozen=True, slots=True)
class Expiring:
    """Micro-credits of one type that expire together."""

    credit_type: str
    expires_at: datetime
    credits_micro: int


def expiring(connection: Connection, account_id: int, at: datetime) -> tuple[Expiring, ...]:
    """Return credits that will expire and are not renewed as an allowance, the soonest first."""
    rows = connection.execute(
        text("""
            SELECT credit_type, expires_at, sum(remaining - held)::bigint FROM grants
            WHERE account_id = :account AND is_open AND remaining > held
              AND source NOT IN ('allowance', 'rollover', 'overdraft')
              AND expires_at > :at AND expires_at < 'infinity'
            GROUP BY credit_type, expires_at ORDER BY expires_at, credit_type
        """),
        {"account": account_id, "at": at},
    )
    return tuple(Expiring(*row) for row in rows)

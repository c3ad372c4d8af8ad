"""Lists of what a customer has, page by page."""

from typing import Any

from sqlalchemy import Connection, text

MOST_WAITING = 100


def waiting_approvals(connection: Connection, account_id: int) -> list[dict[str, Any]]:
    """Return the requests that wait for an admin, the oldest first, at most a hundred."""
    rows = connection.execute(
        text("""
            SELECT key, kind, member_id, credit_type, amount, wish ->> 'note' AS note, asked_at,
                   lapses_at
            FROM approvals WHERE account_id = :account AND state = 'waiting'
            ORDER BY asked_at, key LIMIT :limit
        """),
        {"account": account_id, "limit": MOST_WAITING},
    )
    return [dict(row) for row in rows.mappings()]

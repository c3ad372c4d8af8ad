"""Ceilings of credit counters, such as a member's per window, and the counters' values."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text


@dataclass(frozen=True, slots=True)
class Usage:
    """What a counter took of a credit type in a window, and its ceiling if it has one."""

    counter: str
    credit_type: str
    used_micro: int
    ceiling_micro: int | None


def set_limit(
    connection: Connection,
    account_id: int,
    counter: str,
    credit_type: str,
    ceiling_micro: int | None,
    at: datetime,
) -> None:
    """Limit a counter to `ceiling_micro` of a type per window; None removes the limit.

    A ceiling of 0 allows only free actions. One below present use takes nothing back.
    """
    connection.execute(select(func.set_limit(account_id, counter, credit_type, ceiling_micro, at)))


def usage(connection: Connection, account_id: int, window_start: datetime) -> tuple[Usage, ...]:
    """Return every counter of a window that has a ceiling or took credits, by name."""
    rows = connection.execute(
        text("""
            SELECT coalesce(l.counter, c.name) AS counter, coalesce(l.credit_type, c.credit_type),
                   coalesce(c.value, 0), l.ceiling
            FROM (SELECT * FROM limits WHERE account_id = :account) l
            FULL JOIN (
                SELECT regexp_replace(o.counter, '@[^@]*$', '') AS name,
                       substring(o.counter FROM '[^@]*$') AS credit_type, o.value
                FROM counters o
                WHERE o.account_id = :account AND o.window_start = :window
                  AND o.counter LIKE 'member:%@%'
            ) c ON c.name = l.counter AND c.credit_type = l.credit_type
            ORDER BY 1, 2
        """),
        {"account": account_id, "window": window_start},
    )
    return tuple(Usage(*row) for row in rows)


def debt(connection: Connection, account_id: int, credit_type: str) -> int:
    """Return the micro-credits of a type that are owed: overdrawn or charged back."""
    name = f"debt:{credit_type}"
    owed = connection.scalar(select(func.counter_value(account_id, name, text("'-infinity'"))))
    return int(owed or 0)

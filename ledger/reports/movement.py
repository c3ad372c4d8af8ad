"""How deferred revenue moved, by month: opening + what came - what left it = closing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection

from ledger.reports.scope import Scope, answer
from ledger.reports.standing import STANDING

# The database's smallest interval: the range up to an instant ends just before it.
TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Movement:
    """One month (its first day, UTC) of one currency, in minor units.

    All of it is without tax, which the report `taxes` has: cash and what went back are less theirs.
    `imported_minor` is what was paid elsewhere, less what went back there; `receivable_minor` what
    was granted before its money, less what of it was paid (in `cash_minor`) or failed.
    `closing_minor` is read from the book itself, not summed from the others. What was due and not
    posted at the month's end is stated beside it.
    """

    month: date
    currency: str
    opening_minor: int
    cash_minor: int
    imported_minor: int
    receivable_minor: int
    revenue_minor: int
    breakage_minor: int
    refunds_minor: int
    disputes_minor: int
    closing_minor: int
    earned_not_posted_minor: int
    broken_not_posted_minor: int

    @property
    def owed_minor(self) -> int:
        """The closing balance once everything due is posted."""
        return self.closing_minor - self.earned_not_posted_minor - self.broken_not_posted_minor


# Debits are positive in the postings: an income or a debt grows by what is negative there.
BY_MONTH = """
, months AS (
    SELECT * FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
                         CAST(:instants AS timestamptz[])) AS m (starts, ends, instant)),
booked AS (
    SELECT m.starts, m.instant, p.currency,
           -sum(p.amount_minor) FILTER (WHERE p.book = 'deferred_revenue' AND p.at < m.starts)
               AS opening,
           sum(p.amount_minor) FILTER (
               WHERE (p.book = 'cash' OR p.book = 'tax' AND p.cause = 'charge_paid')
                 AND p.at >= m.starts) AS cash,
           sum(p.amount_minor) FILTER (WHERE p.book = 'opening' AND p.at >= m.starts) AS imported,
           sum(p.amount_minor) FILTER (WHERE p.book = 'receivable' AND p.at >= m.starts)
               AS receivable,
           -sum(p.amount_minor) FILTER (WHERE p.book = 'revenue' AND p.at >= m.starts) AS revenue,
           -sum(p.amount_minor) FILTER (WHERE p.book = 'breakage' AND p.at >= m.starts) AS breakage,
           -sum(p.amount_minor) FILTER (
               WHERE (p.book = 'refunds' OR p.book = 'tax' AND p.cause = 'refund')
                 AND p.at >= m.starts) AS refunds,
           -sum(p.amount_minor) FILTER (
               WHERE (p.book = 'disputes' OR p.book = 'tax' AND p.cause = 'chargeback')
                 AND p.at >= m.starts) AS disputes,
           -sum(p.amount_minor) FILTER (WHERE p.book = 'deferred_revenue') AS closing
    FROM months m JOIN postings p ON p.at < m.ends
    WHERE p.account_id = coalesce(CAST(:account AS bigint), p.account_id)
    GROUP BY m.starts, m.instant, p.currency),
accrued AS (
    SELECT instant, currency, sum(earned_not_posted) AS earned, sum(broken_not_posted) AS broken
    FROM standing GROUP BY instant, currency)
SELECT date_trunc('month', b.starts AT TIME ZONE 'UTC')::date AS month, b.currency,
       coalesce(b.opening, 0), coalesce(b.cash, 0), coalesce(b.imported, 0),
       coalesce(b.receivable, 0), coalesce(b.revenue, 0), coalesce(b.breakage, 0),
       coalesce(b.refunds, 0), coalesce(b.disputes, 0), coalesce(b.closing, 0),
       coalesce(a.earned, 0), coalesce(a.broken, 0)
FROM booked b LEFT JOIN accrued a ON (a.instant, a.currency) = (b.instant, b.currency)
ORDER BY month, b.currency COLLATE "C"
"""


def deferred_movement(connection: Connection, scope: Scope) -> tuple[Movement, ...]:
    """Return each month's movement per currency, first and last month cut to the scope.

    A currency is listed from its first posting on. Each closing is the next month's opening.
    """
    months = list(_months(scope.start.astimezone(UTC), scope.end.astimezone(UTC)))
    values: dict[str, object] = {
        "starts": [start for start, _ in months],
        "ends": [end for _, end in months],
        "instants": [end - TICK for _, end in months],
        "account": scope.account_id,
    }
    return tuple(Movement(*row) for row in answer(connection, (STANDING, BY_MONTH), values))


def _months(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    while start < end:
        first = start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (first + timedelta(days=32)).replace(day=1)
        yield start, min(following, end)
        start = following

"""Liability: credits and deferred revenue still owed, by the month in which the grants expire."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Connection

from ledger.reports.scope import answer
from ledger.reports.standing import STANDING


@dataclass(frozen=True, slots=True)
class Liability:
    """What is owed by grants that expire in a month (its first day, UTC; None: never).

    Micro-credits and minor units. `expired_micro` has run out and is not booked yet;
    `deferred_minor` is the book; the two amounts not yet posted are due to leave it.
    """

    month: date | None
    credit_type: str
    currency: str
    credits_micro: int
    expired_micro: int
    deferred_minor: int
    earned_not_posted_minor: int
    broken_not_posted_minor: int

    @property
    def owed_minor(self) -> int:
        """What is still owed once everything due is posted."""
        return self.deferred_minor - self.earned_not_posted_minor - self.broken_not_posted_minor


BY_MONTH = """
SELECT CASE WHEN s.expires_at < 'infinity'
            THEN date_trunc('month', s.expires_at AT TIME ZONE 'UTC')::date END AS month,
       s.credit_type, s.currency, sum(s.credits), sum(s.expired),
       sum(s.deferred), sum(s.earned_not_posted),
       sum(s.broken_not_posted)
FROM standing s
WHERE s.source <> 'overdraft' -- nobody's credits, and of no money
  AND (s.credits, s.expired, s.deferred, s.earned_not_posted, s.broken_not_posted)
      <> (0, 0, 0, 0, 0)
GROUP BY month, s.credit_type, s.currency
ORDER BY month NULLS LAST, s.credit_type COLLATE "C", s.currency COLLATE "C"
"""


def liability(
    connection: Connection, at: datetime, account_id: int | None = None
) -> tuple[Liability, ...]:
    """Return what was owed at an instant, decisions of that instant included."""
    values = {"instants": [at.astimezone(UTC)], "account": account_id}
    return tuple(Liability(*row) for row in answer(connection, (STANDING, BY_MONTH), values))

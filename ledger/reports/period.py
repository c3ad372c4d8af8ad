"""The current period: what is included and used, when it resets, and a member's share."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Connection

from ledger.reports.scope import Scope, answer
from ledger.reports.usage import USAGE


@dataclass(frozen=True, slots=True)
class PeriodUsage:
    """A customer's current window of one credit type, in micro-credits.

    `members` are those known, limited or using it in the window; `months` is its length, from 1.
    """

    customer_id: str
    credit_type: str
    starts: datetime
    resets: datetime
    granted_micro: int
    rolled_micro: int
    used_micro: int
    available_micro: int
    members: int
    months: int

    @property
    def monthly_goal(self) -> Fraction | None:
        """Micro-credits of a member and month: granted ÷ members ÷ months; None: no members."""
        if not self.members:
            return None
        return Fraction(self.granted_micro, self.members * self.months)


# Granted: what the plan gives for the window. The scope is replaced by each wallet's own window.
PERIODS = """
, running AS (
    SELECT w.account_id, w.window_start AS starts, w.window_end AS resets, w.frozen FROM wallets w
    WHERE w.window_start IS NOT NULL AND w.window_start < :end
      AND w.account_id = coalesce(CAST(:account AS bigint), w.account_id)),
given AS (
    SELECT r.account_id, g.credit_type,
           sum(g.granted) FILTER (WHERE g.source = 'allowance' AND g.effective_at >= r.starts
                                    AND g.effective_at < r.resets) AS granted,
           sum(g.granted) FILTER (WHERE g.source = 'rollover' AND g.effective_at >= r.starts
                                    AND g.effective_at < r.resets) AS rolled,
           sum(g.remaining - g.held) FILTER (WHERE g.effective_at < :end AND g.expires_at >= :end
               AND g.source <> 'overdraft' AND NOT (r.frozen AND is_purchased(g.source)))
               AS available
    FROM running r JOIN grants g ON g.account_id = r.account_id
    GROUP BY r.account_id, g.credit_type),
used AS (
    SELECT r.account_id, u.credit_type, sum(u.credits) AS used
    FROM running r JOIN usage u ON u.account_id = r.account_id AND u.at >= r.starts
    GROUP BY r.account_id, u.credit_type),
team AS (
    SELECT m.account_id, count(DISTINCT m.member) AS members FROM (
        SELECT u.account_id, u.tags ->> 'member' AS member
        FROM running r JOIN usage u ON u.account_id = r.account_id AND u.at >= r.starts
        UNION ALL
        SELECT l.account_id, substr(l.counter, 8)
        FROM running r JOIN limits l ON l.account_id = r.account_id AND l.counter ^@ 'member:'
        UNION ALL
        SELECT b.account_id, b.member_id
        FROM running r JOIN members b ON b.account_id = r.account_id AND b.removed_at IS NULL) m
    GROUP BY m.account_id)
SELECT c.customer_id, g.credit_type, r.starts, r.resets, coalesce(g.granted, 0),
       coalesce(g.rolled, 0),
       coalesce(u.used, 0), coalesce(g.available, 0),
       coalesce(t.members, 0),
       greatest(1, round(extract(epoch FROM r.resets - r.starts) / 86400 / 30.4375))
FROM running r JOIN customers c ON c.account_id = r.account_id
JOIN given g ON g.account_id = r.account_id
LEFT JOIN used u ON u.account_id = r.account_id AND u.credit_type = g.credit_type
LEFT JOIN team t ON t.account_id = r.account_id
ORDER BY c.customer_id COLLATE "C", g.credit_type COLLATE "C"
"""


def periods(connection: Connection, scope: Scope) -> tuple[PeriodUsage, ...]:
    """Return the windows that run, and what stands in them at the scope's end."""
    rows = answer(connection, (USAGE, PERIODS), scope.parameters)
    return tuple(PeriodUsage(*row) for row in rows)

"""Debts: credits that customers owe because they were used on credit or charged back."""

from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.reports.scope import Scope, answer


@dataclass(frozen=True, slots=True)
class Debt:
    """How one customer's debt of a credit type moved in the scope, in micro-credits.

    `charged_back_micro` excludes won disputes; `given_back_micro` is the part of those that had
    been repaid and came back as credits. `owed_minor` is the value of the closing debt: the part
    charged back at its selling price, the rest at the last price paid for a credit of the type;
    None if none was ever paid.
    """

    customer_id: str
    credit_type: str
    opening_micro: int
    on_credit_micro: int
    charged_back_micro: int
    repaid_micro: int
    given_back_micro: int
    currency: str
    owed_minor: int | None

    @property
    def closing_micro(self) -> int:
        """The debt at the scope's end."""
        added = self.on_credit_micro + self.charged_back_micro + self.given_back_micro
        return self.opening_micro + added - self.repaid_micro


DEBTS = """
WITH parts AS (
    SELECT e.account_id, e.credit_type, e.at < :start AS earlier,
           CASE WHEN g.source = 'overdraft' AND e.kind IN ('debit', 'capture', 'correction')
                THEN -e.change ELSE 0 END AS on_credit,
           coalesce(e.debt_change, 0) AS charged_back,
           coalesce(e.debt_change::numeric * g.cost_minor / g.granted, 0) AS charged_back_minor,
           CASE e.kind WHEN 'repayment' THEN -e.change ELSE 0 END AS repaid,
           CASE WHEN e.kind = 'grant' AND e.key ^@ 'ledger::repaid:' THEN e.change
                ELSE 0 END AS given_back
    FROM journal e
    LEFT JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.grant_id
    WHERE e.at < :end AND e.account_id = coalesce(CAST(:account AS bigint), e.account_id)
      AND (g.source = 'overdraft' OR e.kind IN ('debt', 'repayment', 'grant'))),
moved AS (
    SELECT p.account_id, p.credit_type,
           coalesce(sum(on_credit + charged_back - repaid + given_back) FILTER (WHERE earlier),
                    0) AS opening,
           coalesce(sum(on_credit) FILTER (WHERE NOT earlier), 0) AS on_credit,
           coalesce(sum(charged_back) FILTER (WHERE NOT earlier), 0) AS charged_back,
           coalesce(sum(repaid) FILTER (WHERE NOT earlier), 0) AS repaid,
           coalesce(sum(given_back) FILTER (WHERE NOT earlier), 0) AS given_back,
           sum(on_credit + charged_back - repaid + given_back) AS owed,
           sum(charged_back) AS sold, sum(charged_back_minor) AS sold_minor
    FROM parts p GROUP BY p.account_id, p.credit_type
    HAVING bool_or(on_credit <> 0 OR charged_back <> 0 OR repaid <> 0 OR given_back <> 0)),
priced AS (
    SELECT DISTINCT ON (g.account_id, g.credit_type) g.account_id, g.credit_type,
           g.cost_minor::numeric / g.granted AS price
    FROM grants g JOIN journal e ON e.account_id = g.account_id AND e.seq = g.grant_id
                                AND e.line = 0
    WHERE g.cost_minor > 0 AND e.at < :end
      AND g.account_id = coalesce(CAST(:account AS bigint), g.account_id)
    ORDER BY g.account_id, g.credit_type, g.grant_id DESC)
SELECT c.customer_id, m.credit_type, m.opening, m.on_credit, m.charged_back, m.repaid,
       m.given_back, o.currency,
       floor(0.5 + round(least(m.owed, m.sold) * coalesce(m.sold_minor / nullif(m.sold, 0), 0)
             + CASE WHEN m.owed > m.sold THEN (m.owed - m.sold) * p.price ELSE 0 END, 6))
FROM moved m JOIN customers c ON c.account_id = m.account_id
JOIN policies o ON o.account_id = m.account_id
LEFT JOIN priced p ON p.account_id = m.account_id AND p.credit_type = m.credit_type
ORDER BY c.customer_id COLLATE "C", m.credit_type COLLATE "C"
"""


def debts(connection: Connection, scope: Scope) -> tuple[Debt, ...]:
    """Return the debts of customers who owe something or ever did."""
    return tuple(Debt(*row) for row in answer(connection, (DEBTS,), scope.parameters))

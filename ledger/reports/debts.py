"""Debts: the credits that customers owe: served on credit, or charged back."""

from dataclasses import dataclass

from sqlalchemy import Connection

from ledger.reports.scope import Scope, answer


@dataclass(frozen=True, slots=True)
class Debt:
    """How one customer's debt of a credit type moved in the scope, in micro-credits.

    `charged_back_micro` is less what a won dispute took off; `given_back_micro` is what had been
    repaid of that and came back as credits.
    """

    customer_id: str
    credit_type: str
    opening_micro: int
    on_credit_micro: int
    charged_back_micro: int
    repaid_micro: int
    given_back_micro: int

    @property
    def closing_micro(self) -> int:
        """What is owed at the scope's end."""
        added = self.on_credit_micro + self.charged_back_micro + self.given_back_micro
        return self.opening_micro + added - self.repaid_micro


DEBTS = """
WITH parts AS (
    SELECT e.account_id, e.credit_type, e.at < :start AS earlier,
           CASE WHEN g.source = 'overdraft' AND e.kind IN ('debit', 'capture') THEN -e.change
                ELSE 0 END AS on_credit,
           coalesce(e.debt_change, 0) AS charged_back,
           CASE e.kind WHEN 'repayment' THEN -e.change ELSE 0 END AS repaid,
           CASE WHEN e.kind = 'grant' AND e.key ^@ 'ledger::repaid:' THEN e.change
                ELSE 0 END AS given_back
    FROM entries e
    LEFT JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.grant_id
    WHERE e.at < :end AND e.account_id = coalesce(CAST(:account AS bigint), e.account_id)
      AND (g.source = 'overdraft' OR e.kind IN ('debt', 'repayment', 'grant')))
SELECT c.customer_id, p.credit_type,
       coalesce(sum(on_credit + charged_back - repaid + given_back) FILTER (WHERE earlier),
                0)::bigint,
       coalesce(sum(on_credit) FILTER (WHERE NOT earlier), 0)::bigint,
       coalesce(sum(charged_back) FILTER (WHERE NOT earlier), 0)::bigint,
       coalesce(sum(repaid) FILTER (WHERE NOT earlier), 0)::bigint,
       coalesce(sum(given_back) FILTER (WHERE NOT earlier), 0)::bigint
FROM parts p JOIN customers c ON c.account_id = p.account_id
GROUP BY c.customer_id, p.credit_type
HAVING bool_or(on_credit <> 0 OR charged_back <> 0 OR repaid <> 0 OR given_back <> 0)
ORDER BY c.customer_id COLLATE "C", p.credit_type COLLATE "C"
"""


def debts(connection: Connection, scope: Scope) -> tuple[Debt, ...]:
    """Return the debts of customers who owe something or ever did."""
    return tuple(Debt(*row) for row in answer(connection, (DEBTS,), scope.parameters))

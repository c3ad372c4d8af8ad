"""What credits brought: outcomes are free actions recorded with the tags of what cost credits."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row

from ledger.reports.scope import Scope, answer
from ledger.reports.usage import USAGE


@dataclass(frozen=True, slots=True)
class TagOutcome:
    """How much of an outcome the credits of one tag value brought; None: without that tag.

    Outcomes in millionths, credits in micro-credits; no credit type where nothing was spent.
    """

    customer_id: str
    value: str | None
    outcome: str
    credit_type: str | None
    outcomes_micro: int
    credits_micro: int

    @property
    def per_credit(self) -> Fraction | None:
        """Outcomes per credit; None where nothing was spent."""
        if self.credits_micro <= 0:
            return None
        return Fraction(self.outcomes_micro, self.credits_micro)


BY_VALUE = """
SELECT c.customer_id, (u.tags ->> :tag) COLLATE "C" AS value, u.action, u.credit_type,
       bool_or(u.grant_id IS NOT NULL) AS metered,
       coalesce(sum(u.quantity), 0) AS quantity, sum(u.credits) AS credits
FROM usage u JOIN customers c ON c.account_id = u.account_id
GROUP BY c.customer_id, value, u.action, u.credit_type
ORDER BY c.customer_id COLLATE "C", value NULLS LAST, u.action COLLATE "C",
         u.credit_type COLLATE "C"
"""


def outcomes_by_tag(
    connection: Connection, scope: Scope, tag: str, actions: Collection[str] | None = None
) -> tuple[TagOutcome, ...]:
    """Return every outcome of every value of a tag, with the credits that the value used.

    `actions` names the outcomes; without it they are the customer's actions that never drew a
    credit in the scope. A value that brought none of an outcome is shown with zero.
    """
    rows = answer(connection, (USAGE, BY_VALUE), scope.parameters | {"tag": tag})
    by_customer: dict[str, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in rows:
        by_customer[row.customer_id].append(row)
    return tuple(
        line for name, own in by_customer.items() for line in _of_customer(name, own, actions)
    )


def _of_customer(
    name: str, rows: Sequence[Row[*tuple[Any, ...]]], actions: Collection[str] | None
) -> list[TagOutcome]:
    metered = {row.action for row in rows if row.metered}
    known = {row.action for row in rows}
    outcomes = sorted(known - metered if actions is None else known & set(actions))
    brought: dict[tuple[str | None, str], int] = defaultdict(int)
    spent: dict[str | None, dict[str | None, int]] = {row.value: defaultdict(int) for row in rows}
    for row in rows:
        brought[row.value, row.action] += row.quantity
        if row.metered:
            spent[row.value][row.credit_type] += row.credits
    return [
        TagOutcome(
            customer_id=name,
            value=value,
            outcome=outcome,
            credit_type=credit_type,
            outcomes_micro=brought[value, outcome],
            credits_micro=taken,
        )
        for value, by_type in spent.items()
        for outcome in outcomes
        for credit_type, taken in (by_type or {None: 0}).items()
    ]

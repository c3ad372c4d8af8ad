"""Effective price per action: what customers really paid for one, whatever credits cost then."""

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import Connection

from domain.credits import MICRO
from ledger.reports.movement import TICK
from ledger.reports.scope import Scope, answer
from ledger.reports.standing import STANDING
from ledger.reports.usage import USAGE


@dataclass(frozen=True, slots=True)
class ActionPrice:
    """An action's revenue in one currency: minor units and millionths of quantity, exactly."""

    action: str
    currency: str
    quantity_micro: Fraction
    earned_minor: Fraction

    @property
    def price_minor(self) -> Fraction | None:
        """Minor units per one of the action; None if its net quantity is zero."""
        if self.quantity_micro <= 0:
            return None
        return self.earned_minor * MICRO / self.quantity_micro


@dataclass(frozen=True, slots=True)
class Earned:
    """How a currency's prices reconcile with the books, in minor units.

    earned = posted + not posted at the end - not posted at the start, and the prices' exact sum
    plus `rounding` is `earned`: revenue is rounded once per grant. `returned` is what went back of
    revenue with refunds and disputes; the book moved by posted - returned.
    """

    currency: str
    earned_minor: int
    posted_minor: int
    not_posted_at_start_minor: int
    not_posted_at_end_minor: int
    rounding_minor: Fraction
    returned_minor: int = 0


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of all actions and their reconciliation with the books."""

    actions: tuple[ActionPrice, ...]
    earned: tuple[Earned, ...]


# Grants of the same cost and size price their draws alike: few rows, and exact fractions of them.
DRAWS = """
SELECT u.action, g.currency, g.cost_minor, g.granted, sum(u.credits) AS credits
FROM usage u JOIN grants g ON g.account_id = u.account_id AND g.grant_id = u.grant_id
GROUP BY u.action, g.currency, g.cost_minor, g.granted
"""

# Credits that repaid a debt are earned too: for usage on credit or charged back earlier.
REPAID = """
SELECT g.currency, g.cost_minor, g.granted, -sum(e.change) AS credits
FROM journal e JOIN grants g ON g.account_id = e.account_id AND g.grant_id = e.grant_id
WHERE e.kind = 'repayment' AND e.at >= :start AND e.at < :end
  AND e.seq > seq_before(CAST(:account AS bigint), :start)
  AND e.account_id = coalesce(CAST(:account AS bigint), e.account_id)
GROUP BY g.currency, g.cost_minor, g.granted
"""
DEBT_REPAID = "(debt repaid)"

# The quantity of an event belongs to the currency of the grants that it drew on; of two
# currencies each has its credits' share, whose denominator is `parts`.
QUANTITIES = """
, events AS (
    SELECT u.account_id, u.seq, u.action, coalesce(g.currency, p.currency) AS currency,
           sum(u.credits) AS credits, sum(sum(u.credits)) OVER event AS event_credits,
           sum(sum(u.quantity)) OVER event AS quantity
    FROM usage u JOIN policies p ON p.account_id = u.account_id
    LEFT JOIN grants g ON g.account_id = u.account_id AND g.grant_id = u.grant_id
    GROUP BY u.account_id, u.seq, u.action, coalesce(g.currency, p.currency)
    WINDOW event AS (PARTITION BY u.account_id, u.seq))
SELECT action, currency,
       CASE WHEN credits = event_credits THEN 1 ELSE event_credits END AS parts,
       coalesce(sum(CASE WHEN credits = event_credits THEN quantity ELSE quantity * credits END), 0)
           AS quantity
FROM events GROUP BY action, currency, parts
"""

EARNED = """
SELECT currency,
       coalesce(sum(earned) FILTER (WHERE instant = :last), 0) AS earned_at_end,
       coalesce(sum(earned) FILTER (WHERE instant = :before), 0) AS earned_at_start,
       coalesce(sum(earned_not_posted) FILTER (WHERE instant = :last), 0) AS open_at_end,
       coalesce(sum(earned_not_posted) FILTER (WHERE instant = :before), 0) AS open_at_start
FROM standing GROUP BY currency ORDER BY currency COLLATE "C"
"""


# Refunds and disputes belong to the charge, not to a grant.
RETURNED = """
SELECT currency, sum(amount_minor) AS amount FROM postings
WHERE book = 'revenue' AND cause IN ('refund', 'chargeback') AND at >= :start AND at < :end
  AND account_id = coalesce(CAST(:account AS bigint), account_id)
GROUP BY currency
"""


def effective_prices(connection: Connection, scope: Scope) -> Prices:
    """Return what each action earned per quantity, per currency: each draw at its grant's cost.

    Actions that drew nothing are listed too, in the currency of the customer's plan.
    """
    quantities: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    money: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for row in answer(connection, (USAGE, QUANTITIES), scope.parameters):
        quantities[row.action, row.currency] += Fraction(int(row.quantity), row.parts)
    for row in answer(connection, (USAGE, DRAWS), scope.parameters):
        share = Fraction(row.credits * row.cost_minor, row.granted)
        money[row.action, row.currency] += share
    for row in answer(connection, (REPAID,), scope.parameters):
        share = Fraction(row.credits * row.cost_minor, row.granted)
        money[DEBT_REPAID, row.currency] += share
    actions = tuple(
        ActionPrice(*key, quantities[key], money[key])
        for key in sorted(quantities.keys() | money.keys())
    )
    return Prices(actions, _earned(connection, scope, actions))


def _earned(
    connection: Connection, scope: Scope, actions: tuple[ActionPrice, ...]
) -> tuple[Earned, ...]:
    before, last = scope.start - TICK, scope.end - TICK
    values = {"before": before, "last": last, "instants": [before, last]}
    values |= {"account": scope.account_id}
    returned = {
        row.currency: row.amount for row in answer(connection, (RETURNED,), scope.parameters)
    }
    found = []
    for row in answer(connection, (STANDING, EARNED), values):
        exact = sum((a.earned_minor for a in actions if a.currency == row.currency), Fraction())
        earned = row.earned_at_end - row.earned_at_start
        posted = earned - row.open_at_end + row.open_at_start
        found.append(
            Earned(
                currency=row.currency,
                earned_minor=earned,
                posted_minor=posted,
                not_posted_at_start_minor=row.open_at_start,
                not_posted_at_end_minor=row.open_at_end,
                rounding_minor=earned - exact,
                returned_minor=returned.get(row.currency, 0),
            )
        )
    return tuple(found)

"""A customer's statement: every line of the journal with its cause, its rate and its balance."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from domain.money import Ratio
from ledger.reports.scope import Scope, answer


@dataclass(frozen=True, slots=True)
class StatementBalance:
    """Micro-credits of one type, booked before the scope and at its end."""

    customer_id: str
    credit_type: str
    opening_micro: int
    closing_micro: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of the journal. Credits in micro-credits, quantity in millionths.

    `rate` is credits of this type per one of the action, over the whole event. Only an event's
    first line carries its quantity.
    `balance_micro` is booked after this line; `available_micro` could be spent after its event.
    """

    customer_id: str
    seq: int
    line: int
    at: datetime
    event_at: datetime
    kind: str
    cause: str
    key: str | None
    quantity_micro: int | None
    rate: Ratio | None
    late: bool
    grant_id: int | None
    source: str | None
    credit_type: str
    change_micro: int
    held_change_micro: int
    balance_micro: int
    available_micro: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Balances at both ends and the lines between them, which chain from one to the other."""

    balances: tuple[StatementBalance, ...]
    lines: tuple[StatementLine, ...]


# The journal's own balance, read from the last line before each end.
BALANCES = """
WITH types AS (
    SELECT g.account_id, g.credit_type FROM grants g
    WHERE g.account_id = coalesce(CAST(:account AS bigint), g.account_id)
    UNION
    SELECT w.account_id, f.credit_type FROM wallets w
    CROSS JOIN free_types(w.account_id) AS f (credit_type)
    WHERE w.account_id = coalesce(CAST(:account AS bigint), w.account_id))
SELECT c.customer_id, t.credit_type, coalesce(opening.balance_after, 0), closing.balance_after
FROM types t JOIN customers c ON c.account_id = t.account_id
LEFT JOIN LATERAL (
    SELECT e.balance_after FROM journal e
    WHERE e.account_id = t.account_id AND e.credit_type = t.credit_type
      AND e.seq <= seq_before(t.account_id, :start)
    ORDER BY e.seq DESC LIMIT 1) opening ON true
JOIN LATERAL (
    SELECT e.balance_after FROM journal e
    WHERE e.account_id = t.account_id AND e.credit_type = t.credit_type
      AND e.seq <= seq_before(t.account_id, :end)
    ORDER BY e.seq DESC LIMIT 1) closing ON true
ORDER BY c.customer_id COLLATE "C", t.credit_type COLLATE "C"
"""

# Line 0 of an operation (`o`) carries the request. Changes are summed line by line: `balance`
# starts at the opening, so it matches the journal's own balance only if no line is missing.
LINES = """
SELECT c.customer_id, e.seq, e.line, e.at, e.event_at, e.kind::text AS kind,
       CASE WHEN e.kind IN ('debit', 'hold', 'capture', 'release') AND o.action IS NOT NULL
                THEN o.action
            WHEN e.kind = 'expiry' THEN 'unused credits expired'
            WHEN e.kind = 'rollover' THEN 'moved into the next window'
            WHEN e.kind = 'grant' AND o.tags ? 'rolled_from'
                THEN 'moved on from grant ' || (o.tags ->> 'rolled_from')
            WHEN e.kind = 'reopen' THEN 'reopened for late usage'
            WHEN e.kind = 'repayment' THEN 'a debt repaid'
            WHEN e.kind = 'grant' AND g.charge_id IS NOT NULL THEN g.charge_id
            WHEN e.kind = 'void' THEN coalesce(o.tags ->> 'reason', 'the subscription ended')
            ELSE coalesce(o.tags ->> 'reason', 'refund ' || (o.tags ->> 'refund'),
                          'dispute ' || (o.tags ->> 'dispute'),
                          regexp_replace(o.key, '^ledger:', '')) END AS cause,
       CASE WHEN NOT o.key ^@ 'ledger:' THEN o.key END AS key, e.quantity, e.late, e.grant_id,
       g.source, e.credit_type, e.change, e.held_change, e.available_after,
       o.quantity AS asked, (-sum(e.change) OVER event) AS event_credits,
       (sum(e.change) OVER running) AS moved
FROM journal e
CROSS JOIN operation_of(e.account_id, e.seq, NULL) o
JOIN customers c ON c.account_id = e.account_id
LEFT JOIN LATERAL (SELECT own.source, own.charge_id FROM grants own
                   WHERE own.account_id = e.account_id AND own.grant_id = e.grant_id
                   OFFSET 0) g ON true
WHERE e.at >= :start AND e.at < :end
  AND e.account_id = coalesce(CAST(:account AS bigint), e.account_id)
  AND e.seq > seq_before(CAST(:account AS bigint), :start)
WINDOW event AS (PARTITION BY e.account_id, e.seq, e.credit_type),
       running AS (PARTITION BY e.account_id, e.credit_type ORDER BY e.seq, e.line)
ORDER BY c.customer_id COLLATE "C", e.seq, e.line
"""


def statement(connection: Connection, scope: Scope) -> Statement:
    """Return one customer's statement, or all customers' one after another."""
    balances = tuple(
        StatementBalance(*row) for row in answer(connection, (BALANCES,), scope.parameters)
    )
    opening = {(one.customer_id, one.credit_type): one.opening_micro for one in balances}
    lines = tuple(
        StatementLine(
            customer_id=row.customer_id,
            seq=row.seq,
            line=row.line,
            at=row.at,
            event_at=row.event_at,
            kind=row.kind,
            cause=row.cause,
            key=row.key,
            quantity_micro=row.quantity,
            rate=_rate(row.kind, row.event_credits, row.asked),
            late=row.late,
            grant_id=row.grant_id,
            source=row.source,
            credit_type=row.credit_type,
            change_micro=row.change,
            held_change_micro=row.held_change,
            balance_micro=opening[row.customer_id, row.credit_type] + row.moved,
            available_micro=row.available_after,
        )
        for row in answer(connection, (LINES,), scope.parameters)
    )
    return Statement(balances, lines)


def _rate(kind: str, event_credits: int, quantity: int | None) -> Ratio | None:
    if kind not in {"debit", "capture"} or quantity is None:
        return None
    return Ratio(event_credits, quantity)

"""The debit: one call of one SQL function for any events of any accounts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from domain.usage import DebitOutcome, PricedEvent

# Arrays go as PostgreSQL's own literals: psycopg's lists of values cost three times as much.
STATEMENT = """
SELECT ord, status, seq, available, missing, crossed FROM debit(
    %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[],
    %s::timestamptz[], %s::jsonb[], %s::timestamptz)
"""


@dataclass(frozen=True, slots=True)
class Demand:
    """One event of one account, priced."""

    account_id: int
    priced: PricedEvent


def parameters(demands: Sequence[Demand], at: datetime) -> tuple[str | datetime, ...]:
    """Return the arguments of `STATEMENT`, one array per column."""
    priced = [demand.priced for demand in demands]
    events = [one.event for one in priced]
    return (
        _array([str(demand.account_id) for demand in demands]),
        _texts([event.key for event in events]),
        _texts([event.action for event in events]),
        _array([str(event.quantity_micro) for event in events]),
        _texts([one.credit_type for one in priced]),
        _array([str(one.amount_micro) for one in priced]),
        _array([event.event_at.isoformat() for event in events]),
        _array(
            [_quoted(json.dumps(dict(event.tags))) if event.tags else "NULL" for event in events]
        ),
        at,
    )


def outcomes(demands: Sequence[Demand], rows: Iterable[tuple[Any, ...]]) -> list[DebitOutcome]:
    """Return what became of each event, in the order asked; rows come in any order."""
    return [
        DebitOutcome(demand.priced.event.key, status, seq, available, missing, bool(crossed))
        for demand, (_, status, seq, available, missing, crossed) in zip(
            demands, sorted(rows), strict=True
        )
    ]


def debit(connection: Connection, demands: Sequence[Demand], at: datetime) -> list[DebitOutcome]:
    """Debit events in the order given; each is accepted or refused on its own.

    Never raises for a business outcome: see `DebitOutcome.status`. Repeating a key with the same
    content returns the first answer again.
    """
    if not demands:
        return []
    rows = connection.exec_driver_sql(STATEMENT, parameters(demands, at)).all()
    return outcomes(demands, (tuple(row) for row in rows))


def _array(elements: list[str]) -> str:
    return "{" + ",".join(elements) + "}"


def _texts(values: list[str]) -> str:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') > 2 * (len(values) - 1):
        return _array([_quoted(value) for value in values])
    return '{"' + joined + '"}'


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

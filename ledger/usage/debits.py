"""The debit: one call of one SQL function, for any events of any accounts."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from domain.outcomes import Outcome
from domain.usage import Confirmation, DebitOutcome, PricedEvent, PricedWay, Terms
from ledger.usage import naming
from ledger.usage.requests import Request

# PostgreSQL array literals: adapting psycopg lists takes three times as long.
STATEMENT = """
SELECT ord, status, seq, available, missing, crossed, detail FROM debit(
    %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[],
    %s::timestamptz[], %s::jsonb[], %s::timestamptz, %s::jsonb[], %s::bigint[])
"""


# One event goes alone, without arrays: a quarter less work for the database.
ALONE = """
SELECT 1 AS ord, status, seq, available, missing, crossed, detail FROM debit_one(
    %s::bigint, %s::text, %s::text, %s::bigint, %s::text, %s::bigint,
    %s::timestamptz, %s::jsonb, %s::timestamptz, %s::jsonb, %s::bigint)
"""

# What it would come to; nothing moves.
CHECK = ALONE.replace("debit_one(", "check_debit(")
STATEMENT_NOTING = naming.noting(STATEMENT)
ALONE_NOTING = naming.noting(ALONE)


@dataclass(frozen=True, slots=True)
class Demand:
    """One event of one account, priced by a revision of its plan (None: by who changes plans)."""

    account_id: int
    priced: PricedEvent
    revision: int | None = None
    request_id: str | None = None  # by which name its sender finds it again


Arguments = tuple[str | int | datetime | None, ...]


def statement(demands: Sequence[Demand], at: datetime) -> tuple[str, Arguments]:
    """Return what asks for these debits, and its arguments."""
    single = len(demands) == 1
    arguments = alone(demands[0], at) if single else columns(demands, at)
    if all(demand.request_id is None for demand in demands):
        return ALONE if single else STATEMENT, arguments
    accounts = array([str(demand.account_id) for demand in demands])
    named = naming.names([demand.request_id for demand in demands])
    return ALONE_NOTING if single else STATEMENT_NOTING, (*arguments, accounts, named)


def alone(demand: Demand, at: datetime) -> Arguments:
    """Return the arguments of `ALONE` and `CHECK`."""
    event, terms = demand.priced.event, demand.priced.terms
    return (
        demand.account_id,
        event.key,
        event.action,
        event.quantity_micro,
        demand.priced.credit_type,
        demand.priced.amount_micro,
        event.event_at.isoformat(),
        json.dumps(dict(event.tags)) if event.tags else None,
        at,
        json.dumps(as_json(terms)) if terms else None,
        demand.revision,
    )


def columns(demands: Sequence[Demand], at: datetime) -> Arguments:
    """Return the arguments of `STATEMENT`, one array per column."""
    priced = [demand.priced for demand in demands]
    events = [one.event for one in priced]
    return (
        array([str(demand.account_id) for demand in demands]),
        _texts([event.key for event in events]),
        _texts([event.action for event in events]),
        array([str(event.quantity_micro) for event in events]),
        _texts([one.credit_type for one in priced]),
        array([str(one.amount_micro) for one in priced]),
        array([event.event_at.isoformat() for event in events]),
        array([quoted(json.dumps(dict(event.tags))) if event.tags else "NULL" for event in events]),
        at,
        _all_terms([one.terms for one in priced]),
        _revisions(demands),
    )


def checking(demand: Demand, at: datetime) -> Request:
    """Return the request that asks what a debit would come to; nothing moves."""
    return Request(
        demand.account_id,
        CHECK,
        alone(demand, at),
        partial(outcome, demand.priced),
        reads=True,
    )


def outcomes(demands: Sequence[Demand], rows: Iterable[tuple[Any, ...]]) -> list[DebitOutcome]:
    """Return each event's outcome in the order asked; rows come in any order."""
    answers = zip(demands, sorted(rows), strict=True)
    return [outcome(demand.priced, answer) for demand, answer in answers]


def outcome(priced: PricedEvent, answer: tuple[Any, ...]) -> DebitOutcome:
    """Return what a row of an answer says of its event."""
    _, status, seq, available, missing, crossed, detail = answer
    plain = DebitOutcome(
        key=priced.event.key,
        status=status,
        seq=seq,
        available_micro=available,
        missing_micro=missing,
        crossed=bool(crossed),
        charged=_charged(status, priced, detail),
    )
    if detail is None:
        return plain
    asked = detail.get("asked")
    return replace(
        plain,
        served_as=detail.get("served_as"),
        asked=asked_of(asked) if asked else None,
    )


def debit(connection: Connection, demands: Sequence[Demand], at: datetime) -> list[DebitOutcome]:
    """Debit events in the order given; each is accepted or refused on its own.

    Never raises for a business outcome: see `DebitOutcome.status`. Repeating a key with the same
    content returns the first answer again.
    """
    if not demands:
        return []
    rows = connection.exec_driver_sql(*statement(demands, at)).all()
    return outcomes(demands, (tuple(row) for row in rows))


def _charged(
    status: str, priced: PricedEvent, detail: dict[str, Any] | None
) -> tuple[tuple[str, int], ...]:
    """Return what an event took in micro-credits: plain ones carry no detail."""
    if detail is not None:
        return _credits(detail.get("charged"))
    if status == Outcome.DEBITED and priced.amount_micro:
        return ((priced.credit_type, priced.amount_micro),)
    return ()


def _credits(by_type: dict[str, int] | None) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(by_type.items())) if by_type else ()


def asked_of(asked: dict[str, Any]) -> Confirmation:
    """Return what must be confirmed, from the detail of the debit's or hold's SQL."""
    purchase = asked.get("purchase")
    credits_asked = _credits(asked.get("credits"))
    if not purchase:
        return Confirmation(credits_asked)
    return Confirmation(
        credits=credits_asked,
        quantity_micro=purchase["quantity"],
        amount_minor=purchase["amount_minor"],
        surcharge_minor=purchase["surcharge_minor"],
        currency=purchase["currency"],
    )


def _revisions(demands: Sequence[Demand]) -> str | None:
    if all(demand.revision is None for demand in demands):
        return None
    return array(["NULL" if one.revision is None else str(one.revision) for one in demands])


def _all_terms(terms: list[Terms | None]) -> str | None:
    """Return the array of terms; None, the usual case, if no event has any."""
    if not any(terms):
        return None
    return array([quoted(json.dumps(as_json(one))) if one else "NULL" for one in terms])


def as_json(terms: Terms) -> dict[str, Any]:
    """Return terms as the SQL of debits and holds reads them."""
    return {
        "attempts": [
            {"action": one.action, "ways": [_way(way) for way in one.ways]}
            for one in terms.attempts
        ],
        "counters": list(terms.counters),
        "once": terms.once,
        "at_zero": terms.at_zero,
        "confirmed": terms.confirmed,
        **({"needs_approval": True} if terms.needs_approval else {}),
    }


def _way(way: PricedWay) -> dict[str, Any]:
    return {
        "credit_type": way.credit_type,
        "credits": way.credits_micro,
        "per": way.per_micro,
        "started": way.started,
        "carry": way.carry,
        "consent": way.consent,
    }


def array(elements: list[str]) -> str:
    """Return the literal of an array."""
    return "{" + ",".join(elements) + "}"


def _texts(values: list[str]) -> str:
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') > 2 * (len(values) - 1):
        return array([quoted(value) for value in values])
    return '{"' + joined + '"}'


def quoted(value: str) -> str:
    """Return a text as an element of an array."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

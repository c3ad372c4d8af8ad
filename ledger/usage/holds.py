"""Holds: credits set aside for work in progress, then captured, released or lapsed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from domain.holds import HoldOutcome, HoldState
from domain.usage import Attempt, PricedEvent, PricedWay, Terms
from ledger.usage import debits

_HOLD = text("""
SELECT status, seq, available, missing, crossed, detail FROM hold(
    :account, :key, :action, :quantity, :credit_type, :event_at, CAST(:tags AS jsonb),
    CAST(:terms AS jsonb), :lapses_at, :at)
""")
_CAPTURE = text("SELECT * FROM capture_hold(:account, :key, :quantity, :confirmed, :at)")
_EXTEND = text("SELECT * FROM extend_hold(:account, :key, :lapses_at, :at)")
_RELEASE = text("SELECT * FROM release_hold(:account, :key, :at)")


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A hold that is still open at an instant; micro-credits by credit type."""

    key: str
    action: str
    quantity_micro: int
    held: tuple[tuple[str, int], ...]
    lapses_at: datetime


def hold(
    connection: Connection,
    account_id: int,
    priced: PricedEvent,
    lapses_at: datetime,
    at: datetime,
) -> HoldOutcome:
    """Set aside what an event will cost, until `lapses_at`; never raises for a business outcome."""
    event = priced.event
    values = {
        "account": account_id,
        "key": event.key,
        "action": event.action,
        "quantity": event.quantity_micro,
        "credit_type": priced.credit_type,
        "event_at": event.event_at,
        "tags": json.dumps(dict(event.tags)) if event.tags else None,
        "terms": json.dumps(debits.as_json(_terms(priced))),
        "lapses_at": lapses_at,
        "at": at,
    }
    return _outcome(connection, _HOLD, values)


def capture(
    connection: Connection,
    account_id: int,
    key: str,
    quantity_micro: int,
    at: datetime,
    *,
    confirmed: bool = False,
) -> HoldOutcome:
    """Charge the work's final quantity at the hold's own rates; the rest goes back.

    `confirmed`: a person agreed to pay beyond the hold where a way of paying asks. Without that,
    the part beyond the hold stays uncollected.
    """
    values = {
        "account": account_id,
        "key": key,
        "quantity": quantity_micro,
        "confirmed": confirmed,
        "at": at,
    }
    return _outcome(connection, _CAPTURE, values)


def extend(
    connection: Connection, account_id: int, key: str, lapses_at: datetime, at: datetime
) -> HoldOutcome:
    """Move a hold's lapse to `lapses_at` if that is later."""
    values = {"account": account_id, "key": key, "lapses_at": lapses_at, "at": at}
    return _outcome(connection, _EXTEND, values)


def release(connection: Connection, account_id: int, key: str, at: datetime) -> HoldOutcome:
    """Return all of a hold's credits."""
    return _outcome(connection, _RELEASE, {"account": account_id, "key": key, "at": at})


def lapse_due(connection: Connection, account_id: int, at: datetime) -> int:
    """Record holds lapsed by `at`; return how many. Changes no answer."""
    return int(connection.scalar(select(func.lapse_holds(account_id, at))) or 0)


def open_holds(connection: Connection, account_id: int, at: datetime) -> Sequence[OpenHold]:
    """Return the open holds at an instant, the next to lapse first."""
    rows = connection.execute(
        text("""
            SELECT h.key, h.action, h.quantity, h.lapses_at,
                   jsonb_object_agg(l.credit_type, l.amount) AS held
            FROM holds h
            CROSS JOIN LATERAL (
                SELECT credit_type, sum(amount) AS amount FROM hold_lines
                WHERE account_id = h.account_id AND hold_id = h.hold_id GROUP BY credit_type) l
            WHERE h.account_id = :account AND h.state = 'open' AND h.lapses_at > :at
            GROUP BY h.account_id, h.hold_id ORDER BY h.lapses_at, h.hold_id
        """),
        {"account": account_id, "at": at},
    )
    return [
        OpenHold(
            key=row.key,
            action=row.action,
            quantity_micro=row.quantity,
            held=tuple(row.held.items()),
            lapses_at=row.lapses_at,
        )
        for row in rows
    ]


def _terms(priced: PricedEvent) -> Terms:
    """Return how a hold may be paid; a plain price becomes a rate of its own."""
    if priced.terms is not None:
        return priced.terms
    way = PricedWay(priced.credit_type, priced.amount_micro, priced.event.quantity_micro)
    return Terms((Attempt(priced.event.action, (way,) if priced.amount_micro else ()),))


def _outcome(connection: Connection, statement: Any, values: dict[str, object]) -> HoldOutcome:
    row = connection.execute(statement, values).one()
    detail = row.detail or {}
    asked = detail.get("asked")
    return HoldOutcome(
        key=str(values["key"]),
        status=row.status,
        seq=row.seq,
        available_micro=row.available,
        missing_micro=row.missing,
        crossed=bool(row.crossed),
        held=_by_type(detail.get("held")),
        taken=_by_type(detail.get("taken")),
        uncollected=_by_type(detail.get("uncollected")),
        state=HoldState(detail["state"]) if "state" in detail else None,
        lapses_at=datetime.fromisoformat(detail["lapses_at"]) if "lapses_at" in detail else None,
        served_as=detail.get("served_as"),
        asked=debits.asked_of(asked) if asked else None,
    )


def _by_type(credits_by_type: dict[str, int] | None) -> tuple[tuple[str, int], ...]:
    return tuple((credits_by_type or {}).items())

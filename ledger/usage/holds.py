"""Holds: credits set aside for work in progress, then captured, released or lapsed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, func, select, text

from domain.holds import HoldOutcome, HoldState
from domain.messages.holds import Capture, Extend, Release
from domain.usage import Attempt, PricedEvent, PricedWay, Terms
from ledger.usage import debits
from ledger.usage.requests import Request, Row, ask

COLUMNS = "SELECT status, seq, available, missing, crossed, detail FROM "
HOLD = (
    COLUMNS
    + """hold(%s::bigint, %s::text, %s::text, %s::bigint, %s::text, %s::timestamptz, %s::jsonb,
    %s::jsonb, %s::timestamptz, %s::timestamptz, %s::bigint)"""
)
CAPTURE = COLUMNS + "capture_hold(%s::bigint, %s::text, %s::bigint, %s::boolean, %s::timestamptz)"
EXTEND = COLUMNS + "extend_hold(%s::bigint, %s::text, %s::timestamptz, %s::timestamptz)"
RELEASE = COLUMNS + "release_hold(%s::bigint, %s::text, %s::timestamptz)"


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
    outcome: HoldOutcome = ask(connection, holding(account_id, priced, lapses_at, at))
    return outcome


def holding(
    account_id: int,
    priced: PricedEvent,
    lapses_at: datetime,
    at: datetime,
    revision: int | None = None,
) -> Request:
    """Return the request for a hold, priced by a revision of the plan (None: not compared)."""
    event = priced.event
    arguments = (
        account_id,
        event.key,
        event.action,
        event.quantity_micro,
        priced.credit_type,
        event.event_at,
        json.dumps(dict(event.tags)) if event.tags else None,
        json.dumps(debits.as_json(_terms(priced))),
        lapses_at,
        at,
        revision,
    )
    return Request(account_id, HOLD, arguments, partial(_outcome, event.key))


def capturing(account_id: int, wanted: Capture, at: datetime) -> Request:
    """Return the request to charge the work's final quantity; the rest goes back.

    At the hold's own rates. Unless `confirmed` (a person agreed to pay beyond the hold where a way
    of paying asks), the part beyond the hold stays uncollected.
    """
    arguments = (account_id, wanted.key, wanted.quantity_micro, wanted.confirmed, at)
    return Request(account_id, CAPTURE, arguments, partial(_outcome, wanted.key))


def extending(account_id: int, wanted: Extend, at: datetime) -> Request:
    """Return the request to move a hold's lapse to a later instant."""
    arguments = (account_id, wanted.key, wanted.lapses_at, at)
    return Request(account_id, EXTEND, arguments, partial(_outcome, wanted.key))


def releasing(account_id: int, wanted: Release, at: datetime) -> Request:
    """Return the request to give all of a hold's credits back."""
    arguments = (account_id, wanted.key, at)
    return Request(account_id, RELEASE, arguments, partial(_outcome, wanted.key))


def settling(account_id: int, wanted: Capture | Extend | Release, at: datetime) -> Request:
    """Ask for what ends a hold, or keeps it."""
    match wanted:
        case Capture():
            return capturing(account_id, wanted, at)
        case Extend():
            return extending(account_id, wanted, at)
        case Release():
            return releasing(account_id, wanted, at)


def capture(
    connection: Connection,
    account_id: int,
    key: str,
    quantity_micro: int,
    at: datetime,
    *,
    confirmed: bool = False,
) -> HoldOutcome:
    """Charge the work's final quantity; see `capturing`."""
    wanted = Capture(key, quantity_micro, confirmed)
    outcome: HoldOutcome = ask(connection, capturing(account_id, wanted, at))
    return outcome


def extend(
    connection: Connection, account_id: int, key: str, lapses_at: datetime, at: datetime
) -> HoldOutcome:
    """Move a hold's lapse to `lapses_at` if that is later."""
    outcome: HoldOutcome = ask(connection, extending(account_id, Extend(key, lapses_at), at))
    return outcome


def release(connection: Connection, account_id: int, key: str, at: datetime) -> HoldOutcome:
    """Return all of a hold's credits."""
    outcome: HoldOutcome = ask(connection, releasing(account_id, Release(key), at))
    return outcome


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


def _outcome(key: str, row: Row) -> HoldOutcome:
    status, seq, available, missing, crossed, facts = row
    detail = facts or {}
    asked = detail.get("asked")
    return HoldOutcome(
        key=key,
        status=status,
        seq=seq,
        available_micro=available,
        missing_micro=missing,
        crossed=bool(crossed),
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

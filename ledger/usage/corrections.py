"""Corrections of usage: an event's quantity is reduced and its draws are undone."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from domain.usage import Terms, UsageEvent
from ledger.usage import debits

_CORRECT = text("""
SELECT status, seq, available, given, closed FROM correct_usage(
    :account, :key, :event, :quantity, CAST(:terms AS jsonb), CAST(:tags AS jsonb), :at)
""")


@dataclass(frozen=True, slots=True)
class CorrectionOrder:
    """The event was only `quantity_micro`; 0: it did not happen. `key` is the correction's."""

    key: str
    event: str
    quantity_micro: int
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class CorrectionOutcome:
    """The outcome of a correction, in micro-credits by credit type.

    `status` is `corrected`, `repeated` or a reason. `given` came back; `closed` is the part that
    went to ended windows, where it rolls over or expires at once.
    """

    status: str
    seq: int | None = None
    available_micro: int | None = None
    given: tuple[tuple[str, int], ...] = ()
    closed: tuple[tuple[str, int], ...] = ()


def correct(
    connection: Connection,
    account_id: int,
    order: CorrectionOrder,
    terms: Terms | None,
    at: datetime,
) -> CorrectionOutcome:
    """Correct an event once per key; never raises for a business outcome.

    `terms` are those the event was paid by; without them each credit type gives in proportion.
    """
    values = {
        "account": account_id,
        "key": order.key,
        "event": order.event,
        "quantity": order.quantity_micro,
        "terms": json.dumps(debits.as_json(terms)) if terms else None,
        "tags": json.dumps({"reason": order.reason, "by": order.by}),
        "at": at,
    }
    status, seq, left, given, closed = connection.execute(_CORRECT, values).one()
    return CorrectionOutcome(
        status=status, seq=seq, available_micro=left, given=_credits(given), closed=_credits(closed)
    )


def event_of(connection: Connection, account_id: int, key: str) -> UsageEvent | None:
    """Return the usage event debited under a key, as it was sent."""
    found = connection.execute(
        text("""
            SELECT action, quantity, event_at, tags FROM journal
            WHERE account_id = :account AND key = :key AND kind = 'debit'
        """),
        {"account": account_id, "key": key},
    ).one_or_none()
    if found is None or found.action is None or found.quantity is None:
        return None
    tags = tuple(sorted((found.tags or {}).items()))
    return UsageEvent(
        key=key,
        action=found.action,
        quantity_micro=found.quantity,
        event_at=found.event_at,
        tags=tags,
    )


def _credits(by_type: dict[str, int] | None) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((by_type or {}).items()))

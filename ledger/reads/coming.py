"""Money that comes later: on its way by a bank, or awaited for an invoice that was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Coming:
    """A charge whose money takes days; minor units. It buys micro-credits of a type, or a plan.

    `granted`: its credits can be used already.
    """

    charge_id: str
    kind: str
    currency: str
    amount_minor: int
    opened_at: datetime
    quantity_micro: int | None
    credit_type: str | None
    granted: bool = False
    sent: Mapping[str, Any] | None = None  # of an invoice: number, day, page and what came of it


_COMING = text("""
    SELECT c.charge_id, c.kind, c.currency, c.amount_minor + c.tax_minor, c.opened_at, c.quantity,
           CASE c.kind WHEN 'pack' THEN c.pack ->> 'credit_type'
                       WHEN 'manual_purchase' THEN s.plan #>> '{manual,credit_type}'
                       WHEN 'auto_purchase' THEN s.plan #>> '{auto,credit_type}' END,
           c.granted_at IS NOT NULL AND c.taken_back_at IS NULL,
           n.note -> 'sent'
    FROM charges c JOIN subscriptions s USING (account_id, subscription_id)
    LEFT JOIN charge_notes n USING (account_id, charge_id)
    WHERE c.account_id = :account AND c.state = 'processing'
    ORDER BY c.opened_at, c.charge_id
""")


def coming(connection: Connection, account_id: int) -> tuple[Coming, ...]:
    """Return a customer's money on its way, the oldest first."""
    rows = connection.execute(_COMING, {"account": account_id})
    return tuple(Coming(*row) for row in rows)

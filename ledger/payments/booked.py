"""The ledger's side of reconciliation with the processor, with Temporal and with the clock."""

from datetime import datetime

from sqlalchemy import Connection, text

from domain.payments.charges import ChargeState
from domain.payments.reconciliation import BookedCharge


def charges_by_id(connection: Connection, charge_id: str | None = None) -> dict[str, BookedCharge]:
    """Return every charge by its id, or one: charge ids begin with their subscription's.

    Without those that no processor ever saw.
    """
    return _charges(connection, charge_id, None)


def paid_by(connection: Connection, invoice: str) -> BookedCharge | None:
    """Return the charge booked as paid by an invoice of the processor."""
    found = _charges(connection, None, invoice).values()
    return next((one for one in found if one.state == ChargeState.PAID), None)


def _charges(
    connection: Connection, charge_id: str | None, invoice: str | None
) -> dict[str, BookedCharge]:
    rows = connection.execute(
        text("""
            SELECT c.charge_id, u.customer_id, c.subscription_id, c.state, c.invoice,
                   c.amount_minor + c.tax_minor AS amount_minor,
                   coalesce((SELECT sum(r.amount_minor) FROM refunds r
                             WHERE r.account_id = c.account_id AND r.charge_id = c.charge_id
                               AND r.state = 'made' AND r.reason IS NOT NULL), 0)::bigint
                     AS returned_minor,
                   c.currency
            FROM charges c JOIN customers u USING (account_id)
            WHERE c.kind <> 'import'  -- was paid elsewhere
              AND NOT (c.state = 'paid' AND c.amount_minor = 0)  -- a coupon took off all of it
              AND (CAST(:charge AS text) IS NULL OR c.charge_id = :charge)
              AND (CAST(:invoice AS text) IS NULL OR c.invoice = :invoice)
        """),
        {"charge": charge_id, "invoice": invoice},
    ).mappings()
    return {
        row["charge_id"]: BookedCharge(**dict(row) | {"state": ChargeState(row["state"])})
        for row in rows
    }


def stuck_topics(connection: Connection, before: datetime) -> list[tuple[str, int, datetime]]:
    """Return each topic with messages that wait since before an instant, events included."""
    rows = connection.execute(
        text("""
            SELECT topic, count(*), min(recorded_at) FROM outbox
            WHERE delivered_at IS NULL AND recorded_at < :before GROUP BY topic
            UNION ALL SELECT 'webhook', count(*), min(recorded_at) FROM webhook_events
            WHERE position IS NULL AND recorded_at < :before HAVING count(*) > 0
            ORDER BY topic
        """),
        {"before": before},
    )
    return [(row[0], int(row[1]), row[2]) for row in rows]

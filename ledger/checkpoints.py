"""Checkpoints to recover a lost workflow from: open charges, and counters of ids already used."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from models.tables import ChargeNote, Policy, Wallet


@dataclass(frozen=True, slots=True)
class NotedCharge:
    """An open charge with its checkpoint: `charge` and, if it has them, `plan`, `period`, `quote`.

    A declined one also has `first_declined_at`, `retry_at` and `ends_at`.
    """

    opened_at: datetime
    quantity_micro: int
    window_end: datetime | None
    invoice: str
    declines: int
    note: dict[str, Any]
    processing: bool = False  # its money is on its way
    decline_code: str | None = None  # of the last decline
    granted: bool = False  # before its money, whatever became of it since


@dataclass(frozen=True, slots=True)
class WalletFlags:
    """The guards that the lock reads: causes of pause and the auto-purchase switch."""

    paused_by: tuple[str, ...]
    auto_on: bool


def note(connection: Connection, account_id: int, charge_id: str, **facts: Any) -> None:
    """Add facts to an open charge's checkpoint; values are JSON, or None to keep what is there.

    An open charge without a checkpoint never reached the processor.
    """
    known = {name: value for name, value in facts.items() if value is not None}
    statement = insert(ChargeNote).values(account_id=account_id, charge_id=charge_id, note=known)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["account_id", "charge_id"],
            set_={"note": ChargeNote.note.op("||")(statement.excluded.note)},
        )
    )


def open_charges(
    connection: Connection, account_id: int, subscription_id: str
) -> tuple[NotedCharge, ...]:
    """Return a subscription's open charges that have a checkpoint, oldest first."""
    rows = connection.execute(
        text("""
            SELECT c.opened_at, coalesce(c.quantity, 0), c.window_end, coalesce(c.invoice, ''),
                   c.declines, n.note, c.state = 'processing', c.decline_code,
                   c.granted_at IS NOT NULL
            FROM charges c JOIN charge_notes n USING (account_id, charge_id)
            WHERE c.account_id = :account AND c.subscription_id = :subscription
              AND c.state IN ('open', 'processing')
            ORDER BY c.opened_at, c.charge_id
        """),
        {"account": account_id, "subscription": subscription_id},
    )
    return tuple(NotedCharge(*row) for row in rows)


def sent_invoice(
    connection: Connection, account_id: int, charge_id: str
) -> tuple[str, dict[str, Any]] | None:
    """Return the invoice of a charge that was sent, with its checkpoint; None: none was sent."""
    statement = text("""
        SELECT c.invoice, n.note FROM charges c JOIN charge_notes n USING (account_id, charge_id)
        WHERE c.account_id = :account AND c.charge_id = :charge AND n.note ? 'sent'
    """)
    found = connection.execute(statement, {"account": account_id, "charge": charge_id}).first()
    return (found.invoice, found.note) if found else None


def await_card(connection: Connection, account_id: int, charge_id: str) -> None:
    """Record that a declined purchase pauses until a sign of a card."""
    note(connection, account_id, charge_id, awaits_card=True)


def card_may_work(connection: Connection, account_id: int) -> None:
    """Clear the purchases that waited for a sign of a card, once there was one."""
    connection.execute(
        text("""
            UPDATE charge_notes SET note = note - 'awaits_card'
            WHERE account_id = :account AND note ? 'awaits_card'
        """),
        {"account": account_id},
    )


def awaits_card(connection: Connection, account_id: int) -> bool:
    """Return whether a declined purchase pauses until a sign of a card."""
    statement = text("""
        SELECT EXISTS (SELECT FROM charge_notes
                       WHERE account_id = :account AND note ? 'awaits_card')
    """)
    return bool(connection.scalar(statement, {"account": account_id}))


def unpaid_period(
    connection: Connection, account_id: int, subscription_id: str
) -> dict[str, Any] | None:
    """Return the checkpoint of the newest period charge if it was declined and voided."""
    statement = text("""
        SELECT CASE WHEN c.state = 'void' AND c.declines > 0 THEN n.note END
        FROM charges c JOIN charge_notes n USING (account_id, charge_id)
        WHERE c.account_id = :account AND c.subscription_id = :subscription AND c.kind = 'period'
        ORDER BY c.opened_at DESC, c.charge_id DESC LIMIT 1
    """)
    values = {"account": account_id, "subscription": subscription_id}
    found: dict[str, Any] | None = connection.scalar(statement, values)
    return found


def looked_into(connection: Connection, account_id: int, charge_id: str) -> str:
    """Return why operators look into a charge, or "" if they do not."""
    found = connection.scalar(
        select(ChargeNote.note["looked_into"].astext).where(
            ChargeNote.account_id == account_id, ChargeNote.charge_id == charge_id
        )
    )
    return found or ""


def void_renewals(connection: Connection, account_id: int, subscription_id: str) -> int:
    """Return how many period charges were voided: later ones must not reuse their ids."""
    statement = text("""
        SELECT count(*) FROM charges WHERE account_id = :account AND kind = 'period'
           AND subscription_id = :subscription AND state = 'void'
    """)
    values = {"account": account_id, "subscription": subscription_id}
    return int(connection.scalar(statement, values) or 0)


def last_number(connection: Connection, account_id: int, prefix: str) -> int:
    """Return the last number in ids such as `sub:upgrade:3`, of charges and waived changes."""
    statement = text("""
        SELECT coalesce(max(split_part(substr(name, length(:prefix) + 1), ':', 1)::bigint), 0)
        FROM (SELECT charge_id AS name FROM charges WHERE account_id = :account
              UNION ALL
              SELECT substr(first.key, 8) FROM grants g CROSS JOIN LATERAL (
                  SELECT e.key FROM journal e
                  WHERE e.account_id = g.account_id AND e.seq = g.grant_id AND e.line = 0
                  OFFSET 0) first
              WHERE g.account_id = :account) known
        WHERE starts_with(name, :prefix)
          AND substr(name, length(:prefix) + 1) ~ '^[0-9]{1,9}(:|$)'
    """)
    return int(connection.scalar(statement, {"account": account_id, "prefix": prefix}) or 0)


def standing(connection: Connection, account_id: int) -> WalletFlags:
    """Return the guards that the lock reads."""
    row = connection.execute(
        select(Wallet.paused_by, Policy.auto_on)
        .join(Policy, Policy.account_id == Wallet.account_id)
        .where(Wallet.account_id == account_id)
    ).one()
    return WalletFlags(tuple(row.paused_by), row.auto_on)

"""What a workflow needs to go on with if it is lost: charges under way, counters of its names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert

from models.tables import ChargeNote, Policy, Wallet


@dataclass(frozen=True, slots=True)
class NotedCharge:
    """An open charge with its note: `charge`, and where it has them `plan`, `period`, `quote`.

    A declined one also has `first_declined_at`, `retry_at` and `ends_at`.
    """

    opened_at: datetime
    quantity_micro: int
    window_end: datetime | None
    invoice: str
    declines: int
    note: dict[str, Any]
    processing: bool = False  # its money is on its way


@dataclass(frozen=True, slots=True)
class WalletFlags:
    """What the lock guards a wallet by: causes of pause, the switch of auto-purchase."""

    paused_by: tuple[str, ...]
    auto_on: bool


def note(connection: Connection, account_id: int, charge_id: str, **facts: Any) -> None:
    """Add facts to the note of an open charge; values are JSON or None (left as they are).

    A charge that is open and has no note was never shown to the processor.
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
    """Return the open charges of a subscription that have a note, oldest first."""
    rows = connection.execute(
        text("""
            SELECT c.opened_at, coalesce(c.quantity, 0), c.window_end, coalesce(c.invoice, ''),
                   c.declines, n.note, c.state = 'processing'
            FROM charges c JOIN charge_notes n USING (account_id, charge_id)
            WHERE c.account_id = :account AND c.subscription_id = :subscription
              AND c.state IN ('open', 'processing')
            ORDER BY c.opened_at, c.charge_id
        """),
        {"account": account_id, "subscription": subscription_id},
    )
    return tuple(NotedCharge(*row) for row in rows)


def await_card(connection: Connection, account_id: int, charge_id: str) -> None:
    """Note that a declined purchase pauses until there is a sign of a card."""
    note(connection, account_id, charge_id, awaits_card=True)


def card_may_work(connection: Connection, account_id: int) -> None:
    """Forget which purchases waited for a sign of a card: there was one."""
    connection.execute(
        text("""
            UPDATE charge_notes SET note = note - 'awaits_card'
            WHERE account_id = :account AND note ? 'awaits_card'
        """),
        {"account": account_id},
    )


def awaits_card(connection: Connection, account_id: int) -> bool:
    """Return whether a declined purchase pauses until there is a sign of a card."""
    statement = text("""
        SELECT EXISTS (SELECT FROM charge_notes
                       WHERE account_id = :account AND note ? 'awaits_card')
    """)
    return bool(connection.scalar(statement, {"account": account_id}))


def unpaid_period(
    connection: Connection, account_id: int, subscription_id: str
) -> dict[str, Any] | None:
    """Return the note of the newest charge of a period if it was declined and given up."""
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
    """Return how operators came to look into a charge, or "" where they did not."""
    found = connection.scalar(
        select(ChargeNote.note["looked_into"].astext).where(
            ChargeNote.account_id == account_id, ChargeNote.charge_id == charge_id
        )
    )
    return found or ""


def void_renewals(connection: Connection, account_id: int, subscription_id: str) -> int:
    """Return how many charges of periods were given up: later ones must not repeat their names."""
    statement = text("""
        SELECT count(*) FROM charges WHERE account_id = :account AND kind = 'period'
           AND subscription_id = :subscription AND state = 'void'
    """)
    values = {"account": account_id, "subscription": subscription_id}
    return int(connection.scalar(statement, values) or 0)


def last_number(connection: Connection, account_id: int, prefix: str) -> int:
    """Return the last number of names such as `sub:upgrade:3`, of charges and of waived changes."""
    statement = text("""
        SELECT coalesce(max(split_part(substr(name, length(:prefix) + 1), ':', 1)::bigint), 0)
        FROM (SELECT charge_id AS name FROM charges WHERE account_id = :account
              UNION ALL
              SELECT substr(key, 8) FROM entries
              WHERE account_id = :account AND kind = 'grant') known
        WHERE starts_with(name, :prefix)
          AND substr(name, length(:prefix) + 1) ~ '^[0-9]{1,9}(:|$)'
    """)
    return int(connection.scalar(statement, {"account": account_id, "prefix": prefix}) or 0)


def standing(connection: Connection, account_id: int) -> WalletFlags:
    """Return what the lock guards a wallet by."""
    row = connection.execute(
        select(Wallet.paused_by, Policy.auto_on)
        .join(Policy, Policy.account_id == Wallet.account_id)
        .where(Wallet.account_id == account_id)
    ).one()
    return WalletFlags(tuple(row.paused_by), row.auto_on)

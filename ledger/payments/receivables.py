"""Charges granted before their money has come: a claim stands for it until it comes or fails."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, text


def grant_before_money(
    connection: Connection, account_id: int, charge_id: str, at: datetime
) -> str:
    """Book a charge whose money is still to come; give its grants in the same transaction.

    Returns `granted`, `repeated` (it was before, whatever became of it since) or why nothing may be
    granted: `declined`, `credits_owed`, `subscription_ended`, `unknown_charge`, the charge's state.
    Its decline or its void takes back what it granted, its payment puts it back.
    """
    return str(connection.scalar(select(func.grant_before_money(account_id, charge_id, at))))


def is_granted(connection: Connection, account_id: int, charge_id: str) -> bool:
    """Return whether a charge was granted before its money, and taken back or not since."""
    statement = text(
        "SELECT granted_at IS NOT NULL FROM charges"
        " WHERE account_id = :account AND charge_id = :charge"
    )
    values = {"account": account_id, "charge": charge_id}
    return bool(connection.scalar(statement, values))


def receivable_minor(connection: Connection, account_id: int) -> int:
    """Return what is expected of a customer for credits it has already, without tax."""
    statement = text(
        "SELECT coalesce(sum(receivable_of(c)), 0) FROM charges c WHERE c.account_id = :account"
    )
    return int(connection.scalar(statement, {"account": account_id}) or 0)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """A type of which a failed charge had granted credits, and the micro-credits used of them."""

    credit_type: str
    owed_micro: int


def taken_back(connection: Connection, account_id: int, charge_id: str) -> TakenBack | None:
    """Return what is owed of a charge that was granted and failed; None: nothing was taken back.

    Of several types, that of its first grant.
    """
    statement = text("""
        SELECT g.credit_type, sum(g.owed) FROM charges c JOIN grants g USING (account_id, charge_id)
        WHERE c.account_id = :account AND c.charge_id = :charge AND failed_of(c) > 0
        GROUP BY g.credit_type ORDER BY min(g.part) LIMIT 1
    """)
    row = connection.execute(statement, {"account": account_id, "charge": charge_id}).one_or_none()
    return None if row is None else TakenBack(row[0], int(row[1]))

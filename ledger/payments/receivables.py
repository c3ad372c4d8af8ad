"""Charges granted before their money has come: a claim stands for it until it comes or fails."""

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

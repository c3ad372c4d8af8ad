"""Thresholds of a wallet. The debit records a crossing; a relay of the outbox notifies."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update

from domain.pricing.catalog import Plan
from domain.pricing.policies import Alert, Channel
from models.tables import Policy, Threshold


def follow_plan(connection: Connection, account_id: int, plan: Plan) -> None:
    """Set a plan's thresholds, unless the customer has its own."""
    put(connection, account_id, plan.main_credit_type, plan.alerts, own=False)


def set_own(connection: Connection, account_id: int, thresholds: Sequence[Alert]) -> None:
    """Set a customer's own thresholds; an empty list switches alerts off."""
    put(connection, account_id, None, thresholds, own=True)


def give_up_own(connection: Connection, account_id: int, plan: Plan) -> None:
    """Replace the customer's own thresholds by the plan's."""
    connection.execute(
        update(Policy).where(Policy.account_id == account_id).values(own_alerts=False)
    )
    follow_plan(connection, account_id, plan)


def in_force(connection: Connection, account_id: int) -> tuple[bool, tuple[Alert, ...]]:
    """Return whether a customer's thresholds are its own, and those in force, as they are sorted.

    Percentages come first, each with the one that is reached first before the others.
    """
    own = select(Policy.own_alerts).where(Policy.account_id == account_id)
    set_now = (
        select(Threshold)
        .where(Threshold.account_id == account_id)
        .order_by(Threshold.percent.desc().nulls_last(), Threshold.amount.desc())
    )
    return bool(connection.scalar(own)), tuple(
        Alert(
            threshold_id=row.threshold,
            percent=row.percent,
            amount_micro=row.amount,
            channel=Channel(row.channel),
            rearms=row.rearms,
        )
        for row in connection.execute(set_now)
    )


def put(
    connection: Connection,
    account_id: int,
    credit_type: str | None,
    thresholds: Sequence[Alert],
    *,
    own: bool,
) -> None:
    """Set a credit type's thresholds; a plan's (not `own`) never replace the customer's."""
    connection.execute(
        select(
            func.put_thresholds(
                account_id,
                own,
                credit_type,
                [one.threshold_id for one in thresholds],
                [one.percent for one in thresholds],
                [one.amount_micro for one in thresholds],
                [one.channel.value for one in thresholds],
                [one.rearms for one in thresholds],
            )
        )
    )

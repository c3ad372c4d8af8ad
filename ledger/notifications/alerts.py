"""Thresholds of a wallet. The debit notices when one is reached; a relay of the outbox tells."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update

from domain.pricing.catalog import Plan
from domain.pricing.policies import Alert
from models.tables import Policy


def follow_plan(connection: Connection, account_id: int, plan: Plan) -> None:
    """Put a plan's thresholds in force, unless the customer has set its own."""
    put(connection, account_id, plan.main_credit_type, plan.alerts, own=False)


def set_own(connection: Connection, account_id: int, thresholds: Sequence[Alert]) -> None:
    """Put a customer's own thresholds in force; none switches alerts off."""
    put(connection, account_id, None, thresholds, own=True)


def give_up_own(connection: Connection, account_id: int, plan: Plan) -> None:
    """Put a plan's thresholds in force in place of the customer's own."""
    connection.execute(
        update(Policy).where(Policy.account_id == account_id).values(own_alerts=False)
    )
    follow_plan(connection, account_id, plan)


def put(
    connection: Connection,
    account_id: int,
    credit_type: str | None,
    thresholds: Sequence[Alert],
    *,
    own: bool,
) -> None:
    """Put thresholds on a credit type in force; a plan's (not `own`) give way to the customer's."""
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

"""Failed starts of subscriptions, which must not block the customer's next one."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from domain.payments.charges import ChargeState
from domain.subscription import Status
from models.tables import ChargeRow, Customer, Subscription


def abandon(connection: Connection, subscription_id: str, at: datetime) -> bool:
    """Undo a failed start; return whether it was one: nothing has begun or been charged.

    Its id, its trial and its customer are free again.
    """
    if not is_unused(connection, subscription_id):
        return False
    connection.execute(
        update(Subscription)
        .where(Subscription.subscription_id == subscription_id)
        .values(status=Status.ENDED, trial_ends_at=None, updated_at=at)
    )
    return True


def is_unused(connection: Connection, subscription_id: str) -> bool:
    """Return whether a subscription has never begun and was never charged for."""
    charged = select(ChargeRow.charge_id).where(ChargeRow.subscription_id == subscription_id)
    statement = select(Subscription.subscription_id).where(
        Subscription.subscription_id == subscription_id,
        Subscription.period_start.is_(None),
        ~charged.exists(),
    )
    return connection.scalar(statement) is not None


def paid_in(connection: Connection, customer_id: str) -> str | None:
    """Return the currency of a customer's charges, void ones aside; None: there is none."""
    return connection.scalar(
        select(ChargeRow.currency)
        .join(Customer, Customer.account_id == ChargeRow.account_id)
        .where(Customer.customer_id == customer_id, ChargeRow.state != ChargeState.VOID)
        .order_by(ChargeRow.opened_at.desc(), ChargeRow.charge_id)
        .limit(1)
    )


def payer_of(connection: Connection, customer_id: str) -> str:
    """Return the processor's id of a customer; "": it has none yet."""
    statement = select(Customer.payer).where(Customer.customer_id == customer_id)
    return connection.scalar(statement) or ""


def serves(connection: Connection, subscription_id: str, customer_id: str) -> bool:
    """Return whether a subscription belongs to a customer, has begun and has not ended."""
    statement = (
        select(Subscription.subscription_id)
        .join(Customer, Customer.account_id == Subscription.account_id)
        .where(
            Subscription.subscription_id == subscription_id,
            Subscription.status != Status.ENDED,
            Subscription.period_start.is_not(None),
            Customer.customer_id == customer_id,
        )
    )
    return connection.scalar(statement) is not None


def is_live(connection: Connection, subscription_id: str) -> bool:
    """Return whether the ledger has this subscription and it has not ended."""
    statement = select(Subscription.subscription_id).where(
        Subscription.subscription_id == subscription_id, Subscription.status != Status.ENDED
    )
    return connection.scalar(statement) is not None

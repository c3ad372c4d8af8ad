"""Which subscription an invoice belongs to, and the processor's id of a customer."""

from sqlalchemy import Connection, select

from models.tables import ChargeRow, Customer, Subscription


def subscription_of_invoice(connection: Connection, invoice: str) -> str | None:
    """Return the subscription whose charge this invoice demands."""
    return connection.scalar(
        select(ChargeRow.subscription_id).where(ChargeRow.invoice == invoice).limit(1)
    )


def payer_of_subscription(connection: Connection, subscription_id: str) -> str | None:
    """Return the processor's id of a subscription's customer; None when either is unknown."""
    return connection.scalar(
        select(Customer.payer)
        .join(Subscription, Subscription.account_id == Customer.account_id)
        .where(Subscription.subscription_id == subscription_id)
    )

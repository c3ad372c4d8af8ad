"""Whose subscription a request of the HTTP door is about."""

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Owner:
    """A customer's subscription: the live one, else the newest; `catalog` is its seller's."""

    account_id: int
    customer_id: str
    payer: str | None
    subscription_id: str
    status: str
    catalog: str


def of_customer(connection: Connection, customer_id: str) -> Owner | None:
    """Return a customer's subscription; None: the customer never had one."""
    row = connection.execute(_OF_CUSTOMER, {"id": customer_id}).one_or_none()
    return None if row is None else Owner(*row)


def of_subscription(connection: Connection, subscription_id: str) -> Owner | None:
    """Return a subscription by its own id, ended or not."""
    row = connection.execute(_OF_SUBSCRIPTION, {"id": subscription_id}).one_or_none()
    return None if row is None else Owner(*row)


_OF_CUSTOMER = text("""
    SELECT c.account_id, c.customer_id, c.payer, s.subscription_id, s.status, s.plan ->> 'catalog'
    FROM customers c JOIN subscriptions s ON s.account_id = c.account_id
    WHERE c.customer_id = :id AND s.plan ? 'catalog'
    ORDER BY s.status = 'ended', s.recorded_at DESC LIMIT 1
""")
_OF_SUBSCRIPTION = text("""
    SELECT c.account_id, c.customer_id, c.payer, s.subscription_id, s.status, s.plan ->> 'catalog'
    FROM subscriptions s JOIN customers c ON c.account_id = s.account_id
    WHERE s.subscription_id = :id AND s.plan ? 'catalog'
""")

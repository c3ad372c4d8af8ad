"""What the document's examples are about, so that each of them works."""

from datetime import UTC, datetime, timedelta
from secrets import token_bytes

import pytest
from sqlalchemy import insert, select, update

from api.v1.endpoints import keys, webhooks
from api.v1.endpoints.webhooks import EVENT_SHOWN
from ledger.notifications import webhook_events
from models.tables import ApiKeyRow, Subscription, WebhookEndpoint, WebhookEvent
from tests.api.v1.conftest import put_on
from tests.builders import START, a_subscribed_wallet, shipped_plan

MONTH = timedelta(days=31)


@pytest.fixture(scope="session")
def acme(engine):
    """The customer whom the examples are about, with 10,000 credits."""
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, customer_id="acme")
        put_on(connection, wallet, shipped_plan("make", "core_10k"))
        begin(connection, wallet)
        of_webhooks(connection)
    while published(engine):
        pass
    with engine.connect() as connection:
        first = select(WebhookEvent.number).filter_by(account_id=wallet.account_id).limit(1)
        return {EVENT_SHOWN: f"evt_{wallet.account_id}_{connection.scalar(first)}"}


def begin(connection, wallet):
    """Begin the first period: some answers are about what was used in it."""
    connection.execute(
        update(Subscription)
        .where(Subscription.account_id == wallet.account_id)
        .values(period_k=0, period_start=START, period_end=START + MONTH)
    )


def of_webhooks(connection):
    """Make the endpoint and the key that are shown."""
    connection.execute(
        insert(WebhookEndpoint).values(
            endpoint_id=webhooks.SHOWN["endpoint_id"],
            url="https://product.example/hooks",
            secret="whsec_" + "A" * 43 + "=",
            owner_email="ops@product.example",
            created_at=START,
        )
    )
    connection.execute(
        insert(ApiKeyRow).values(
            key_id=keys.SHOWN["key_id"],
            digest=token_bytes(32),
            name="shown",
            scopes=["read"],
            created_at=START,
            created_by="ada",
        )
    )


def published(engine):
    with engine.begin() as connection:
        return webhook_events.publish(connection, datetime.now(UTC))

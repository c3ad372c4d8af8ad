"""Endpoints, events, and rounds of deliveries that tests make by hand."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text

from activities.notifications.webhooks import Round
from domain.mails.codec import envelope_from_json
from ledger import grants
from ledger.notifications import webhook_endpoints, webhook_events
from local.patience import until
from models.tables import WebhookDelivery, WebhookEndpoint
from tests.builders import NOON, a_grant, a_subscribed_wallet

OWNER = "ada@example.com"
SECOND = timedelta(seconds=1)
MAILS = text("SELECT payload FROM outbox WHERE topic = 'mail'")


class Clock:
    """Real time, which a test may advance, or stop so that only the test moves it."""

    def __init__(self):
        self.ahead = timedelta()
        self.stopped_at = None

    def __call__(self):
        return (self.stopped_at or datetime.now(UTC)) + self.ahead

    def stop(self):
        self.stopped_at = datetime.now(UTC)


def an_endpoint(engine, url, at=None):
    with engine.begin() as connection:
        at = at or datetime.now(UTC)
        return webhook_endpoints.create(connection, url, OWNER, at, anywhere=True)


def events(engine, count=1):
    """Let a wallet get so many grants; return their ids once they are published."""
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 3)
    for _ in range(count - 1):
        with engine.begin() as connection:
            grants.give(connection, wallet.account_id, a_grant(), NOON)
    with engine.begin() as connection:
        webhook_events.publish(connection, datetime.now(UTC))
        page = webhook_events.after(connection, None, limit=500)
    return [one.event_id for one in page.events][-count:]


def deliver(relay):
    """Make all requests that are due."""
    with ThreadPoolExecutor(64) as pool:
        rounds = Round(relay, pool)
        while rounds.go():
            for one in list(rounds._running):
                one.result()


async def wait_for(found, what):
    async def look():
        return found()

    await until(look, bool, what)


def deliveries(engine):
    with engine.connect() as connection:
        row = WebhookDelivery
        return connection.execute(select(row).order_by(row.number, row.endpoint_id)).all()


def endpoint(engine, endpoint_id):
    with engine.connect() as connection:
        row = WebhookEndpoint
        return connection.execute(select(row).where(row.endpoint_id == endpoint_id)).one()


def mails(engine):
    with engine.connect() as connection:
        return [envelope_from_json(one) for one in connection.scalars(MAILS)]

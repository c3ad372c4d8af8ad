"""A relay of webhooks on a clock that tests turn."""

import pytest

from activities.context import BillingContext
from activities.notifications.webhooks import WebhookRelay
from gateways.webhooks.sending import Sender
from models.base import connect
from tests.webhooks.delivering import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(database):
    made = connect(database.url, pool_size=20)
    yield made
    made.dispose()


@pytest.fixture
def relay(engine, clock):
    context = BillingContext(engine, {}, "https://billing.example", ("secret",))
    return WebhookRelay(context, Sender(anywhere=True), clock)

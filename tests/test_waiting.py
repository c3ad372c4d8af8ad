"""Relays look for messages only where there may be some, and one look serves all of them."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from ledger.notifications import outbox, webhook_deliveries, webhook_endpoints, webhook_events
from ledger.notifications.waiting import Waiting
from models.base import connect
from tests.builders import a_subscribed_wallet
from workflows.outbox_relay import TOPICS

NOW = datetime(2027, 1, 1, tzinfo=UTC)
URL = "https://receiver.example/hook"
MESSAGES = [topic for topic in TOPICS if topic != "webhook"]
ALERT = {
    "credit_type": "credits",
    "threshold": "20 %",
    "available": 0,
    "base": 0,
    "window_end": NOW.isoformat(),
}


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(database):
    made = connect(database.url)
    yield made
    made.dispose()


@pytest.fixture
def waiting(engine, clock):
    """What waits, looked up each time."""
    return Waiting(engine, clock, fresh_seconds=0)


def those(waiting):
    return {topic for topic in TOPICS if waiting.on(topic)}


def delivered(engine):
    with engine.begin() as connection:
        connection.execute(text("UPDATE outbox SET delivered_at = now()"))
        connection.execute(
            text("UPDATE webhook_deliveries SET state = 'delivered', delivered_at = now()")
        )


def published(engine, at=NOW):
    with engine.begin() as connection:
        return webhook_events.publish(connection, at)


def a_wallet_whose_events_are_published(engine):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 3)
    published(engine)
    return wallet


@pytest.mark.parametrize("topic", MESSAGES)
def test_a_message_waits_from_its_commit_until_it_is_delivered(engine, waiting, topic):
    wallet = a_wallet_whose_events_are_published(engine)
    assert those(waiting) == set()
    with engine.begin() as connection:
        outbox.put(connection, wallet.account_id, "one", topic, ALERT)
        assert those(waiting) == set()
    published(engine)
    assert those(waiting) == {topic}
    delivered(engine)
    assert those(waiting) == set()


def test_an_event_waits_until_it_is_published_and_then_sent(engine, waiting):
    with engine.begin() as connection:
        webhook_endpoints.create(connection, URL, "ada@example.com", NOW, anywhere=True)
        a_subscribed_wallet(connection, 3)
    assert those(waiting) == {"webhook"}
    assert published(engine)
    assert those(waiting) == {"webhook"}
    delivered(engine)
    assert those(waiting) == set()


def test_a_delivery_waits_once_it_is_due_and_its_endpoint_takes_it(engine, waiting, clock):
    with engine.begin() as connection:
        made = webhook_endpoints.create(connection, URL, "ada@example.com", NOW, anywhere=True)
        a_subscribed_wallet(connection, 3)
    published(engine, NOW + timedelta(minutes=1))
    assert those(waiting) == set()
    clock.now = NOW + timedelta(minutes=1)
    assert those(waiting) == {"webhook"}
    with engine.begin() as connection:
        webhook_deliveries.rest(connection, made.endpoint_id, NOW + timedelta(minutes=2))
    assert those(waiting) == set()
    clock.now = NOW + timedelta(minutes=2)
    assert those(waiting) == {"webhook"}
    with engine.begin() as connection:
        assert webhook_deliveries.give_up_on(connection, made.endpoint_id, clock(), "failing")
    assert those(waiting) == set()


def test_one_look_serves_all_topics_while_it_is_fresh(engine, clock):
    waiting, looks = Waiting(engine, clock, fresh_seconds=3_600), []
    event.listen(engine, "before_cursor_execute", lambda *told: looks.append(told[2]))
    assert those(waiting) == set()
    assert len(looks) == 1


def test_who_comes_while_another_one_looks_for_long_looks_itself(waiting):
    with waiting._lock:
        assert those(waiting) == set(TOPICS)

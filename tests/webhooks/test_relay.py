"""Every event reaches every endpoint that wants it, whatever the others and the workers do."""

import asyncio
import logging
import signal
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event as Flag

import pytest
from sqlalchemy import select, text, update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from activities.context import BillingContext
from activities.notifications.webhooks import PER_ENDPOINT, Round, WebhookRelay
from domain.webhooks.attempts import GAPS
from gateways.webhooks.sending import Sender
from ledger.notifications import webhook_endpoints, webhook_events
from ledger.notifications.webhook_deliveries import LEASE
from models.tables import WebhookDelivery, WebhookEndpoint
from tests.receiver import receiving
from tests.webhooks.delivering import (
    SECOND,
    an_endpoint,
    deliver,
    deliveries,
    events,
    wait_for,
)

ROOT = Path(__file__).parents[2]


def test_a_receiver_gets_each_event_once_and_can_verify_it(engine, relay):
    with receiving(204) as receiver:
        made = an_endpoint(engine, receiver.url)
        ids = events(engine, 3)
        deliver(relay)
        deliver(relay)

    assert sorted(receiver.ids) == sorted(ids)
    for one in receiver.received:
        told = Webhook(made.secret).verify(one.body, one.headers)
        assert told["id"] == one.headers["webhook-id"]
        assert told["type"] == "credits.granted"
        assert one.path == "/hooks?token=hidden"
    assert {(one.state, one.last_status, one.attempts) for one in deliveries(engine)} == {
        ("delivered", 204, 1)
    }


def test_while_a_secret_is_replaced_both_verify_and_afterwards_the_new_one_alone(
    engine, relay, clock
):
    with receiving() as receiver:
        old = an_endpoint(engine, receiver.url)
        with engine.begin() as connection:
            new = webhook_endpoints.rotate_secret(connection, old.endpoint_id, clock())
        (event,) = events(engine)
        deliver(relay)
        with engine.begin() as connection:
            connection.execute(text("UPDATE webhook_endpoints SET old_until = now()"))
            webhook_events.redeliver(connection, event, old.endpoint_id, clock())
        deliver(relay)

    both, again = receiver.received
    Webhook(old.secret).verify(both.body, both.headers)
    for one in (both, again):
        assert one.headers["webhook-id"] == event
        Webhook(new.secret).verify(one.body, one.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old.secret).verify(again.body, again.headers)


def test_what_fails_is_tried_with_growing_gaps_and_the_same_id_and_given_up(engine, relay, clock):
    with receiving(500) as receiver:
        an_endpoint(engine, receiver.url)
        (event,) = events(engine)
        clock.stop()
        deliver(relay)
        for number, gap in enumerate(GAPS, start=1):
            clock.ahead += gap - SECOND
            deliver(relay)
            assert len(receiver.received) == number
            clock.ahead += gap / 5 + SECOND
            deliver(relay)
            assert len(receiver.received) == number + 1
        clock.ahead += timedelta(days=9)
        deliver(relay)

    assert receiver.ids == [event] * 10
    stamps = [int(one.headers["webhook-timestamp"]) for one in receiver.received]
    assert stamps == sorted(set(stamps))
    assert len({one.body for one in receiver.received}) == 1
    (row,) = deliveries(engine)
    assert (row.state, row.attempts, row.last_status) == ("failed", 10, 500)


def test_a_redirect_is_tried_again_and_never_followed(engine, relay, clock):
    with receiving() as inside, receiving(307, 200, location=inside.url) as receiver:
        an_endpoint(engine, receiver.url)
        events(engine)
        deliver(relay)
        (row,) = deliveries(engine)
        assert (row.state, row.last_status, row.last_failure) == ("waiting", 307, "status")
        clock.ahead = GAPS[0] * 2
        deliver(relay)

    assert [one.state for one in deliveries(engine)] == ["delivered"]
    assert inside.received == []


def test_one_that_is_down_gets_everything_when_it_is_back(engine, relay, clock):
    with receiving() as receiver:
        an_endpoint(engine, receiver.url)
        ids = events(engine, 2)
    deliver(relay)
    assert {(one.last_status, one.last_failure) for one in deliveries(engine)} == {
        (None, "not_reachable")
    }
    clock.ahead = GAPS[0] * 2
    with receiving() as back:
        with engine.begin() as connection:
            connection.execute(update(WebhookEndpoint).values(url=back.url))
        deliver(relay)
        clock.ahead *= 2  # one at once while it fails
        deliver(relay)

    assert sorted(back.ids) == sorted(ids)


def test_a_private_address_is_not_asked_unless_that_is_allowed(engine, clock):
    context = BillingContext(engine, {}, "https://billing.example", ("secret",))
    with receiving() as inside:
        an_endpoint(engine, inside.url)
        events(engine)
        deliver(WebhookRelay(context, Sender(), clock))

    assert inside.received == []
    assert [one.last_failure for one in deliveries(engine)] == ["address_not_allowed"]


def test_a_receiver_that_asks_for_time_gets_it_with_all_its_events(engine, relay, clock):
    with receiving(503, Retry_After="600") as receiver:
        an_endpoint(engine, receiver.url)
        events(engine)
        deliver(relay)
        events(engine)
        clock.ahead = timedelta(seconds=590)
        deliver(relay)
        assert len(receiver.received) == 1
        receiver.statuses = [200]
        clock.ahead = timedelta(seconds=610)
        deliver(relay)

    assert [one.state for one in deliveries(engine)] == ["delivered"] * 2


async def test_a_slow_endpoint_delays_nobody_and_has_few_requests_at_once(engine, relay):
    release = Flag()
    with receiving() as slow, receiving() as quick, ThreadPoolExecutor(64) as pool:
        slow.wait = release.wait
        an_endpoint(engine, slow.url)
        an_endpoint(engine, quick.url)
        ids = events(engine, 20)
        rounds = Round(relay, pool)

        def all_came():
            rounds.go()
            return len(quick.received) == len(ids)

        await wait_for(all_came, "the quick one's events")
        assert len(slow.received) <= PER_ENDPOINT
        release.set()
    with ThreadPoolExecutor(64) as pool:
        deliver(relay)

    assert slow.most_at_once == PER_ENDPOINT
    assert sorted(quick.ids) == sorted(ids)


def test_relays_side_by_side_send_each_event_once(engine, relay):
    with receiving() as receiver, ThreadPoolExecutor(3) as relays:
        an_endpoint(engine, receiver.url)
        ids = events(engine, 30)
        list(relays.map(deliver, [relay] * 3))
        deliver(relay)

    assert sorted(receiver.ids) == sorted(ids)


CHILD = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from activities.context import BillingContext
from activities.notifications.webhooks import Round, WebhookRelay
from gateways.webhooks.sending import Sender
from models.base import connect
context = BillingContext(connect(sys.argv[1]), {}, "https://billing.example", ("secret",))
relay = WebhookRelay(context, Sender(anywhere=True), lambda: datetime.now(UTC))
with ThreadPoolExecutor(1) as pool:
    Round(relay, pool).go()
"""


async def test_one_killed_between_the_answer_and_its_note_sends_again_with_the_same_id(
    engine, relay, clock, database
):
    with receiving() as receiver, engine.connect() as note:
        an_endpoint(engine, receiver.url)
        (event,) = events(engine)
        answer = Flag()
        receiver.wait = answer.wait
        command = (sys.executable, "-c", CHILD, database.url)
        child = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
        await wait_for(lambda: receiver.received, "the request of the other process")
        note.execute(select(WebhookDelivery).with_for_update())  # it cannot write its note down
        answer.set()
        blocked = text("SELECT count(*) FROM pg_locks WHERE :holder = ANY (pg_blocking_pids(pid))")
        holder = {"holder": note.scalar(text("SELECT pg_backend_pid()"))}
        with engine.connect() as looking:
            await wait_for(lambda: looking.scalar(blocked, holder), "the note that waits")
        child.send_signal(signal.SIGKILL)
        await child.wait()
        note.rollback()
        deliver(relay)
        assert receiver.ids == [event]  # the claim is not over

        clock.ahead = LEASE + SECOND
        deliver(relay)

    assert receiver.ids == [event, event]
    assert len({one.body for one in receiver.received}) == 1
    assert [(one.state, one.attempts) for one in deliveries(engine)] == [("delivered", 1)]


def test_neither_bodies_nor_secrets_nor_answers_are_logged_or_kept(engine, relay, caplog):
    caplog.set_level(logging.DEBUG)
    with receiving(200, 500) as receiver:
        made = an_endpoint(engine, receiver.url)
        events(engine, 2)
        deliver(relay)
    seen = caplog.text + repr(deliveries(engine))

    assert Counter(one.last_status for one in deliveries(engine)) == {200: 1, 500: 1}
    for hidden in (made.secret, "token=hidden", "a secret of what is inside", '"balance"'):
        assert hidden not in seen

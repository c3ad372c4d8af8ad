"""What becomes of an endpoint that fails, is gone or was deleted, and of what waits for it."""

import json
from datetime import timedelta

from sqlalchemy import update

from domain.webhooks.attempts import GAPS, GIVE_UP_AFTER
from gateways.letters import render
from ledger.notifications import webhook_deliveries, webhook_endpoints
from models.tables import WebhookEndpoint
from tests.receiver import receiving
from tests.webhooks.delivering import (
    OWNER,
    SECOND,
    an_endpoint,
    deliver,
    deliveries,
    endpoint,
    events,
    mails,
)


def test_one_that_is_gone_is_switched_off_and_its_owner_told_once(engine, relay, clock):
    with receiving(410) as receiver:
        made = an_endpoint(engine, receiver.url)
        events(engine, 3)
        deliver(relay)
        clock.ahead = timedelta(days=1)
        events(engine)
        deliver(relay)

    assert 1 <= len(receiver.received) <= 3
    off = endpoint(engine, made.endpoint_id)
    assert (off.state, off.off_because) == ("off", "gone")
    (mail,) = mails(engine)
    assert mail.to == OWNER
    assert "410" in render(mail.mail).text
    assert made.secret not in json.dumps(render(mail.mail).text)


def test_what_waits_for_a_deleted_one_ends_and_what_was_sent_stays(engine, relay, clock):
    with receiving(200, 500) as receiver:
        made = an_endpoint(engine, receiver.url)
        events(engine, 2)
        deliver(relay)
        with engine.begin() as connection:
            webhook_endpoints.delete(connection, made.endpoint_id, clock())
        clock.ahead = timedelta(days=1)
        events(engine)
        deliver(relay)

    assert len(receiver.received) == 2
    assert sorted((one.state, one.last_failure, one.attempts) for one in deliveries(engine)) == [
        ("delivered", None, 1),
        ("failed", "endpoint_deleted", 1),
    ]
    assert endpoint(engine, made.endpoint_id).secret is None
    assert mails(engine) == []


def test_what_a_receiver_took_while_its_endpoint_was_deleted_was_delivered(engine, relay, clock):
    with receiving() as receiver:
        made = an_endpoint(engine, receiver.url)
        events(engine)

        def delete():
            with engine.begin() as connection:
                webhook_endpoints.delete(connection, made.endpoint_id, clock())

        receiver.wait = delete
        deliver(relay)

    assert [(one.state, one.last_failure) for one in deliveries(engine)] == [("delivered", None)]


def test_deliveries_are_stuck_that_were_due_for_hours_though_nothing_hinders_them(
    engine, relay, clock
):
    with receiving(200, 500) as receiver:
        late, off, rests = (an_endpoint(engine, receiver.url).endpoint_id for _ in range(3))
        events(engine, 2)
        with engine.begin() as connection:
            webhook_endpoints.switch_off(connection, off, clock())
            webhook_deliveries.rest(connection, rests, clock() + timedelta(days=1))
            webhook_deliveries.claim(connection, late, clock(), 1)  # whoever claimed it died

    for hours, found in ((0.9, []), (1.5, [(late, 2)])):
        clock.ahead = timedelta(hours=hours)
        with engine.connect() as connection:
            stuck = webhook_deliveries.stuck(connection, clock())
        assert [(one.endpoint_id, one.number) for one in stuck] == found
    with engine.begin() as connection:  # a failing one is tried one at a time: it may take longer
        connection.execute(update(WebhookEndpoint).values(failing_since=clock()))
        assert webhook_deliveries.stuck(connection, clock()) == []
        later = webhook_deliveries.stuck(connection, clock() + timedelta(days=1))
        assert late in {one.endpoint_id for one in later}


def test_one_that_fails_for_five_days_is_switched_off_and_on_again_by_hand(engine, relay, clock):
    with receiving(500) as receiver:
        made = an_endpoint(engine, receiver.url)
        first = events(engine)
        deliver(relay)
        clock.ahead = GIVE_UP_AFTER - SECOND * 60
        second = events(engine)
        deliver(relay)
        assert endpoint(engine, made.endpoint_id).state == "on"
        clock.ahead = GIVE_UP_AFTER + SECOND * 60
        deliver(relay)
        assert endpoint(engine, made.endpoint_id).off_because == "failing"
        assert [one.mail.kind for one in mails(engine)] == ["endpoint_off"]
        missed = events(engine)
        receiver.statuses = [200]
        clock.ahead *= 2
        deliver(relay)
        count = len(receiver.received)

        with engine.begin() as connection:
            webhook_endpoints.switch_on(connection, made.endpoint_id)
        deliver(relay)

    assert set(receiver.ids[count:]) == {*first, *second}
    assert missed[0] not in receiver.ids
    assert endpoint(engine, made.endpoint_id).failing_since is None


def test_a_success_ends_the_failing(engine, relay, clock):
    with receiving(500, 200, 500) as receiver:
        made = an_endpoint(engine, receiver.url)
        events(engine)
        deliver(relay)
        assert endpoint(engine, made.endpoint_id).failing_since is not None
        clock.ahead = GAPS[0] * 2
        deliver(relay)
        assert endpoint(engine, made.endpoint_id).failing_since is None
        clock.ahead = GIVE_UP_AFTER * 2
        events(engine)
        deliver(relay)

    assert endpoint(engine, made.endpoint_id).state == "on"

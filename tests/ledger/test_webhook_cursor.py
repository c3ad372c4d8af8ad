"""Events are read by a cursor that misses none, whoever commits late, and never changed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from domain.errors import InvalidInput
from ledger import grants
from tests.builders import (
    NOON,
    a_grant,
    a_subscribed_wallet,
    use,
)
from tests.ledger.webhooks import ends, publish, read


def test_an_event_committed_late_comes_after_all_that_were_published(engine):
    """The later account's event has the lower number: a cursor by number would never show it."""
    slow, quick = ends(engine, a_subscribed_wallet, 3), ends(engine, a_subscribed_wallet, 3)
    publish(engine)
    start = read(engine).events[-1].event_id
    with engine.connect() as late:
        grants.give(late, slow.account_id, a_grant(), NOON)
        late.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        ends(engine, grants.give, quick.account_id, a_grant(), NOON)
        assert publish(engine) == 1
        page = read(engine, start)
        assert [one.payload["customer_id"] for one in page.events] == [quick.customer_id]
        late.commit()
    assert read(engine, page.events[-1].event_id).events == ()
    publish(engine)

    after = read(engine, page.events[-1].event_id)
    assert [one.payload["customer_id"] for one in after.events] == [slow.customer_id]


def writing(engine, wallet):
    for _ in range(15):
        ends(engine, grants.give, wallet.account_id, a_grant(), NOON)


def publishing(engine, done):
    while not done.is_set():
        publish(engine, 3)


def reading(engine, done):
    """Read on from the last event seen until no more can come."""
    seen, last = [], None
    while True:
        ended = done.is_set()
        page = read(engine, last, limit=4)
        seen += page.events
        last = page.events[-1].event_id if page.events else last
        if ended and not page.events:
            return seen


def test_readers_see_every_event_once_and_each_accounts_in_order_while_writers_commit(engine):
    wallets = [ends(engine, a_subscribed_wallet, 3) for _ in range(3)]
    done = Flag()
    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(reading, engine, done) for _ in range(2)]
        publishers = [pool.submit(publishing, engine, done) for _ in range(2)]
        list(pool.map(writing, [engine] * 3, wallets))
        while publish(engine):
            pass
        done.set()
        assert [one.result() for one in publishers] == [None, None]
        seen = [one.result() for one in readers]

    for events in seen:
        assert len({one.event_id for one in events}) == len(events) == 3 * 16
        for wallet in wallets:
            own = [one.seq for one in events if one.payload["customer_id"] == wallet.customer_id]
            assert own == sorted(own)
            assert len(own) == 16


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE webhook_events SET payload = '{}'",
        "UPDATE webhook_events SET number = DEFAULT",
        "DELETE FROM webhook_events",
        "TRUNCATE webhook_events CASCADE",
    ],
)
def test_what_was_told_is_never_changed_even_by_its_owner(owner, attack):
    a_subscribed_wallet(owner, 3)
    owner.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    with pytest.raises(DBAPIError) as refusal:
        owner.execute(text(attack))
    assert refusal.value.orig.sqlstate == "DD001"


@pytest.mark.parametrize(
    "attack",
    ["UPDATE webhook_events SET position = 1", "INSERT INTO webhook_events DEFAULT VALUES"],
)
def test_the_application_writes_no_event_itself(ledger, attack):
    with pytest.raises(ProgrammingError, match="permission denied"):
        ledger.execute(text(attack))


def test_a_cursor_filters_pages_and_refuses_what_is_no_event(engine):
    ends(engine, a_subscribed_wallet, 3)
    wallet = ends(engine, a_subscribed_wallet, 3)
    ends(engine, use, wallet, 3)
    publish(engine)

    first = read(engine, limit=1)
    assert first.has_more
    rest = read(engine, first.events[0].event_id, limit=2)
    assert [one.type for one in rest.events] == ["credits.granted", "balance.exhausted"]
    assert not rest.has_more
    assert len(read(engine, types=["balance.exhausted"]).events) == 1
    assert read(engine, catalog="make").events == ()
    for wrong in ("evt_1", "evt_1_999999", "1", "evt_99999999999999999999_1"):
        with pytest.raises(InvalidInput, match="event") as refusal:
            read(engine, wrong)
        assert refusal.value.reason == "unknown_webhook_event"

"""A balance as it changes: in time, from where a reader was, to the end of the process."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import text

from ledger import api_keys, grants
from local.fleet import start_api
from local.postgres import SUPERUSER
from local.processes import free_port
from tests.api.arrangements import api
from tests.builders import NOON, a_grant, micro
from tests.screenless import screenless

SWITCHED_ON = text("UPDATE policies SET auto_on = true WHERE account_id = :account")
DEAF = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE query LIKE 'LISTEN%' AND datname = current_database()
"""


class Events:
    """What a stream sends, event by event."""

    def __init__(self, response):
        self._lines = response.aiter_lines()
        self.last = ""  # the id of the newest event

    async def next(self):
        """Return the next event's sequence number and balance; comments are passed over."""
        found = {}
        async for line in self._lines:
            name, _, value = line.partition(": ")
            if name in ("id", "data"):
                found[name] = value
            elif not line and "data" in found:
                self.last = found["id"]
                body = json.loads(found["data"])
                return body["seq"], body
        raise EOFError("the stream has ended")


@asynccontextmanager
async def watching(door, wallet, **headers):
    path = f"/customers/{wallet.customer_id}/balance/stream"
    async with door.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"] == "text/event-stream"
        assert response.headers["x-accel-buffering"] == "no"
        yield Events(response)


def available(body):
    return body["credit_types"]["credits"]["available"]


async def test_whoever_watches_sees_each_change_soon(door, customer, event):
    wallet = customer()
    async with watching(door, wallet) as events:
        seq, body = await events.next()
        assert (seq, body["seq"], available(body)) == (1, 1, "10000")
        read = (await door.get(f"/customers/{wallet.customer_id}/balance")).json()
        assert {**body, "at": read["at"]} == read
        for number in range(1, 4):
            await door.post("/usage", json=event(wallet, "2"))
            seq, body = await events.next()
            assert (seq, available(body)) == (1 + number, str(10_000 - 2 * number))


async def test_holds_purchases_and_pauses_are_seen_too(door, customer, event, engine):
    wallet = customer()
    async with watching(door, wallet) as events:
        await events.next()
        held = event(wallet, "5", lapses_at="2027-01-02T00:00:00Z")
        await door.post("/holds", json=held)
        _, body = await events.next()
        assert (available(body), body["credit_types"]["credits"]["held"]) == ("9995", "5")
        with engine.begin() as connection:
            gift = a_grant(quantity_micro=micro(7), expires_at=None)
            grants.give(connection, wallet.account_id, gift, NOON)
        assert available((await events.next())[1]) == "10002"
        with engine.begin() as connection:
            removed = grants.remove(
                connection,
                wallet.account_id,
                key="back",
                credit_type="credits",
                quantity_micro=micro(2),
                tags="{}",
                at=NOON,
            )
            assert removed == "debited"
        assert available((await events.next())[1]) == "10000"


async def test_a_reader_who_was_there_before_is_told_what_is_new_and_no_more(door, customer, event):
    wallet = customer()
    async with watching(door, wallet) as events:
        await events.next()
        before = events.last
    await door.post("/usage", json=event(wallet))
    async with watching(door, wallet, **{"Last-Event-ID": before}) as events:
        assert (await events.next())[0] == 2
        known = events.last
    async with watching(door, wallet, **{"Last-Event-ID": known}) as events:
        await door.post("/usage", json=event(wallet))
        assert (await events.next())[0] == 3  # the first: 2 was not told again
    async with watching(door, wallet, **{"Last-Event-ID": "☃".encode()}) as events:
        assert (await events.next())[0] == 3


async def test_who_was_away_hears_of_what_changed_without_an_entry(door, customer, engine):
    wallet = customer()
    async with watching(door, wallet) as events:
        assert (await events.next())[1]["credit_types"]["credits"]["auto_purchase"]["on"] is False
        known = events.last
    with engine.begin() as connection:
        connection.execute(SWITCHED_ON, {"account": wallet.account_id})
    async with watching(door, wallet, **{"Last-Event-ID": known}) as events:
        seq, body = await events.next()
    assert (seq, body["credit_types"]["credits"]["auto_purchase"]["on"]) == (1, True)


async def test_two_readers_of_one_wallet_see_the_same(door, customer, event):
    wallet = customer()
    async with watching(door, wallet) as one, watching(door, wallet) as other:
        await one.next(), await other.next()
        await door.post("/usage", json=event(wallet))
        assert await one.next() == await other.next()


async def test_a_slow_reader_gets_the_newest_balance_and_no_backlog(door, customer, event):
    wallet = customer()
    async with watching(door, wallet) as events:
        await events.next()
        for _ in range(100):
            await door.post("/usage", json=event(wallet))
        seen = []
        while not seen or seen[-1] != 101:
            seen.append((await events.next())[0])
        assert seen == sorted(set(seen))
        assert len(seen) < 60


async def test_what_changed_while_nobody_listened_is_seen_afterwards(
    door, customer, engine, postgres, session_database
):
    wallet, other = customer(), customer()
    async with watching(door, wallet) as events, watching(door, other) as others:
        await events.next(), await others.next()
        switched = {"account": wallet.account_id}
        with engine.begin() as connection:
            connection.execute(SWITCHED_ON, switched)  # tells nobody
        with psycopg.connect(postgres.dsn(session_database.name, SUPERUSER)) as connection:
            connection.execute(DEAF)
        _, body = await events.next()
        assert body["credit_types"]["credits"]["auto_purchase"]["on"]
        with engine.begin() as connection:
            grants.give(connection, other.account_id, a_grant(), NOON)
        assert (await others.next())[0] == 2  # nothing was told again meanwhile


async def test_strangers_watch_nothing(door, customer, engine):
    wallet = customer()
    path = f"/customers/{wallet.customer_id}/balance/stream"
    at = datetime.now(UTC)
    with engine.begin() as connection:
        other = api_keys.create(connection, "t", ["read"], "zaplify", by="ann", at=at).secret
        usage = api_keys.create(connection, "u", ["usage"], None, by="ann", at=at).secret
    for secret, status in ((other, 404), (usage, 403), ("nothing", 401)):
        answer = await door.get(path, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == status
    assert (await door.head(path)).status_code == 200


async def test_streams_end_when_the_process_stops(variables, servers_folder, api_key, customer):
    wallet, port = customer(), free_port()
    url = f"http://127.0.0.1:{port}"
    process = start_api({"PUBLIC_URL": url, **variables}, port, servers_folder / "ending.log")
    try:
        headers = {"Authorization": f"Bearer {api_key}"}
        async with (
            screenless(base_url=f"{url}/v1", headers=headers) as client,
            watching(client, wallet) as events,
        ):
            await events.next()
            process.terminate()
            with pytest.raises(EOFError):
                await events.next()
        await asyncio.to_thread(process.wait)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def test_places_are_given_back(variables, servers_folder, api_key, customer):
    path = f"/customers/{(wallet := customer()).customer_id}/balance/stream"
    headers = {"Authorization": f"Bearer {api_key}"}
    with api(variables | {"API_MOST_STREAMS": "1"}, servers_folder) as url:
        async with screenless(base_url=f"{url}/v1", headers=headers) as client:
            async with watching(client, wallet) as events:
                await events.next()
                refused = await client.get(path)
                assert (refused.status_code, refused.json()["reason"]) == (
                    429,
                    "too_many_requests",
                )
            while refused.status_code != 200:  # the server has yet to see that the reader left
                async with client.stream("GET", path) as refused:
                    assert refused.status_code in (200, 429)

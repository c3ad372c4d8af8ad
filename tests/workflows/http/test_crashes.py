"""Processes that die, and servers that are away: a repeat is answered as the first would be."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import text

from local.fleet import start_api
from local.patience import until
from local.processes import free_port, stop
from tests.api.arrangements import NOWHERE

pytestmark = pytest.mark.long

NOTE = {"reason": "a check", "by": "ada"}
ACTS = {
    "purchases": {"credits": "1000"},
    "adjustments": {"credits": "5", **NOTE},
    "pause": NOTE,
    "alerts": {"alerts": [{"percent": 20, "channel": "both"}]},
}


@pytest.fixture
def process(door_variables, servers_folder, api_key):
    """A function that starts a process of its own; returns a client of it and the process."""
    running = []

    def start(**others):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        log = servers_folder / f"api-{port}.log"
        started = start_api({"PUBLIC_URL": url, **door_variables, **others}, port, log)
        running.append(started)
        headers = {"Authorization": f"Bearer {api_key}"}
        return httpx.AsyncClient(base_url=f"{url}/v1", headers=headers, timeout=None), started

    yield start
    for one in running:
        stop(one)


def as_if_killed(engine, key):
    """Take a kept answer away and let a minute pass: the process was killed before it wrote."""
    with engine.begin() as connection:
        forgotten = text("""
            UPDATE kept_requests SET status = NULL, answer = NULL, answered_at = NULL,
                                     begun_at = :long_ago
            WHERE key = :key
        """)
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        assert connection.execute(forgotten, {"key": key, "long_ago": long_ago}).rowcount == 1


@pytest.mark.parametrize("path", ACTS)
async def test_a_process_killed_between_act_and_answer_is_repeated_by_another(fleet, post, path):
    customer = await fleet.subscribe("core_10k")
    address, key = f"/customers/{customer.name}/{path}", f"{path}-{customer.name}"
    first = await post(address, ACTS[path], key)
    assert first.status_code == 200

    as_if_killed(fleet.engine, key)
    again = await post(address, ACTS[path], key)

    assert (again.status_code, again.json()) == (200, first.json())
    assert len(customer.paid()) == (2 if path == "purchases" else 1)
    customer.check()


@pytest.mark.long
async def test_a_purchase_survives_the_process_that_asked_for_it(fleet, post, process):
    customer = await fleet.subscribe("core_10k")
    address, key = f"/customers/{customer.name}/purchases", f"killed-{customer.name}"
    http, asked = process()
    headers = {"Idempotency-Key": key}

    async def opened():
        query = "SELECT 1 FROM charges WHERE account_id = %s AND kind <> 'period'"
        return customer.rows(query)

    async with http:
        call = asyncio.create_task(http.post(address, json={"credits": "1000"}, headers=headers))
        await until(opened, bool, "the purchase to be opened")
        asked.kill()
        await asyncio.gather(call, return_exceptions=True)

    meanwhile = await post(address, {"credits": "1000"}, key)
    assert meanwhile.status_code in (200, 409)
    if meanwhile.status_code == 409:
        assert meanwhile.json()["reason"] == "request_under_way"
        as_if_killed(fleet.engine, key)
        meanwhile = await post(address, {"credits": "1000"}, key)
    assert (meanwhile.status_code, meanwhile.json()["status"]) == (200, "paid")
    assert customer.paid() == [900, 90]
    customer.check()


async def test_while_temporal_is_away_nothing_is_kept_and_a_repeat_succeeds(fleet, post, process):
    customer = await fleet.subscribe("core_10k")
    address, key = f"/customers/{customer.name}/adjustments", f"away-{customer.name}"
    http, _ = process(TEMPORAL_ADDRESS=NOWHERE)
    async with http:
        away = await http.post(address, json=ACTS["adjustments"], headers={"Idempotency-Key": key})
    assert (away.status_code, away.json()["reason"]) == (503, "temporal_unavailable")
    assert away.headers["retry-after"]
    with fleet.engine.connect() as connection:
        kept = text("SELECT status FROM kept_requests WHERE key = :key")
        assert connection.scalar(kept, {"key": key}) is None
    done = await post(address, ACTS["adjustments"], key)
    assert (done.status_code, done.json()["status"]) == (200, "done")
    assert "idempotent-replayed" not in done.headers

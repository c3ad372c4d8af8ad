"""What callers get wrong: each has its status and its reason, and nothing moves."""

import asyncio
import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from api.v1 import bodies
from api.v1.problems import Problem
from domain.api_keys import key_id_of
from ledger import api_keys, balances
from local.fleet import start_api
from local.processes import free_port, stop
from tests.builders import START

MEGABYTES_10 = 10_000_000
REQUESTS = 200
MOST_GROWTH = 40 * 1024  # kB, which four bodies of 10 MB would be
TYPED = {"Content-Type": "application/json"}


@pytest.fixture
def left(engine):
    """A function that says what a wallet has."""

    def read(wallet):
        with engine.connect() as connection:
            return balances.available(connection, wallet.account_id, "credits", START) // 10**6

    return read


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"quantity": [1]}, "invalid_quantity"),
        ({"quantity": "-1"}, "invalid_quantity"),
        ({"quantity": "1" + "0" * 30}, "invalid_quantity"),
        ({"quantity": "NaN"}, "invalid_quantity"),
        ({"quantity": "0.0000001"}, "invalid_quantity"),
        ({"quantity": None}, "invalid_quantity"),
        ({"customer_id": 5}, "invalid_id"),
        ({"customer_id": None}, "invalid_id"),
        ({"key": 5}, "invalid_key"),
        ({"key": ""}, "invalid_key"),
        ({"key": "k" * 201}, "invalid_key"),
        ({"key": "\ud800"}, "invalid_key"),
        ({"action": {}}, "unknown_action"),
        ({"event_at": 1_800_000_000}, "invalid_time"),
        ({"event_at": "2027-01-01T00:00:00"}, "invalid_time"),
        ({"event_at": "2027-13-01T00:00:00Z"}, "invalid_time"),
        ({"event_at": "0001-01-01T00:00:00+14:00"}, "invalid_time"),
        ({"event_at": "2027-01-01T01:00:00Z"}, "event_in_future"),  # a clock an hour ahead
        ({"tags": []}, "invalid_tags"),
        ({"tags": {"": "x"}}, "invalid_tags"),
        ({"tags": {f"t{n}": "x" for n in range(21)}}, "invalid_tags"),
        ({"tags": {"a": {"b": {"c": {"d": {"e": {"f": {"g": {"h": 1}}}}}}}}}, "malformed"),
        ({"confirmed": "yes"}, "malformed"),
        ({"confirmed": 1}, "malformed"),
        ({"quantitty": "1"}, "unknown_field"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
async def test_a_wrong_field_is_refused_by_name_alone_and_among_others(
    door, customer, event, left, changed, reason, many
):
    wallet = customer(100)
    wrong = {**event(wallet), **changed}
    if many:
        sent = {"events": [event(wallet), wrong, event(wallet)]}
        outcomes = (await door.post("/usage", content=json.dumps(sent), headers=TYPED)).json()
        refused = outcomes["outcomes"][1]
        assert [one["status"] for one in outcomes["outcomes"]] == ["debited", "refused", "debited"]
    else:
        answer = await door.post("/usage", content=json.dumps(wrong), headers=TYPED)
        assert 400 <= answer.status_code < 500
        refused = answer.json()
    assert (refused["reason"], bool(refused["cure"])) == (reason, True)
    assert left(wallet) == (98 if many else 100)


@pytest.mark.parametrize("name", ["customer_id", "key", "action", "quantity", "event_at"])
async def test_a_missing_field_is_named(door, customer, event, left, name):
    wallet = customer(100)
    sent = event(wallet)
    del sent[name]
    answer = await door.post("/usage", json=sent)
    assert (answer.status_code, answer.json()["reason"]) == (422, "missing_field")
    assert f"`{name}`" in answer.json()["detail"]
    assert left(wallet) == 100


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"quantity": NaN}',
        '{"quantity": Infinity}',
        '{"quantity": 1e999999999}',
        '{"quantity": ' + "9" * 5_000 + "}",
        '{"quantity": 1' + "0" * 30 + "e}",
        '{"key": "\\ud800',
        "\ufeff{}",
        "null",
        "3",
        '"text"',
        "{} {}",
    ],
)
@pytest.mark.parametrize("path", ["/usage", "/check", "/holds", "/holds/x/capture"])
async def test_what_is_no_message_is_malformed(door, path, text):
    answer = await door.post(path, content=text.encode(), headers=TYPED)
    assert (answer.status_code, answer.json()["reason"]) in {
        (400, "malformed"),
        (422, "missing_field"),
        (422, "unknown_field"),
        (422, "invalid_quantity"),
    }


@pytest.mark.parametrize("path", ["/usage", "/check", "/holds", "/holds/x/capture"])
@pytest.mark.parametrize("kind", ["", "text/plain", "application/xml", "application/jsonx"])
async def test_a_body_of_another_type_is_refused(door, path, kind):
    answer = await door.post(path, content=b"{}", headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["reason"]) == (415, "unsupported_media_type")


async def test_one_key_twice_in_one_batch_is_a_repeat_or_a_conflict(door, customer, event, left):
    wallet, other = customer(100), customer(100)
    first = event(wallet, "2")
    sent = [first, first, {**first, "quantity": "3"}, {**first, "customer_id": other.customer_id}]
    outcomes = (await door.post("/usage", json={"events": sent})).json()["outcomes"]
    assert [one["status"] for one in outcomes] == ["debited", "repeated", "refused", "debited"]
    assert outcomes[1] == {**outcomes[0], "status": "repeated"}
    assert outcomes[2]["reason"] == "idempotency_conflict"
    assert (left(wallet), left(other)) == (98, 98)


async def test_a_clock_an_hour_behind_is_late_usage(door, customer, event, left):
    wallet = customer(100)
    sent = event(wallet, event_at="2027-01-01T00:00:00+01:00")
    assert (await door.post("/usage", json=sent)).json()["status"] == "debited"
    assert left(wallet) == 99


async def test_a_revoked_key_covers_nothing(door, customer, event, engine, left):
    wallet = customer(100)
    now = datetime.now(UTC)
    with engine.begin() as connection:
        made = api_keys.create(connection, "test", ["usage"], None, by="ann", at=now)
        api_keys.revoke(connection, key_id_of(made.secret), by="ann", at=now)
    headers = {"Authorization": f"Bearer {made.secret}"}
    answer = await door.post("/usage", json=event(wallet), headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (401, "unauthorized")
    assert left(wallet) == 100


async def test_a_body_that_does_not_end_in_time_is_refused_and_the_connection_closed(monkeypatch):
    monkeypatch.setattr(bodies, "LONGEST", 0.01)
    half = [{"type": "http.request", "body": b"{", "more_body": True}]
    for sent in ([], half):
        queue = [*sent]

        async def receive(queue=queue):
            return queue.pop(0) if queue else await asyncio.Event().wait()

        with pytest.raises(Problem) as refused:
            await bodies.read(receive, {"content-type": "application/json"}, ["application/json"])
        assert refused.value.reason == "payload_too_slow"
        assert refused.value.headers == {"Connection": "close"}


@pytest.mark.parametrize("catalog", [{}, [], 5, True, "nobody's"])
async def test_a_price_list_that_is_none_is_unknown(door, catalog):
    bodies_ = {
        "/keys": {"name": "x", "scopes": ["read"], "by": "ann"},
        "/webhook_endpoints": {"url": "https://product.example/", "owner_email": "a@b.example"},
    }
    for path, body in bodies_.items():
        headers = {"Idempotency-Key": f"{path} {catalog!a}"}
        answer = await door.post(path, json={**body, "catalog": catalog}, headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_catalog")


@pytest.mark.parametrize("seconds", [None, 0, 1.5, True, "60", 31 * 86_400 + 1, 10**30])
async def test_a_hold_of_no_whole_seconds_is_refused(door, customer, event, left, seconds):
    wallet = customer(100)
    answer = await door.post("/check", json={**event(wallet), "hold_seconds": seconds})
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_lapse")
    assert left(wallet) == 100


async def test_an_idempotency_key_is_bound_to_its_path(door):
    headers = {"Idempotency-Key": "the same"}
    body = {"name": "x", "scopes": ["read"], "by": "ann"}
    first = await door.post("/keys", json=body, headers=headers)
    assert first.status_code == 201
    other = await door.post(
        f"/keys/{first.json()['key_id']}/revoke", json={"by": "ann"}, headers=headers
    )
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency_conflict")
    again = await door.post("/keys", json=body, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_cursor_of_another_list_is_refused(door):
    answer = await door.get("/events", params={"starting_after": "we_4k2m9x7q1c8d5e3f"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_cursor")


async def test_the_methods_of_a_path_are_its_own(door):
    """An id may have slashes: the path of a read takes others below it, but only for reads."""
    for path in ("/customers/acme/balance", "/holds/x/capture"):
        answer = await door.request("PUT", path)
        assert answer.headers["allow"] == ("GET" if "balance" in path else "POST")
    answer = await door.options("/subscriptions/0/cancel")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("key", ["a\nb", "a/b", "capture", "\n", "a%2Fb", "\u2028"])
async def test_any_key_may_be_in_a_path(door, customer, event, key):
    wallet = customer()
    held = event(wallet, key=key, lapses_at="2027-01-02T00:00:00Z")
    assert (await door.post("/holds", json=held)).json()["status"] == "held"
    body = {"customer_id": wallet.customer_id}
    released = await door.post(f"/holds/{quote(key, safe='')}/release", json=body)
    assert (released.status_code, released.json()["key"]) == (200, key)


async def test_a_path_does_not_end_before_a_line_break(door):
    answer = await door.post("/usage%0A", json={})
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


@pytest.mark.long
async def test_large_bodies_leave_nothing_in_memory(variables, servers_folder, api_key):
    """200 of 10 MB, half of them without a stated length."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = start_api({"PUBLIC_URL": url, **variables}, port, servers_folder / "large.log")
    headers = {"Authorization": f"Bearer {api_key}", **TYPED}
    body = b'{"key": "' + b"x" * MEGABYTES_10 + b'"}'

    async def pieces():
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    with closing(Running(process)):
        async with httpx.AsyncClient(base_url=f"{url}/v1", headers=headers, timeout=None) as http:

            async def send(n):
                answer = await http.post("/usage", content=pieces() if n % 2 else body)
                assert (answer.status_code, answer.json()["reason"]) == (413, "payload_too_large")

            for n in range(10):
                await send(n)
            before = resident_kb(process.pid)
            for n in range(0, REQUESTS, 4):
                await asyncio.gather(*(send(n + k) for k in range(4)))
            assert resident_kb(process.pid) - before < MOST_GROWTH


class Running:
    def __init__(self, process):
        self.process = process

    def close(self):
        stop(self.process)


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))

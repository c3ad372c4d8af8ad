"""What one process takes on at once, and how often a key may ask."""

from functools import partial

import pytest

from api.limits import Bound, KeyRates
from local.patience import until
from tests.api.arrangements import api
from tests.api.test_heads import raw
from tests.doors import refusals_told
from tests.screenless import screenless


def test_a_key_may_ask_so_often_a_second_and_is_told_what_is_left():
    now = 100.25
    rates = KeyRates(2, lambda: now)
    told = [rates.count("a") for _ in range(3)]
    assert [allowed for allowed, _ in told] == [True, True, False]
    assert [headers["RateLimit"] for _, headers in told] == [
        '"key";r=1;t=1',
        '"key";r=0;t=1',
        '"key";r=0;t=1',
    ]
    assert told[0][1]["RateLimit-Policy"] == '"key";q=2;w=1'
    assert rates.count("b")[0]
    now = 101.0
    assert rates.count("a")[0]


def test_without_a_limit_nothing_is_counted_or_told():
    rates = KeyRates(0)
    assert [rates.count("a") for _ in range(1000)] == [(True, {})] * 1000


def test_no_more_places_are_taken_than_there_are():
    bound = Bound(1)
    assert [bound.take(), bound.take()] == [True, False]
    bound.free()
    assert bound.take()


@pytest.fixture
def limited(variables, servers_folder):
    """A process that takes two requests at once, and three a second of each key."""
    few = {"API_MOST_REQUESTS": "2", "API_REQUESTS_PER_SECOND": "3"}
    with api(variables | few, servers_folder) as url:
        yield url


async def test_a_key_that_asks_too_often_is_told_when_to_come_back(limited, api_key, customer):
    wallet = customer()
    asked = {"customer_id": wallet.customer_id, "action": "operation", "quantity": "1"}
    headers = {"Authorization": f"Bearer {api_key}"}
    async with screenless(base_url=f"{limited}/v1", headers=headers) as http:
        while True:  # until one second holds more than three
            answer = await http.post("/check", json=asked)
            assert answer.headers["ratelimit-policy"] == '"key";q=3;w=1'
            if answer.status_code != 200:
                break
    assert (answer.status_code, answer.json()["reason"]) == (429, "too_many_requests")
    assert answer.headers["ratelimit"] == '"key";r=0;t=1'
    assert answer.headers["retry-after"] == "1"


async def test_who_finds_no_room_is_answered_before_the_body_is_read(
    limited, api_key, servers_folder
):
    port = int(limited.rpartition(":")[2])
    head = (
        f"POST /v1/usage HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api_key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    ).encode()
    async with (
        screenless(base_url=limited) as http,
        raw(port, sent=head) as one,
        raw(port, sent=head) as other,
    ):
        await until(partial(status, http), lambda found: found == 503, "no room")
        named = head.replace(b"\r\n\r\n", b"\r\nX-Request-Id: no-room\r\n\r\n")
        async with raw(port, sent=named) as third:
            await until(partial(said, third), lambda text: text.endswith(b"}"), "an answer")
        assert b" 503 " in third.answer
        assert b'"ledger_busy"' in third.answer
        assert b"retry-after: 1" in third.answer
        assert (one.answer, other.answer) == (b"", b"")
    (told,) = refusals_told(limited, servers_folder, "no-room")
    assert "ledger_busy" in told
    async with screenless(base_url=limited) as http:
        await until(partial(status, http), lambda found: found == 200, "places given back")


async def status(http):
    return (await http.get("/v1/reasons")).status_code


async def said(client):
    return client.answer

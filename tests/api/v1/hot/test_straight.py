"""What goes straight is answered as what goes the ordinary way, and leaves the same behind."""

import asyncio
import itertools

import pytest
from sqlalchemy import text

from api import heads
from api.main import create_app
from api.v1.hot.straight import Straight
from tests.builders import left, micro

# Unusual only in how it is said: it goes the ordinary way.
ORDINARY = {"Content-Type": "application/json; charset=utf-8"}
USUAL = {"Content-Type": "application/json"}
OWN = ("customer_id", "request_id")
VARYING = {"date", "x-request-id", "content-length"}
_numbers = itertools.count(1)

USAGE = (
    {"quantity": "2.5"},
    {"quantity": "2.5"},  # again
    {"quantity": "3"},  # under the same key
    {"key": "tagged", "tags": {"team": "a", "campaign": "spring"}},
    {"key": "of-a-member", "tags": {"member": "ada"}},
    {"key": "dear", "quantity": "10000000"},
    {"key": "late", "event_at": "2026-12-01T00:00:00Z"},
    {"key": "future", "event_at": "2099-01-01T00:00:00Z"},
    {"key": "odd", "action": "dance"},
    {"key": '\u00e9\u4e2d"x'},
    {"key": "all", "quantity": "9993.5"},
    {"key": "no more", "quantity": "1"},
    {"key": "ledger:own"},
    {"more": 1},
)
CHECKS = (
    {},
    {"key": "free"},
    {"key": "used"},
    {"quantity": "10000"},
    {"quantity": "9999"},
    {"quantity": "9999.000001"},
    {"tags": {"member": "ada"}},
    {"event_at": "2026-12-01T00:00:00Z"},
    {"event_at": "2099-01-01T00:00:00Z"},
    {"action": "dance"},
    {"customer_id": "nobody"},
    {"key": "done", "event_at": "2027-01-01T00:00:00Z", "use": True},
)


def told(answer, sent):
    """Return an answer without what is its own, and the names of its headers."""
    body = {name: one for name, one in answer.json().items() if name not in OWN}
    headers = {name: one for name, one in answer.headers.items() if name not in VARYING}
    assert answer.headers["x-request-id"]
    assert answer.json().get("customer_id") in (None, sent["customer_id"])
    return answer.status_code, headers, body


async def both(door, path, straight, ordinary):
    """Send the same to two customers, each by one way; return what each was told."""
    answers = [
        await door.post(path, json=sent, headers=headers)
        for sent, headers in ((straight, USUAL), (ordinary, ORDINARY))
    ]
    return [told(one, sent) for one, sent in zip(answers, (straight, ordinary), strict=True)]


async def test_of_usage(door, customer, event, engine):
    one, other = customer(), customer()
    like = event(one, key="first")
    for changed in USAGE:
        sent = {**like, **changed}
        straight, ordinary = await both(
            door, "/usage", sent, {**sent, "customer_id": other.customer_id}
        )
        assert straight == ordinary, changed
    with engine.begin() as connection:
        assert left(connection, one) == left(connection, other) == 0


async def test_of_checks(door, customer, event, engine):
    one, other = customer(), customer()
    for wallet in (one, other):
        await door.post("/usage", json=event(wallet, key="used"))
    for changed in CHECKS:
        like = {"customer_id": one.customer_id, "action": "operation", "quantity": "1"}
        mine = {**like, **changed}
        its = {**like, "customer_id": other.customer_id, **changed}
        straight, ordinary = await both(door, "/check", mine, its)
        assert straight == ordinary, changed
    with engine.begin() as connection:
        assert left(connection, one) == left(connection, other) == micro(9_998)


@pytest.mark.parametrize("headers", [USUAL, ORDINARY])
async def test_a_request_that_is_named_is_noted_by_its_name(door, customer, event, engine, headers):
    wallet = customer()
    name = f"named-{next(_numbers)}-{wallet.customer_id}"
    await door.post("/usage", json=event(wallet))  # by whom nothing is named
    answer = await door.post(
        "/usage", json=event(wallet), headers={**headers, "X-Request-Id": name}
    )
    assert answer.headers["x-request-id"] == name
    odd = await door.post("/usage", json=event(wallet), headers={**headers, "X-Request-Id": "a b"})
    assert odd.headers["x-request-id"] != "a b"
    noted = text("SELECT request_id FROM named_requests WHERE account_id = :account")
    with engine.begin() as connection:
        found = connection.execute(noted, {"account": wallet.account_id}).scalars().all()
    assert found == [name]


async def test_no_more_pass_at_once_than_there_are_credits(door, customer, event, engine):
    wallet = customer(20)
    await door.post("/check", json={**event(wallet)})  # so that its plan is known
    sent = [event(wallet) for _ in range(60)]
    answers = await asyncio.gather(
        *(
            door.post("/usage", json=one, headers=(USUAL, ORDINARY)[number % 2])
            for number, one in enumerate(sent)
        )
    )
    statuses = sorted(one.status_code for one in answers)
    assert statuses == [200] * 20 + [402] * 40
    with engine.begin() as connection:
        assert left(connection, wallet) == 0


async def test_the_api_has_who_takes_requests_straight(variables):
    pages = create_app(variables | {"PUBLIC_URL": "http://127.0.0.1"}).pages
    async with pages.router.lifespan_context(pages) as state:
        assert isinstance(state[heads.STRAIGHT], Straight)

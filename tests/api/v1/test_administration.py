"""Keys and webhooks out, ruled through the door."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ledger.notifications import webhook_events

HOOK = {"url": "https://product.example/hooks", "owner_email": "ops@product.example"}


def keyed(secret=None):
    bearer = {"Authorization": f"Bearer {secret}"} if secret else {}
    return {"Idempotency-Key": str(uuid4()), **bearer}


@pytest.fixture
async def admin_of(door):
    """A function that makes an admin's key of one price list through the door."""

    async def make(catalog):
        body = {"name": "seller", "scopes": ["admin"], "by": "ada", "catalog": catalog}
        return (await door.post("/keys", json=body, headers=keyed())).json()

    return make


async def test_a_key_made_through_the_door_opens_it_and_its_secret_is_told_once(door):
    body, name = {"name": "backend", "scopes": ["read"], "by": "ada"}, keyed()
    first = await door.post("/keys", json=body, headers=name)
    again = await door.post("/keys", json=body, headers=name)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == {**first.json(), "secret": None}
    assert again.headers["idempotent-replayed"] == "true"
    opened = await door.get("/events", headers=keyed(first.json()["secret"]))
    assert opened.status_code == 200


async def test_a_rotated_key_lives_on_and_a_revoked_one_does_not(door):
    body = {"name": "backend", "scopes": ["read"], "by": "ada"}
    old = (await door.post("/keys", json=body, headers=keyed())).json()
    path = f"/keys/{old['key_id']}"
    new = await door.post(f"{path}/rotate", json={"by": "ada", "hours": 1}, headers=keyed())
    for secret in (old["secret"], new.json()["secret"]):
        assert (await door.get("/events", headers=keyed(secret))).status_code == 200
    ended = await door.post(f"{path}/revoke", json={"by": "ada"}, headers=keyed())
    assert (ended.status_code, ended.json()["live"]) == (200, False)
    twice = await door.post(f"{path}/rotate", json={"by": "ada"}, headers=keyed())
    assert (twice.status_code, twice.json()["reason"]) == (409, "key_revoked")
    listed = {one["key_id"]: one for one in (await door.get("/keys")).json()["data"]}
    assert listed[old["key_id"]]["replaced_by"] == new.json()["key_id"]
    assert "secret" not in listed[old["key_id"]]


async def test_a_sellers_admin_rules_that_sellers_keys_and_endpoints_alone(door, admin_of):
    make, zaplify = await admin_of("make"), await admin_of("zaplify")
    body = {"name": "backend", "scopes": ["usage"], "by": "ada"}
    mine = keyed(make["secret"])
    own = (await door.post("/keys", json=body, headers=mine)).json()
    assert own["catalog"] == "make"
    foreign = {**body, "catalog": "zaplify"}
    refused = await door.post("/keys", json=foreign, headers=keyed(make["secret"]))
    assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_catalog")
    ended = await door.post(
        f"/keys/{own['key_id']}/revoke", json={"by": "eve"}, headers=keyed(zaplify["secret"])
    )
    assert (ended.status_code, ended.json()["reason"]) == (404, "unknown_key")
    made = (await door.post("/webhook_endpoints", json=HOOK, headers=keyed(make["secret"]))).json()
    path = f"/webhook_endpoints/{made['endpoint_id']}"
    other = await door.post(f"{path}/rotate", json={}, headers=keyed(zaplify["secret"]))
    assert other.json()["reason"] == "unknown_endpoint"
    seen = (await door.get("/webhook_endpoints", headers=keyed(make["secret"]))).json()["data"]
    assert {one["catalog"] for one in seen} == {"make"}


async def test_an_endpoint_is_made_switched_and_given_another_secret(door):
    name = keyed()
    first = await door.post("/webhook_endpoints", json=HOOK, headers=name)
    again = await door.post("/webhook_endpoints", json=HOOK, headers=name)
    made = first.json()
    assert made["secret"].startswith("whsec_")
    assert again.json() == {**made, "secret": None}
    path = f"/webhook_endpoints/{made['endpoint_id']}"
    other = await door.post(f"{path}/rotate", json={}, headers=keyed())
    assert other.json()["secret"] not in (None, made["secret"])
    off = await door.post(f"{path}/switch", json={"on": False}, headers=keyed())
    assert off.json()["state"] == "off"
    listed = {
        one["endpoint_id"]: one for one in (await door.get("/webhook_endpoints")).json()["data"]
    }
    assert listed[made["endpoint_id"]]["off_because"] == "by_hand"
    assert "secret" not in listed[made["endpoint_id"]]


async def test_a_deleted_endpoint_is_gone_but_for_what_was_sent_to_it(door, admin_of):
    made = (await door.post("/webhook_endpoints", json=HOOK, headers=keyed())).json()
    path = f"/webhook_endpoints/{made['endpoint_id']}"
    foreign = keyed((await admin_of("zaplify"))["secret"])
    refused = await door.delete(path, headers=foreign)
    assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_endpoint")
    for _ in range(2):
        gone = await door.delete(path)
        told = {"endpoint_id": made["endpoint_id"], "state": "deleted"}
        assert (gone.status_code, gone.json()) == (200, told)
    listed = (await door.get("/webhook_endpoints")).json()["data"]
    assert made["endpoint_id"] not in {one["endpoint_id"] for one in listed}
    for act, body in (("rotate", {}), ("switch", {"on": True})):
        refused = await door.post(f"{path}/{act}", json=body, headers=keyed())
        assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_endpoint")
    assert (await door.get(f"{path}/deliveries")).json() == {"data": [], "has_more": False}


async def test_an_endpoints_deliveries_are_listed_page_by_page(door, engine, customer, admin_of):
    made = (await door.post("/webhook_endpoints", json=HOOK, headers=keyed())).json()
    path = f"/webhook_endpoints/{made['endpoint_id']}/deliveries"
    for _ in range(3):
        customer()
    with engine.begin() as connection:
        webhook_events.publish(connection, datetime.now(UTC))
    whole = (await door.get(path)).json()["data"]
    assert len(whole) >= 3
    # A relay of the same process may have tried already: nobody is at the address.
    assert {(one["state"], one["last_status"]) for one in whole} == {("waiting", None)}
    assert {bool(one["attempts"]) == bool(one["last_failure"]) for one in whole} == {True}
    assert all(one["next_at"] for one in whole)
    pages, after = [], {}
    while True:
        page = (await door.get(path, params={"limit": "2", **after})).json()
        pages += page["data"]
        after = {"starting_after": pages[-1]["id"]}
        if not page["has_more"]:
            break
    # Others make events meanwhile: what was there is there once, in the same order.
    there = [one["id"] for one in whole]
    assert [one["id"] for one in pages if one["id"] in there] == there
    for query, reason in (
        ({"starting_after": "evt_1_999999"}, "invalid_cursor"),
        ({"starting_after": "?"}, "invalid_cursor"),
        ({"state": "lost"}, "invalid_parameter"),
    ):
        refused = await door.get(path, params=query)
        assert (refused.status_code, refused.json()["reason"]) == (422, reason)
    assert (await door.get(path, params={"state": "failed"})).json()["data"] == []
    foreign = keyed((await admin_of("zaplify"))["secret"])
    assert (await door.get(path, headers=foreign)).json()["reason"] == "unknown_endpoint"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"url": "http://product.example/hooks"}, "invalid_url"),
        ({"url": "ftp://x"}, "invalid_url"),
        ({"types": ["no.such"]}, "invalid_types"),
        ({"types": []}, "invalid_types"),
        ({"owner_email": "nobody"}, "invalid_email"),
        ({"catalog": "nothing"}, "unknown_catalog"),
        ({"more": 1}, "unknown_field"),
    ],
)
async def test_an_endpoint_that_cannot_be_meant_is_refused_by_name(door, changed, reason):
    answer = await door.post("/webhook_endpoints", json=HOOK | changed, headers=keyed())
    assert answer.json()["reason"] == reason


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"limit": "0"}, "invalid_parameter"),
        ({"limit": "101"}, "invalid_parameter"),
        ({"limit": "x"}, "invalid_parameter"),
        ({"types": "no.such"}, "invalid_parameter"),
        ({"starting_after": "ev_1_1"}, "invalid_cursor"),
        ({"starting_after": "?"}, "invalid_cursor"),
        ({"more": "1"}, "unknown_parameter"),
    ],
)
async def test_a_question_for_events_that_cannot_be_meant_is_refused(door, query, reason):
    answer = await door.get("/events", params=query)
    assert (answer.status_code, answer.json()["reason"]) == (422, reason)


async def test_what_is_sent_again_must_exist(door):
    made = (await door.post("/webhook_endpoints", json=HOOK, headers=keyed())).json()
    body = {"endpoint_id": made["endpoint_id"]}
    answer = await door.post("/events/evt_1_999999/redeliver", json=body, headers=keyed())
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_webhook_event")

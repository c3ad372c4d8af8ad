"""Who may use the door: live keys, within their scopes and their seller's customers."""

from datetime import UTC, datetime

import pytest

from api.keyring import KeyRing
from ledger import api_keys
from models.base import connect


@pytest.fixture
def key_of(engine):
    """A function that makes a key; returns its id and what its holder sends."""

    def make(*scopes, catalog=None):
        with engine.begin() as connection:
            at = datetime.now(UTC)
            return api_keys.create(connection, "test", scopes, catalog, by="ann", at=at)

    return make


def bearing(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer dd_000000000000_" + "x" * 43]
)
async def test_without_a_live_key_nothing_is_answered(door, customer, event, header):
    answer = await door.post("/usage", json=event(customer()), headers={"Authorization": header})
    assert (answer.status_code, answer.json()["reason"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_what_is_no_key_of_ours_reaches_no_database():
    nowhere = KeyRing(connect("postgresql://nobody@127.0.0.1:9/nothing"))
    for junk in ("", "x", "dd_short_x", "dd_000000000000_" + "x" * 44, "\udcff" * 59):
        assert await nowhere.find(junk) is None


async def test_a_key_is_good_for_its_scopes_alone(door, customer, event, key_of):
    answer = await door.post(
        "/usage", json=event(customer()), headers=bearing(key_of("read", "customer").secret)
    )
    assert (answer.status_code, answer.json()["reason"]) == (403, "scope_missing")
    used = await door.post(
        "/usage", json=event(customer()), headers=bearing(key_of("usage").secret)
    )
    assert used.status_code == 200


async def test_another_sellers_customer_is_unknown(door, customer, event, key_of):
    wallet = customer()
    own, other = key_of("usage", catalog="make"), key_of("usage", catalog="zaplify")
    sent = event(wallet)
    refused = await door.post("/usage", json=sent, headers=bearing(other.secret))
    none = await door.post(
        "/usage", json={**sent, "customer_id": "nobody"}, headers=bearing(other.secret)
    )
    assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_customer")
    assert set(refused.json()) == set(none.json())
    for path in ("/check", "/holds"):
        body = sent | ({"lapses_at": "2027-01-02T00:00:00Z"} if path == "/holds" else {})
        answer = await door.post(path, json=body, headers=bearing(other.secret))
        assert answer.json()["reason"] == "unknown_customer"
    assert (await door.post("/usage", json=sent, headers=bearing(own.secret))).status_code == 200


async def test_an_unknown_path_and_a_wrong_method_are_problems(door):
    for method, path, status, reason in (
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/usage", 405, "method_not_allowed"),
        ("POST", "/usage/", 404, "not_found"),
    ):
        answer = await door.request(method, path)
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
        assert answer.headers["content-type"] == "application/problem+json"

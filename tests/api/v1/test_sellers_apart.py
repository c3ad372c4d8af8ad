"""A customer who moves to another seller's price list: each seller's key reaches only its own."""

import pytest

from tests.api.v1.conftest import put_on
from tests.api.v1.test_keys import bearing, key_of  # noqa: F401 - a fixture by its name
from tests.builders import shipped_plan

WHO = {"lapses_at": "2027-01-02T00:00:00Z"}


@pytest.fixture
def moved(engine):
    """A function that puts a wallet on a plan of another seller."""

    def move(wallet):
        with engine.begin() as connection:
            put_on(connection, wallet, shipped_plan("schematic", "growth"))

    return move


@pytest.fixture
def sellers(key_of):  # noqa: F811
    return [bearing(key_of("usage", catalog=one).secret) for one in ("make", "schematic")]


async def test_who_knew_the_customer_before_no_longer_debits(door, customer, event, moved, sellers):
    wallet, (old, new) = customer(), sellers
    assert (await door.post("/usage", json=event(wallet), headers=old)).status_code == 200
    moved(wallet)
    for sent in (event(wallet), {"events": [event(wallet)]}):
        answer = (await door.post("/usage", json=sent, headers=old)).json()
        assert answer.get("outcomes", [answer])[0]["reason"] == "unknown_customer"
    usable = event(wallet, action="build_minute")
    assert (await door.post("/usage", json=usable, headers=new)).json()["available"] == "9998"


async def test_the_new_seller_is_not_told_what_was_known_of_the_old_one(
    door, customer, event, moved, sellers
):
    wallet, (old, new) = customer(), sellers
    await door.post("/usage", json=event(wallet), headers=old)
    moved(wallet)
    answer = await door.post("/usage", json=event(wallet, action="build_minute"), headers=new)
    assert (answer.status_code, answer.json().get("available")) == (200, "9998")


async def test_who_held_before_no_longer_captures_extends_or_releases(
    door, customer, event, moved, sellers
):
    wallet, (old, new) = customer(), sellers
    job = event(wallet, "5") | WHO
    assert (await door.post("/holds", json=job, headers=old)).status_code == 200
    moved(wallet)
    who = {"customer_id": wallet.customer_id}
    for act, more in (
        ("capture", {"quantity": "5"}),
        ("extend", {"lapses_at": "2027-01-03T00:00:00Z"}),
        ("release", {}),
    ):
        path = f"/holds/{job['key']}/{act}"
        refused = await door.post(path, json=who | more, headers=old)
        assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_customer")
    released = await door.post(f"/holds/{job['key']}/release", json=who, headers=new)
    assert released.json()["status"] == "released"

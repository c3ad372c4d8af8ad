"""`X-Request-Id` from the door to the journal and back."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from ledger import balances
from ledger.reads import requests

NAMED = text("SELECT count(*) FROM named_requests WHERE account_id = :account")


async def test_a_named_request_is_found_beside_its_lines(engine, door, customer, event):
    wallet, other = customer(), customer()
    mine, theirs = f"shop-{uuid4()}", f"job-{uuid4()}"
    sent = [event(wallet), event(wallet), event(other)]

    answer = await door.post("/usage", json={"events": sent}, headers={"X-Request-Id": mine})
    assert answer.headers["x-request-id"] == mine
    alone = event(wallet)
    assert (await door.post("/usage", json=alone, headers={"X-Request-Id": theirs})).is_success
    again = await door.post("/usage", json=alone, headers={"X-Request-Id": mine})
    assert again.json()["status"] == "repeated"

    with engine.connect() as connection:
        did = requests.did(connection, mine)
        assert sorted((one.customer_id, one.key) for one in did.lines) == sorted(
            (one["customer_id"], one["key"]) for one in sent
        )
        (line,) = requests.did(connection, theirs).lines
        assert (line.key, line.change_micro) == (alone["key"], -1_000_000)
        told = [one.request_id for one in balances.history(connection, wallet.account_id)]
        assert told == [None, mine, mine, theirs]


async def test_holds_and_their_ends_are_found_too(engine, door, customer, event):
    wallet = customer()
    held, done = f"hold-{uuid4()}", f"capture-{uuid4()}"
    hold = event(wallet, "10", lapses_at="2027-01-02T00:00:00Z")
    headers = {"X-Request-Id": held}
    assert (await door.post("/holds", json=hold, headers=headers)).is_success
    end = {"customer_id": wallet.customer_id, "quantity": "4"}
    path = f"/holds/{hold['key']}/capture"
    assert (await door.post(path, json=end, headers={"X-Request-Id": done})).is_success

    with engine.connect() as connection:
        kinds = [
            [one.kind for one in requests.did(connection, name).lines] for name in (held, done)
        ]
    assert kinds[0] == ["hold"]
    assert "capture" in kinds[1]


@pytest.mark.parametrize("sent", [None, "with space", "x" * 65, 'quote"'])
async def test_usage_without_an_id_of_its_own_is_noted_nowhere(engine, door, customer, event, sent):
    wallet = customer()
    headers = {"X-Request-Id": sent} if sent else {}
    assert (await door.post("/usage", json=event(wallet), headers=headers)).is_success
    with engine.connect() as connection:
        assert connection.scalar(NAMED, {"account": wallet.account_id}) == 0

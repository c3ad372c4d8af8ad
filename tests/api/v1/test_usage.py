"""Usage and checks through the door: one event, many, repeated, refused, unreadable."""

import json

import pytest


async def test_one_event_is_debited_and_answered(door, customer, event):
    wallet = customer()
    sent = event(wallet, "2.5")
    answer = await door.post("/usage", json=sent)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "customer_id": wallet.customer_id,
        "key": sent["key"],
        "status": "debited",
        "seq": 2,
        "available": "9997.5",
        "charged": {"credits": "2.5"},
    }


async def test_a_repeat_gets_the_first_answer_and_says_so(door, customer, event):
    wallet = customer()
    sent = event(wallet)
    first = await door.post("/usage", json=sent)
    again = await door.post("/usage", json=sent)
    assert again.json() == {**first.json(), "status": "repeated"}
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers


async def test_a_key_with_other_content_is_a_conflict(door, customer, event):
    wallet = customer()
    sent = event(wallet)
    await door.post("/usage", json=sent)
    other = await door.post("/usage", json={**sent, "quantity": "2"})
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency_conflict")
    assert other.headers["content-type"] == "application/problem+json"


async def test_what_is_not_covered_is_a_problem_that_money_cures(door, customer, event):
    wallet = customer(3)
    refused = await door.post("/usage", json=event(wallet, "5"))
    body = refused.json()
    assert (refused.status_code, body["reason"], body["missing"]) == (
        402,
        "insufficient_credits",
        "2",
    )
    assert body["cure"]
    assert body["request_id"] == refused.headers["x-request-id"]


async def test_many_events_are_decided_in_order_each_on_its_own(door, customer, event):
    one, other = customer(3), customer(10)
    sent = [
        event(one, "2"),
        event(other, "4"),
        event(one, "2"),
        {"key": "?"},
        event(one, "1"),
        event(other, "1", action="dance"),
    ]
    answer = await door.post("/usage", json={"events": sent})
    assert answer.status_code == 200, answer.text
    outcomes = answer.json()["outcomes"]
    assert [one_["status"] for one_ in outcomes] == [
        "debited",
        "debited",
        "refused",
        "refused",
        "debited",
        "refused",
    ]
    assert [one_.get("reason") for one_ in outcomes[2:4]] == [
        "insufficient_credits",
        "missing_field",
    ]
    assert outcomes[5]["reason"] == "unknown_action"
    assert [one_["key"] for one_ in outcomes] == [one_["key"] for one_ in sent]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"", 400, "malformed"),
        (b"[]", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"\xff\xfe", 400, "malformed"),
        (b"{}", 422, "missing_field"),
        (b'{"events": []}', 400, "malformed"),
        (b'{"events": 3}', 400, "malformed"),
        (b'{"events": [{}], "more": 1}', 422, "unknown_field"),
        (b'{"quantity": NaN}', 400, "malformed"),
        (b"[" * 100_000, 400, "malformed"),
        (b'{"a":' * 100_000, 400, "malformed"),
        (json.dumps({"events": [{}] * 1001}).encode(), 413, "too_many_events"),
        (b" " * 1_000_001, 413, "payload_too_large"),
    ],
)
async def test_what_cannot_be_read_is_refused_by_name(door, body, status, reason):
    answer = await door.post("/usage", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"quantity": "0"}, 422, "invalid_quantity"),
        ({"quantity": "1e3"}, 422, "invalid_quantity"),
        ({"quantity": 10**30}, 422, "invalid_quantity"),
        ({"quantity": True}, 422, "invalid_quantity"),
        ({"quantity": 0.1 + 0.2}, 422, "invalid_quantity"),
        ({"key": "ledger:x"}, 422, "invalid_key"),
        ({"key": "\x00"}, 422, "invalid_key"),
        ({"event_at": "yesterday"}, 422, "invalid_time"),
        ({"event_at": "2027-01-01T01:00:00Z"}, 422, "event_in_future"),
        ({"customer_id": "nobody"}, 404, "unknown_customer"),
        ({"customer_id": "a b"}, 422, "invalid_id"),
        ({"action": "dance"}, 422, "unknown_action"),
        ({"tags": {"a": 1}}, 422, "invalid_tags"),
        ({"more": 1}, 422, "unknown_field"),
    ],
)
async def test_what_is_read_and_cannot_be_meant_moves_nothing(
    door, customer, event, changed, status, reason
):
    wallet = customer()
    answer = await door.post("/usage", json={**event(wallet), **changed})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    left = await door.post(
        "/check", json={"customer_id": wallet.customer_id, "action": "operation", "quantity": "1"}
    )
    assert left.json()["available"] == "9999"


async def test_a_hold_with_half_a_character_is_refused_by_name(door, customer, event):
    body = json.dumps({**event(customer(), key="\ud800"), "lapses_at": "2027-02-01T00:00:00Z"})
    json_body = {"Content-Type": "application/json"}
    answer = await door.post("/holds", content=body, headers=json_body)
    assert (answer.status_code, answer.json()["reason"]) == (422, "invalid_key")


async def test_a_check_says_what_it_would_come_to_and_moves_nothing(door, customer):
    wallet = customer(3)
    asked = {"customer_id": wallet.customer_id, "action": "operation", "quantity": "2"}
    for _ in range(2):
        answer = await door.post("/check", json=asked)
        assert answer.json() == {
            "customer_id": wallet.customer_id,
            "allowed": True,
            "status": "debited",
            "seq": None,
            "available": "1",
            "charged": {"credits": "2"},
        }
    refused = (await door.post("/check", json={**asked, "quantity": "5"})).json()
    assert (refused["allowed"], refused["reason"], refused["missing"]) == (
        False,
        "insufficient_credits",
        "2",
    )


async def test_a_check_may_do_it_as_well(door, customer, event):
    wallet = customer()
    used = await door.post("/check", json={**event(wallet, "2"), "use": True})
    assert (used.json()["status"], used.json()["available"]) == ("debited", "9998")
    held = await door.post("/check", json={**event(wallet, "5"), "hold_seconds": 60})
    assert (held.json()["status"], held.json()["held"]) == ("held", {"credits": "5"})


async def test_a_hold_is_captured_extended_and_released(door, customer, event):
    wallet = customer()
    job = event(wallet, "100", lapses_at="2027-01-02T00:00:00Z")
    held = await door.post("/holds", json=job)
    assert (held.status_code, held.json()["available"]) == (200, "9900")
    who = {"customer_id": wallet.customer_id}
    path = f"/holds/{job['key']}"
    longer = await door.post(f"{path}/extend", json={**who, "lapses_at": "2027-01-03T00:00:00Z"})
    assert longer.json()["status"] == "extended"
    captured = await door.post(f"{path}/capture", json={**who, "quantity": "70"})
    assert captured.json()["taken"] == {"credits": "70"}
    again = await door.post(f"{path}/capture", json={**who, "quantity": "70"})
    assert (again.json()["status"], again.headers["idempotent-replayed"]) == ("repeated", "true")
    late = await door.post(f"{path}/release", json=who)
    assert (late.status_code, late.json()["reason"]) == (409, "hold_captured")
    none = await door.post("/holds/never/release", json=who)
    assert (none.status_code, none.json()["reason"]) == (404, "unknown_hold")

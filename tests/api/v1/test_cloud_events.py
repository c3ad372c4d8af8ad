"""Usage as CloudEvents: structured, in batches, in headers; the same keys as everywhere."""

import json

import pytest

ONE = {"Content-Type": "application/cloudevents+json; charset=UTF-8"}
BATCH = {"Content-Type": "application/cloudevents-batch+json; charset=UTF-8"}


def as_cloud_event(event, **attributes):
    return {
        "specversion": "1.0",
        "source": "/meter",
        "id": event["key"],
        "type": event["action"],
        "subject": event["customer_id"],
        "time": event["event_at"],
        "data": {"quantity": event["quantity"]},
        **attributes,
    }


async def post(door, sent, headers):
    return await door.post("/usage", content=json.dumps(sent), headers=headers)


async def test_a_cloud_event_is_the_same_event_as_ours(door, customer, event):
    wallet = customer()
    ours = event(wallet, "2.5", tags={"campaign": "x"})
    sent = as_cloud_event(ours, data={"quantity": "2.5", "tags": {"campaign": "x"}})
    first = await post(door, sent, ONE)
    assert (first.status_code, first.json()["status"]) == (200, "debited")
    again = await door.post("/usage", json=ours)
    assert again.json() == {**first.json(), "status": "repeated"}


async def test_attributes_may_be_headers_percent_encoded(door, customer, event):
    ours = event(customer(), key="caf\u00e9")
    whole = as_cloud_event(ours)
    data = whole.pop("data")
    headers = {f"ce-{name}": value for name, value in whole.items()}
    headers["ce-id"] = "caf%C3%A9"
    first = await door.post("/usage", json=data, headers=headers)
    assert (first.status_code, first.json()["key"]) == (200, "caf\u00e9"), first.text
    assert (await door.post("/usage", json=ours)).json()["status"] == "repeated"


async def test_a_batch_is_decided_in_order_each_on_its_own(door, customer, event):
    wallet = customer(3)
    one, other, nameless, keyless = (event(wallet, "2") for _ in range(4))
    nameless_sent, keyless_sent = as_cloud_event(nameless), as_cloud_event(keyless)
    del nameless_sent["subject"], keyless_sent["id"]
    sent = [as_cloud_event(one), as_cloud_event(other), nameless_sent, keyless_sent, 3]
    outcomes = (await post(door, sent, BATCH)).json()["outcomes"]
    assert [outcome["status"] for outcome in outcomes] == ["debited", *["refused"] * 4]
    assert [outcome.get("reason") for outcome in outcomes[1:]] == [
        "insufficient_credits",
        "missing_field",
        "missing_field",
        "malformed",
    ]
    assert [outcome["key"] for outcome in outcomes[:4]] == [
        one["key"],
        other["key"],
        nameless["key"],
        None,
    ]
    assert outcomes[3]["customer_id"] == wallet.customer_id


async def test_an_empty_batch_has_no_outcomes(door):
    assert (await post(door, [], BATCH)).json() == {"outcomes": []}


@pytest.mark.parametrize("name", ["id", "subject", "type", "time", "data", "source", "specversion"])
async def test_a_missing_attribute_is_named(door, customer, event, name):
    sent = as_cloud_event(event(customer()))
    del sent[name]
    answer = await post(door, sent, ONE)
    assert (answer.status_code, answer.json()["reason"]) == (422, "missing_field")
    assert f"`{name}`" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"specversion": "0.3"}, 400, "malformed"),
        ({"data": "3"}, 400, "malformed"),
        ({"data": {}}, 422, "missing_field"),
        ({"data": {"quantity": "1", "more": 1}}, 422, "unknown_field"),
        ({"data": {"quantity": "0"}}, 422, "invalid_quantity"),
        ({"data_base64": "MQ=="}, 422, "unknown_field"),
        ({"id": 5}, 422, "invalid_key"),
        ({"subject": "a b"}, 422, "invalid_id"),
        ({"type": 5}, 422, "unknown_action"),
        ({"time": "noon"}, 422, "invalid_time"),
        ({"traceparent": "00-1-2-00"}, 200, None),
        ({"datacontenttype": "application/json"}, 200, None),
    ],
)
async def test_attributes_are_read_as_their_fields_are(
    door, customer, event, changed, status, reason
):
    answer = await post(door, as_cloud_event(event(customer()), **changed), ONE)
    assert (answer.status_code, answer.json().get("reason")) == (status, reason), answer.text


@pytest.mark.parametrize(("body", "headers"), [(b"{}", BATCH), (b"[]", ONE), (b"\xff", BATCH)])
async def test_a_batch_is_a_list_and_an_event_an_object(door, body, headers):
    answer = await door.post("/usage", content=body, headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (400, "malformed")


async def test_a_batch_has_at_most_a_thousand(door):
    answer = await post(door, [{}] * 1001, BATCH)
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_many_events")


async def test_cloud_events_are_taken_as_usage_alone(door, customer, event):
    answer = await door.post(
        "/holds", content=json.dumps(as_cloud_event(event(customer()))), headers=ONE
    )
    assert (answer.status_code, answer.json()["reason"]) == (415, "unsupported_media_type")

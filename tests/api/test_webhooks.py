"""The door of the processor: only proved messages come in, and each of them once."""

import asyncio
import json
from uuid import uuid4

import pytest
from temporalio.service import RPCError, RPCStatusCode

from tests.api.arrangements import NOWHERE, api, deliver, signature, snapshot
from tests.fleet import result_of
from tests.screenless import screenless
from workflows import names

EVENT = snapshot("invoice.paid", "in_1", "evt_fixed")
HOOK = "/webhooks/stripe"


async def run_of(client, event_id):
    """Return the newest run of an event's workflow; None when it has none."""
    try:
        name = names.stripe_event_workflow(event_id)
        return (await client.get_workflow_handle(name).describe()).run_id
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def result(client, event_id):
    handle = client.get_workflow_handle(names.stripe_event_workflow(event_id))
    return await result_of(handle)


@pytest.mark.parametrize(
    ("payload", "headers"),
    [
        pytest.param(EVENT, {}, id="no header"),
        pytest.param(EVENT, {"Stripe-Signature": "nonsense"}, id="no signature"),
        pytest.param(EVENT, {"Stripe-Signature": b"t=1,v1=\xe9"}, id="not ASCII"),
        pytest.param(
            EVENT, {"Stripe-Signature": signature(EVENT, secret="whsec_other")}, id="other secret"
        ),
        pytest.param(EVENT, {"Stripe-Signature": signature(EVENT, age=301)}, id="too old"),
        pytest.param(EVENT + b" ", {"Stripe-Signature": signature(EVENT)}, id="tampered"),
        pytest.param(b"\xff\xfe", {"Stripe-Signature": signature(b"\xff\xfe")}, id="not UTF-8"),
    ],
)
async def test_a_message_that_is_not_proved_is_refused(http, temporal, payload, headers):
    answer = await http.post(HOOK, content=payload, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "bad_signature"
    assert answer.json()["cure"]
    assert await run_of(temporal, "evt_fixed") is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[" + EVENT + b"]",
        b"null",
        b'{"object": "v2.core.event", "id": "evt_thin", "type": "v1.invoice.paid"}',
        snapshot("invoice.paid", "in_1", "evt/../1"),
        snapshot("invoice.paid", "in_\0", "evt_nul"),
        snapshot("invoice.paid", "in_1", "e" * 1_001),
        snapshot("invoice.paid", "in_1", "evt_\ud800"),
    ],
)
async def test_a_proved_message_that_is_no_event_is_refused(http, payload):
    answer = await deliver(http, payload)
    assert answer.status_code == 400
    assert answer.json()["reason"] == "malformed_event"
    assert answer.json()["cure"]


async def test_an_event_that_changes_nothing_here_is_taken_and_forgotten(http, temporal):
    event = f"evt_{uuid4().hex}"
    answer = await deliver(http, snapshot("invoice.created", "in_1", event))
    assert (answer.status_code, answer.json()["status"]) == (200, "ignored")
    assert await run_of(temporal, event) is None


@pytest.mark.usefixtures("served")
async def test_an_event_about_an_unknown_object_ends_by_name(http, temporal):
    event = f"evt_{uuid4().hex}"
    answer = await deliver(http, snapshot("payment_method.attached", "pm_unknown", event))
    assert (answer.status_code, answer.json()["status"]) == (200, "accepted")
    assert (await result(temporal, event))["outcome"] == "unknown_object"


@pytest.mark.usefixtures("served")
async def test_an_event_delivered_many_times_has_one_workflow(http, temporal):
    event = f"evt_{uuid4().hex}"
    payload = snapshot("invoice.paid", "in_unknown", event)
    await deliver(http, payload)
    first = await run_of(temporal, event)
    together = await asyncio.gather(*(deliver(http, payload) for _ in range(8)))
    assert {answer.status_code for answer in together} == {200}
    await result(temporal, event)
    later = await deliver(http, payload)
    assert (later.status_code, later.json()["status"]) == (200, "repeated")
    assert await run_of(temporal, event) == first


async def test_a_body_is_refused_once_it_is_too_large(http):
    async def endless():
        for _ in range(200):
            yield b" " * 10_000

    for content in (b" " * 1_000_001, endless()):
        answer = await http.post(HOOK, content=content)
        assert (answer.status_code, answer.json()["reason"]) == (413, "payload_too_large")


async def test_a_body_of_just_the_largest_size_is_read(http):
    event = json.loads(snapshot("invoice.created", "in_1"))
    event["padding"] = ""
    event["padding"] = "x" * (1_000_000 - len(json.dumps(event)))
    assert (await deliver(http, json.dumps(event).encode())).status_code == 200


async def test_while_temporal_is_away_the_sender_is_told_to_come_again(variables, servers_folder):
    with api(variables | {"TEMPORAL_ADDRESS": NOWHERE}, servers_folder) as url:
        async with screenless(base_url=url) as http:
            answer = await deliver(http, EVENT)
            refused = await http.post(HOOK, content=EVENT)
    assert (answer.status_code, answer.json()["reason"]) == (503, "temporal_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert refused.status_code == 400  # whoever is not proved learns nothing about us


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", HOOK, 405, "method_not_allowed"),
        ("GET", "/nowhere", 404, "not_found"),
    ],
)
async def test_a_wrong_address_is_refused_like_everything_else(http, method, path, status, reason):
    answer = await http.request(method, path)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.json()["message"]
    assert answer.json()["cure"]

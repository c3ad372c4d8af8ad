"""Messages are believed by their signature alone, and only as hints."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from stripe import WebhookSignature

from domain.errors import InvalidInput
from domain.payments.charges import ProcessorEvent
from gateways.webhooks.received import verify_event

SECRET = "whsec_one"
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "invoice.paid",
    "data": {"object": {"id": "in_1", "object": "invoice"}},
}


def body(content=EVENT):
    return json.dumps(content).encode()


def signed(payload, secret=SECRET, at=NOW):
    text = payload.decode("utf-8", "surrogateescape")
    return WebhookSignature.generate_signature_header(text, secret, int(at.timestamp()))


def reason_of(payload, signature, now=NOW):
    with pytest.raises(InvalidInput) as refusal:
        verify_event(payload, signature, SECRET, now)
    return refusal.value.reason


def test_a_signed_message_names_its_event_and_object():
    event = verify_event(body(), signed(body()), SECRET, NOW)
    assert event == ProcessorEvent("evt_1", "invoice.paid", "in_1")


def test_either_secret_is_good_while_one_replaces_the_other():
    new, old = signed(body(), "whsec_two"), signed(body())
    both = f"{new},{old.split(',')[1]}"
    assert verify_event(body(), both, SECRET, NOW).event_id == "evt_1"


@pytest.mark.parametrize("age", [timedelta(0), timedelta(seconds=300), timedelta(days=-1)])
def test_a_message_is_good_for_five_minutes_and_a_fast_clock_does_no_harm(age):
    assert verify_event(body(), signed(body(), at=NOW - age), SECRET, NOW).event_id == "evt_1"


def test_without_a_given_time_the_machines_clock_counts():
    now = datetime.now(UTC)
    assert verify_event(body(), signed(body(), at=now), SECRET).event_id == "evt_1"
    with pytest.raises(InvalidInput):
        verify_event(body(), signed(body(), at=now - timedelta(seconds=310)), SECRET)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "nonsense",
        "t=1",
        "v1=abc",
        "t=,v1=",
        signed(body(), "whsec_wrong"),
        signed(body(), at=NOW - timedelta(seconds=301)),
        signed(body()).replace("v1=", "v0="),
        signed(body()).replace("t=", "t=1"),
    ],
)
def test_a_message_without_a_fresh_valid_signature_is_refused(signature):
    assert reason_of(body(), signature) == "bad_signature"


def test_a_changed_body_is_refused():
    assert reason_of(body() + b" ", signed(body())) == "bad_signature"


def test_a_body_that_is_not_text_is_refused():
    assert reason_of(b"\xff\xfe", "t=1,v1=00") == "bad_signature"


@pytest.mark.parametrize(
    "content",
    [
        {"id": "evt_1", "object": "v2.core.event", "type": "v1.x", "related_object": {}},
        [EVENT],
        "event",
        None,
        17,
        {},
        EVENT | {"object": "invoice"},
        EVENT | {"data": {}},
        EVENT | {"data": {"object": None}},
        EVENT | {"data": {"object": {"id": 7}}},
        EVENT | {"id": ""},
        EVENT | {"id": 7},
        EVENT | {"type": None},
    ],
)
def test_a_signed_message_that_is_no_snapshot_event_is_malformed(content):
    assert reason_of(body(content), signed(body(content))) == "malformed_event"


@pytest.mark.parametrize("payload", [b"", b"{", b"[" * 100_000])
def test_a_signed_body_that_is_not_json_is_malformed(payload):
    assert reason_of(payload, signed(payload)) == "malformed_event"


def test_an_object_without_a_name_is_no_fault():
    content = EVENT | {"type": "invoice.upcoming", "data": {"object": {"object": "invoice"}}}
    assert verify_event(body(content), signed(body(content)), SECRET, NOW).object_id == ""

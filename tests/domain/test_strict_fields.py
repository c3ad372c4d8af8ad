"""Keys are given once, and an address is one that mail reaches."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.terminal import json_object
from domain.errors import InvalidInput
from domain.messages import fields, start
from gateways.webhooks import received

TWICE = (
    '{"plan": "pro_monthly", "plan": "core_10k"}',
    '{"a": {"b": 1, "b": 1}}',
    '{"a": [{"b": [{"c": 1, "d": 2, "c": 3}]}]}',
    r'{"plan": 1, "pl\u0061n": 2}',
)
UNMAILED = (
    "x;y@example.com",
    "ü@ä.example",
    "a b@example.com",
    "a@b@example.com",
    "a@example.com\n",
    "a\x00@example.com",
    "@example.com",
    "a@",
    "a@.example.com",
    "a@example..com",
    "a@-example.com",
    ".a@example.com",
    "a.@example.com",
    "a..b@example.com",
    "<a@example.com>",
    "a@example.com,b@example.com",
    "a@[127.0.0.1]",
    "a" * 65 + "@example.com",
    "a@" + "b" * 64 + ".com",
    "a@" + ".".join(["b" * 60] * 5),
)
MAILED = ("ada@example.com", "o'hara+x_1@mail.example.co.uk", "a@b", "a.b@x-y.example")


@pytest.mark.parametrize("payload", TWICE)
def test_a_key_given_twice_is_refused_wherever_json_comes_in(payload):
    for read in (fields.parse_object, fields.shallow_object, json_object):
        with pytest.raises(InvalidInput) as refused:
            read(payload if read is json_object else payload.encode())
        assert refused.value.reason == "malformed"
        assert "twice" in str(refused.value)


def test_a_key_given_twice_is_refused_from_the_processor_too():
    event = '{"object": "event", "id": "evt_1", "id": "evt_2", "type": "t", "data": {"object": {}}}'
    with pytest.raises(InvalidInput):
        received._event(event.encode())


@given(st.recursive(st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_keys_that_differ_are_read(value):
    assert fields.shallow_object(json.dumps({"v": value}).encode()) == {"v": value}


@pytest.mark.parametrize("address", UNMAILED)
def test_an_address_that_mail_does_not_reach_is_refused_at_the_start(address):
    begin = {"subscription_id": "s", "customer_id": "c", "name": "Ada", "email": address}
    begin |= {"catalog": "make", "plan_id": "core_10k"}
    with pytest.raises(InvalidInput) as refused:
        start.parse_start(json.dumps({"start": begin}).encode())
    assert refused.value.reason == "invalid_email"


@pytest.mark.parametrize("address", MAILED)
def test_an_address_that_mail_reaches_is_taken(address):
    assert fields.email({"email": address}) == address

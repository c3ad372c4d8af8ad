"""The fast way to read a body never comes to another event than the careful one."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import example, given
from hypothesis import strategies as st

from api.v1.endpoints.usage import customers_event
from api.v1.hot import reading
from domain.errors import InvalidInput
from domain.messages import fields
from ledger.usage.checks import UNNAMED

USUAL = {
    "customer_id": "acme",
    "key": "call-1",
    "action": "operation",
    "quantity": "2.5",
    "event_at": "2027-01-01T00:00:00.5+02:00",
}
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(
        ["ledger:x", "", '"', "a:b", "\x00", "é", "\U0001f389", "1e3", "0", "1.0000001"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)
members = st.dictionaries(
    st.sampled_from([*USUAL, "tags", "confirmed", "more"]), odd, max_size=3
).map(lambda changed: USUAL | changed)
bodies = st.one_of(
    members.map(json.dumps),
    members.map(lambda one: json.dumps(one, ensure_ascii=False)),
    st.tuples(members, st.sampled_from(list(USUAL)), odd).map(
        lambda parts: json.dumps(parts[0])[:-1] + f', "{parts[1]}": {json.dumps(parts[2])}}}'
    ),
    members.map(lambda one: json.dumps(one, indent=1, separators=(" , ", " : "))),
)


def carefully(body):
    try:
        return customers_event(fields.parse_object(body))
    except InvalidInput:
        return None


@given(bodies)
@example(json.dumps(USUAL))
@example(json.dumps(USUAL | {"tags": {"a": "b"}, "confirmed": False}))
@example(json.dumps(USUAL)[:-1] + ', "key": "twice"}')
@example(json.dumps(USUAL | {"tags": {"a": "b"}})[:-2] + ', "a": "c"}}')
def test_of_one_event(text):
    body = text.encode("utf-8", "surrogatepass")
    fast = reading.one_event(body)
    assert fast is None or fast == carefully(body)


def test_usual_bodies_are_read_fast():
    for more in ({}, {"tags": {"member": "ada"}}, {"confirmed": True}):
        body = json.dumps(USUAL | more).encode()
        assert reading.one_event(body) == carefully(body)
        assert reading.one_event(body) is not None
        many = json.dumps({"events": [USUAL | more] * 3}).encode()
        assert reading.many_events(many) == [carefully(body)] * 3


@given(st.lists(members, max_size=3))
def test_of_many_events(found):
    body = json.dumps({"events": found}).encode()
    fast = reading.many_events(body)
    each = [carefully(json.dumps(one).encode()) for one in found]
    assert fast is None or list(fast) == each


def test_an_event_with_a_name_twice_is_read_with_care():
    twice = (json.dumps(USUAL)[:-1] + ', "key": "call-1"}').encode()
    assert reading.one_event(twice) is None
    assert reading.many_events(b'{"events": [' + twice + b"]}") is None
    assert reading.many_events(b'{"events": [], "events": []}') is None


questions = st.dictionaries(
    st.sampled_from([*USUAL, "tags", "confirmed", "use", "hold_seconds"]), odd, max_size=3
).flatmap(
    lambda changed: st.sets(st.sampled_from(["key", "event_at"])).map(
        lambda gone: {k: v for k, v in (USUAL | changed).items() if k not in gone}
    )
)


@given(questions)
@example({name: USUAL[name] for name in ("customer_id", "action", "quantity")})
def test_of_a_question(asked):
    now = datetime(2027, 1, 1, tzinfo=UTC)
    fast = reading.question(
        json.dumps(asked, ensure_ascii=False).encode("utf-8", "surrogatepass"), now
    )
    if fast is None:
        return
    # A key is made up where there is none, for nobody can have used it.
    careful = carefully(json.dumps({"key": "any", "event_at": now.isoformat()} | asked))
    key = asked.get("key", UNNAMED)
    assert fast == replace(careful, event=replace(careful.event, key=key))


def test_usual_questions_are_read_fast():
    now = datetime(2027, 1, 1, tzinfo=UTC)
    for gone in ((), ("key",), ("event_at",), ("key", "event_at")):
        body = {name: one for name, one in USUAL.items() if name not in gone}
        assert reading.question(json.dumps(body).encode(), now) is not None
        twice = json.dumps(body)[:-1] + ', "action": "operation"}'
        assert reading.question(twice.encode(), now) is None

"""Messages are read exactly, or refused with a reason that has a cure; nothing else is raised."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.messages import invoices, operators, plans, purchases, start, usage
from domain.messages.fields import MAX_TEXT
from domain.reasons import CURES
from domain.subscription import Start

EVENT = {
    "key": "k",
    "action": "operation",
    "quantity": "1",
    "event_at": "2027-01-31T11:00:00+01:00",
}
START = {
    "subscription_id": "s",
    "customer_id": "c",
    "name": "Ada",
    "email": "ada@example.com",
    "catalog": "make",
    "plan_id": "core_10k",
}
ADJUSTMENT = {"key": "k", "credits": "1", "reason": "r", "by": "b"}
PARSERS = (
    start.parse_start,
    usage.parse_events,
    usage.parse_event,
    purchases.parse_buy_credits,
    purchases.parse_set_auto_purchase,
    plans.parse_change_plan,
    plans.parse_cancel,
    operators.parse_adjust_credits,
    operators.parse_operator_note,
    invoices.parse_use_payment_method,
)
NUL, SURROGATE = "a\x00b", "a\ud800b"

texts = st.text(st.characters(codec=None), max_size=250)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts | st.from_regex(r"-?[0-9.eE]+")
names = st.sampled_from(
    ["start", "events", *EVENT, *START, *ADJUSTMENT, "tags", "on", "plan", "preview", "when"]
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | texts, inner, max_size=8),
    max_leaves=30,
)


def reason_of(parse, data) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    with pytest.raises(InvalidInput) as caught:
        parse(raw)
    assert caught.value.reason in CURES
    str(caught.value).encode()  # a failure's message must be text that can be sent
    return caught.value.reason


def tries(data: bytes) -> None:
    """Assert that every parser reads the bytes, or refuses them with a known reason."""
    for parse in PARSERS:
        reason, message = "malformed", ""
        try:
            parse(data)
        except InvalidInput as error:
            reason, message = error.reason, str(error)
        assert reason in CURES
        message.encode()


@given(values)
def test_any_json_is_read_or_refused_with_a_cure(value):
    tries(json.dumps(value).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_with_a_cure(data):
    tries(data)


@given(st.sampled_from(sorted(EVENT)), values)
def test_an_event_with_one_field_replaced_is_read_or_refused_alone(field, value):
    data = json.dumps({"events": [EVENT, EVENT | {field: value}]}).encode()

    usable, refused = usage.parse_events(data)

    assert len(usable) + len(refused) == 2
    for part in refused:
        assert part.reason in CURES
        assert len(part.request) <= 500
        part.request.encode()
        (part.key or "").encode()


@given(st.sampled_from([*sorted(START), "locale", "time_zone", "payment_method"]), values)
def test_a_start_with_one_field_replaced_is_read_or_refused(field, value):
    tries(json.dumps({"start": START | {field: value}}).encode())


def test_an_event_is_read_exactly():
    (event,), _ = usage.parse_events(
        json.dumps({"events": [EVENT | {"quantity": "0.1", "tags": {"b": "2", "a": "1"}}]}).encode()
    )

    assert event.quantity_micro == 100_000
    assert event.event_at == datetime(2027, 1, 31, 10, tzinfo=UTC)
    assert event.tags == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize("written", ["0.3", '"0.3"', "3e-1", "0.30"])
def test_a_json_number_is_read_as_it_is_written(written):
    data = json.dumps(EVENT).replace('"quantity": "1"', f'"quantity": {written}').encode()

    assert usage.parse_event(data).quantity_micro == 300_000


@pytest.mark.parametrize(
    "written",
    [
        *('"0"', '"-1"', "0", "-1", '"NaN"', '"Infinity"', "1e30", '"1e3"', '"0.0000001"'),
        *("0.30000000000000004", "true", "null", "[]", "{}", '""', '" 1"', '"1_000"', '"1,5"'),
        *(str(10**30), f'"{10**30}"', "1000000000001", "1e999999999999999999999", '"٣"'),
    ],
)
def test_a_quantity_that_is_no_exact_positive_number_is_refused(written):
    data = json.dumps(EVENT).replace('"quantity": "1"', f'"quantity": {written}').encode()

    assert reason_of(usage.parse_event, data) in ("invalid_quantity", "malformed")


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity"])
def test_a_number_that_json_does_not_have_is_no_json(constant):
    data = json.dumps(EVENT).encode().replace(b'"1"', constant)

    assert reason_of(usage.parse_event, data) == "malformed"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        *(("key", bad, "invalid_key") for bad in ("", None, 7, "k" * 201, NUL, SURROGATE)),
        ("key", "ledger:1", "invalid_key"),
        *(("action", bad, "unknown_action") for bad in ("", None, [], "a" * 201, NUL, SURROGATE)),
        *(("event_at", bad, "invalid_time") for bad in ("", None, 0, "2027-01-31", "soon")),
        ("event_at", "2027-01-31T10:00:00", "invalid_time"),
        ("event_at", "0001-01-01T00:00:00+14:00", "invalid_time"),
        ("event_at", SURROGATE, "invalid_time"),
        ("tags", None, "invalid_tags"),
        ("tags", ["a"], "invalid_tags"),
        ("tags", {"a": 1}, "invalid_tags"),
        ("tags", {"": "a"}, "invalid_tags"),
        ("tags", {SURROGATE: "a"}, "invalid_tags"),
        ("tags", {f"t{i}": "v" for i in range(21)}, "invalid_tags"),
        ("colour", "red", "unknown_field"),
        (SURROGATE, "red", "unknown_field"),
    ],
)
def test_a_field_that_cannot_be_used_is_named(field, value, reason):
    assert reason_of(usage.parse_event, EVENT | {field: value}) == reason


@pytest.mark.parametrize("field", sorted(EVENT))
def test_a_missing_field_is_named(field):
    rest = {name: value for name, value in EVENT.items() if name != field}

    assert reason_of(usage.parse_event, rest) == "missing_field"


@pytest.mark.parametrize("data", [b"", b"{", b"null", b"[]", b"3", b'"{}"', b"\xff", b"{}{}"])
def test_what_is_not_one_json_object_is_malformed(data):
    for parse in PARSERS:
        assert reason_of(parse, data) == "malformed"


@pytest.mark.parametrize("levels", [9, 900, 200_000])
def test_deep_nesting_is_malformed_and_not_a_broken_stack(levels):
    data = b'{"tags":' * levels + b"1" + b"}" * levels

    assert reason_of(usage.parse_event, data) == "malformed"


def test_a_deep_event_is_refused_alone():
    deep = json.loads("[" * 500 + "]" * 500)
    data = json.dumps({"events": [EVENT, EVENT | {"tags": deep}, deep]}).encode()

    usable, refused = usage.parse_events(data)

    assert len(usable) == 1
    assert {part.reason for part in refused} == {"malformed"}


def test_a_message_takes_a_thousand_events_and_not_one_more():
    events = [EVENT | {"key": str(number)} for number in range(1_001)]

    usable, _ = usage.parse_events(json.dumps({"events": events[1:]}).encode())

    assert len(usable) == 1_000
    assert reason_of(usage.parse_events, {"events": events}) == "too_many_events"
    assert reason_of(usage.parse_events, {"events": []}) == "malformed"


def test_an_unusable_event_does_not_hurt_its_neighbours():
    bad = EVENT | {"key": "bad", "quantity": "0"}

    usable, refused = usage.parse_events(json.dumps({"events": [EVENT, bad, 7]}).encode())

    assert [event.key for event in usable] == ["k"]
    assert [(part.key, part.reason) for part in refused] == [
        ("bad", "invalid_quantity"),
        (None, "malformed"),
    ]


def test_what_is_optional_in_a_start_may_be_left_out_or_null():
    least = start.parse_start(json.dumps({"start": START}).encode())
    nulls = {"locale": None, "time_zone": None, "payment_method": None, "begins_at": None}

    assert least == Start(**START)
    assert start.parse_start(json.dumps({"start": START | nulls}).encode()) == least


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        *(("subscription_id", bad, "invalid_id") for bad in ("", "a b", "ä", "a" * 65, 7, NUL)),
        *(("customer_id", bad, "invalid_id") for bad in ("", "a b", "ä", "a" * 65, 7, SURROGATE)),
        *(("email", bad, "invalid_email") for bad in ("", "ada", "a@b@c", "a@b\nCc: x@y", 7)),
        *(("name", bad, "malformed") for bad in ("", 7, "n" * (MAX_TEXT + 1), NUL)),
        ("catalog", 7, "unknown_catalog"),
        ("plan_id", [], "unknown_plan"),
        ("locale", 7, "unknown_locale"),
        ("time_zone", 7, "unknown_time_zone"),
        ("payment_method", "pm card", "unknown_payment_method"),
        ("begins_at", "tomorrow", "invalid_time"),
        ("account_id", 7, "unknown_field"),
    ],
)
def test_a_start_that_cannot_be_used_is_named(field, value, reason):
    assert reason_of(start.parse_start, {"start": START | {field: value}}) == reason


@pytest.mark.parametrize(
    ("parse", "message", "reason"),
    [
        (start.parse_start, {}, "missing_field"),
        (start.parse_start, {"start": None}, "malformed"),
        (start.parse_start, {"start": START, "colour": "red"}, "unknown_field"),
        (purchases.parse_buy_credits, {"key": "k", "credits": 1.5e-7}, "invalid_quantity"),
        (purchases.parse_set_auto_purchase, {"on": 1}, "malformed"),
        (plans.parse_change_plan, {"plan": ""}, "unknown_plan"),
        (plans.parse_change_plan, {"plan": "p", "preview": None}, "malformed"),
        (plans.parse_change_plan, {"plan": "p", "expected_minor": -1}, "invalid_amount"),
        (plans.parse_cancel, {"when": "soon"}, "malformed"),
        (plans.parse_cancel, {"when": ["now"]}, "malformed"),
        (operators.parse_adjust_credits, ADJUSTMENT | {"credits": "--1"}, "invalid_quantity"),
        (operators.parse_adjust_credits, ADJUSTMENT | {"credits": "-0"}, "invalid_quantity"),
        (operators.parse_adjust_credits, ADJUSTMENT | {"credits": 1}, "invalid_quantity"),
        (operators.parse_operator_note, {"reason": NUL, "by": "b"}, "malformed"),
    ],
)
def test_a_command_that_cannot_be_used_is_named(parse, message, reason):
    assert reason_of(parse, message) == reason


def test_an_adjustment_may_take_away():
    data = json.dumps(ADJUSTMENT | {"credits": "-2.5"}).encode()

    assert operators.parse_adjust_credits(data).quantity_micro == -2_500_000

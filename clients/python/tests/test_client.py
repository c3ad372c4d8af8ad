"""The client: what it sends, what it repeats, and what it makes of each answer."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import drawdown_client
import pytest
from drawdown_client import (
    Debited,
    DrawdownError,
    Event,
    NoAnswer,
    Pending,
    Refusal,
    StillPending,
    UnexpectedAnswer,
)

from clients.python.tests.door import CUT, Answer, ok, problem

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)
DEBITED = {
    "customer_id": "acme",
    "key": "call-1",
    "status": "debited",
    "seq": 4,
    "available": "9991.5",
    "charged": {"credits": "2.5"},
}
PENDING = Answer(202, {"status": "pending"})


def events(count):
    return [Event("acme", f"call-{n}", "operation", 1, AT) for n in range(count)]


def outcome(key, status="debited", **more):
    return DEBITED | {"key": key, "status": status} | more


def test_an_event_is_sent_as_the_contract_says(door, dd):
    door.will(ok(DEBITED))

    debited = dd.use("acme", "operation", "2.5", key="call-1", event_at=AT, tags={"member": "ada"})

    (asked,) = door.asked
    assert (asked.method, asked.path) == ("POST", "/v1/usage")
    assert asked.headers["authorization"].startswith("Bearer dd_")
    assert asked.headers["prefer"] == "wait=5"
    assert asked.body == {
        "customer_id": "acme",
        "key": "call-1",
        "action": "operation",
        "quantity": "2.5",
        "event_at": "2026-07-01T12:00:00Z",
        "tags": {"member": "ada"},
    }
    assert debited == Debited(
        "acme", "call-1", "debited", 4, Decimal("9991.5"), {"credits": Decimal("2.5")}
    )


@pytest.mark.parametrize("quantity", [0.1, 1.0, True, None, float("nan")])
def test_a_float_is_no_quantity(door, dd, quantity):
    with pytest.raises(TypeError, match="a Decimal, an int or a text"):
        dd.use("acme", "operation", quantity, key="call-1")
    with pytest.raises(TypeError):
        dd.check("acme", "operation", quantity)

    assert door.asked == []


@pytest.mark.parametrize("quantity", ["", "abc", "NaN", "-Infinity", "1e999999", Decimal("NaN")])
def test_a_text_that_is_no_number_is_no_quantity(quantity):
    with pytest.raises(ValueError, match="is not"):
        Event("acme", "call-1", "operation", quantity)


@pytest.mark.parametrize(
    ("quantity", "sent"),
    [(Decimal("1E+3"), "1000"), ("0.000001", "0.000001"), (7, "7"), (Decimal("2.50"), "2.50")],
)
def test_an_amount_is_sent_in_digits(door, dd, quantity, sent):
    door.will(ok(DEBITED))

    dd.use("acme", "operation", quantity, key="call-1")

    assert door.asked[0].body["quantity"] == sent


def test_an_instant_needs_a_time_zone():
    with pytest.raises(ValueError, match="time zone"):
        Event("acme", "call-1", "operation", 1, AT.replace(tzinfo=None))


@pytest.mark.parametrize(
    "first",
    [
        CUT,
        PENDING,
        problem(429, "too_many_waiting", 0),
        problem(503, "ledger_busy", 0),
        problem(409, "request_under_way", 0),
        Answer(502, "<html>"),
    ],
)
def test_what_may_do_better_is_repeated_with_the_same_content(door, dd, first):
    door.will(first, first, ok(DEBITED | {"status": "repeated"}))

    assert dd.use("acme", "operation", "2.5", key="call-1").status == "repeated"

    assert len(door.asked) == 3
    assert len({json.dumps(asked.body) for asked in door.asked}) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (CUT, NoAnswer),
        (PENDING, StillPending),
        (problem(503, "unavailable"), drawdown_client.Unavailable),
        (problem(429, "too_many_waiting", 60), drawdown_client.TooManyRequests),
    ],
)
def test_repeating_ends_with_the_deadline(door, dd, answer, error):
    door.otherwise = lambda asked: answer

    with pytest.raises(error):
        dd.use("acme", "operation", key="call-1", deadline=0)

    assert len(door.asked) == 1
    assert door.asked[0].headers["prefer"] == "wait=0"


def test_an_engine_that_asks_for_more_time_than_there_is_is_not_asked_again(door, dd):
    door.will(problem(429, "too_many_waiting", 3_600))

    with pytest.raises(drawdown_client.TooManyRequests) as raised:
        dd.use("acme", "operation", key="call-1")

    assert raised.value.retry_after == 3_600


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "InvalidRequest"),
        (401, "NotAuthenticated"),
        (402, "PaymentRequired"),
        (403, "NotAllowed"),
        (404, "NotFound"),
        (409, "Conflict"),
        (413, "InvalidRequest"),
        (422, "InvalidRequest"),
        (500, "EngineFailed"),
        (502, "EngineFailed"),
    ],
)
def test_each_family_of_refusals_has_a_class(door, dd, status, name):
    door.will(problem(status, "some_reason", missing="0.5", asked={"credits": {"credits": "2"}}))

    with pytest.raises(getattr(drawdown_client, name)) as raised:
        dd.use("acme", "operation", key="call-1")

    error = raised.value
    assert type(error).__name__ == name
    assert (error.status, error.reason, error.request_id) == (status, "some_reason", "req-1")
    assert error.cure == "the cure of some_reason"
    assert error.missing == Decimal("0.5")
    assert error.asked == {"credits": {"credits": "2"}}
    assert len(door.asked) == 1


@pytest.mark.parametrize("answer", [Answer(200, {}), Answer(404, "nobody"), Answer(200, [1]),
                                    Answer(200, outcome("call-1", available="much"))])  # fmt: skip
def test_an_answer_of_something_else_is_told_as_such(door, dd, answer):
    door.will(answer)

    with pytest.raises(UnexpectedAnswer, match="POST /v1/usage answered"):
        dd.use("acme", "operation", key="call-1")


def test_many_events_are_answered_in_their_order(door, dd):
    refused = {"customer_id": "acme", "key": "call-1", "status": "refused",
               "reason": "insufficient_credits", "cure": "buy", "missing": "0.5"}  # fmt: skip
    door.will(ok({"outcomes": [outcome("call-0"), refused]}))

    first, second = dd.use_many(events(2))

    assert isinstance(first, Debited)
    assert second == Refusal("acme", "call-1", "insufficient_credits", "buy", Decimal("0.5"))
    assert [one["key"] for one in door.asked[0].body["events"]] == ["call-0", "call-1"]


def test_of_many_only_what_is_pending_is_sent_again(door, dd):
    waits = {"customer_id": "acme", "key": "call-1", "status": "pending"}
    door.will(
        ok({"outcomes": [outcome("call-0"), waits, outcome("call-2")]}),
        ok({"outcomes": [waits]}),
        ok({"outcomes": [outcome("call-1")]}),
    )

    found = dd.use_many(events(3))

    assert [one.key for one in found] == ["call-0", "call-1", "call-2"]
    assert [len(asked.body["events"]) for asked in door.asked] == [3, 1, 1]


def test_what_is_pending_at_the_deadline_says_so(door, dd):
    door.will(ok({"outcomes": [{"customer_id": "acme", "key": "call-0", "status": "pending"}]}))

    assert dd.use_many(events(1), deadline=0) == [Pending("acme", "call-0")]


def test_outcomes_that_are_not_one_for_each_event_are_no_answer(door, dd):
    door.will(ok({"outcomes": [outcome("call-0")]}))

    with pytest.raises(UnexpectedAnswer):
        dd.use_many(events(2))


def test_a_check_needs_no_key_and_no_time(door, dd):
    door.will(ok({"allowed": False, "charged": {"credits": "5"}, "available": "4.5",
                  "reason": "insufficient_credits", "cure": "buy", "missing": "0.5"}))  # fmt: skip

    checked = dd.check("acme", "operation", 5)

    assert door.asked[0].body == {"customer_id": "acme", "action": "operation", "quantity": "5"}
    assert not checked.allowed
    assert checked.missing == checked.charged["credits"] - checked.available


@pytest.mark.parametrize("url", ["ftp://x", "localhost:8000", ""])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match="is not the address"):
        drawdown_client.Drawdown(url, "dd_x")


@pytest.mark.parametrize("key", ["", "dd x", "dd_x\n"])
def test_a_key_that_no_header_takes_is_refused_without_being_told(key):
    with pytest.raises(ValueError, match="characters that no key has") as raised:
        drawdown_client.Drawdown("http://127.0.0.1:9", key)
    assert not key.strip() or key not in str(raised.value)


def test_every_error_is_one_of_the_clients():
    errors = [getattr(drawdown_client, name) for name in drawdown_client.__all__]
    raised = [one for one in errors if isinstance(one, type) and issubclass(one, Exception)]

    assert len(raised) > 10
    assert all(issubclass(one, DrawdownError) for one in raised)


ENDING = {
    "status": "canceled",
    "effective_at": "2026-08-01T00:00:00+00:00",
    "lost_credits": {"credits": "9991.5"},
    "kept_credits": {"credits": "0"},
}
RENEWAL = {
    "status": "uncanceled",
    "plan": "core_10k",
    "renews_at": "2026-08-01T00:00:00+00:00",
    "amount_minor": 900,
    "currency": "USD",
}


def test_a_subscription_is_ended_under_one_key_however_often_it_is_sent(door, dd):
    door.will(CUT, PENDING, ok(ENDING))

    ending = dd.cancel("acme/1", "period_end", key="leaves-1")

    assert (ending.status, ending.effective_at) == ("canceled", datetime(2026, 8, 1, tzinfo=UTC))
    assert ending.lost_credits == {"credits": Decimal("9991.5")}
    assert ending.kept_credits == {"credits": Decimal(0)}
    assert {(one.path, one.headers["idempotency-key"]) for one in door.asked} == {
        ("/v1/subscriptions/acme%2F1/cancel", "leaves-1")
    }
    assert [one.body for one in door.asked] == [{"when": "period_end"}] * 3


def test_a_cancellation_is_taken_back_under_one_key_however_often_it_is_sent(door, dd):
    door.will(CUT, PENDING, ok(RENEWAL))

    renewal = dd.uncancel("acme/1", key="stays-1")

    assert (renewal.status, renewal.plan) == ("uncanceled", "core_10k")
    assert (renewal.amount_minor, renewal.currency) == (900, "USD")
    assert renewal.renews_at == datetime(2026, 8, 1, tzinfo=UTC)
    assert {(one.path, one.headers["idempotency-key"]) for one in door.asked} == {
        ("/v1/subscriptions/acme%2F1/uncancel", "stays-1")
    }
    assert [one.body for one in door.asked] == [{}] * 3


def test_a_preview_binds_no_key(door, dd):
    door.will(ok(ENDING | {"status": "preview"}), ok(RENEWAL | {"status": "preview"}))

    assert dd.cancel("acme", "now", key="leaves-1", preview=True).status == "preview"
    assert dd.uncancel("acme", key="stays-1", preview=True).status == "preview"

    assert [one.body for one in door.asked] == [{"when": "now", "preview": True}, {"preview": True}]
    assert all("idempotency-key" not in one.headers for one in door.asked)


@pytest.mark.parametrize(
    "broken", [{"effective_at": 7}, {"lost_credits": None}, {"kept_credits": {"credits": "many"}}]
)
def test_an_answer_that_tells_no_end_is_none(door, dd, broken):
    door.will(ok(ENDING | broken))

    with pytest.raises(UnexpectedAnswer):
        dd.cancel("acme", "now", key="leaves-1")


@pytest.mark.parametrize("broken", [{}, {"renews_at": 7}, {"renews_at": "soon"}])
def test_an_answer_that_tells_no_renewal_is_none(door, dd, broken):
    told = RENEWAL | broken if broken else {"status": "uncanceled"}
    door.will(ok(told))

    with pytest.raises(UnexpectedAnswer):
        dd.uncancel("acme", key="stays-1")

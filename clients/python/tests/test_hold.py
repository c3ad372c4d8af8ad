"""Holds: captured once, else released; extended while the work runs."""

import logging
import threading
from decimal import Decimal

import pytest
from drawdown_client import InvalidRequest, PaymentRequired, UnexpectedAnswer

from clients.python.tests.door import Answer, ok, problem

STATE = {"status": "held", "seq": 2, "state": "open", "held": {"credits": "100"},
         "available": "9900", "lapses_at": "2099-01-01T00:00:00+00:00"}  # fmt: skip
CAPTURED = {"status": "captured", "seq": 3, "state": "captured", "held": {"credits": "100"},
            "available": "9930", "taken": {"credits": "70"}, "uncollected": {}}  # fmt: skip


def acts(door):
    return [asked.path.removeprefix("/v1/holds") for asked in door.asked]


@pytest.fixture(autouse=True)
def answers(door):
    def answer(asked):
        if asked.path.endswith("/capture"):
            return ok(CAPTURED)
        return ok(STATE | {"status": asked.path.rpartition("/")[2]})

    door.otherwise = answer


def test_what_was_used_is_captured_and_nothing_is_released(door, dd):
    with dd.hold("acme", "operation", 100, key="job-1") as hold:
        captured = hold.capture(70)

    assert acts(door) == ["", "/job-1/capture"]
    assert door.asked[0].body["quantity"] == "100"
    assert door.asked[0].body["lapses_at"] > door.asked[0].body["event_at"]
    assert door.asked[1].body == {"customer_id": "acme", "quantity": "70"}
    assert captured.taken == {"credits": Decimal(70)}
    assert hold.placed.held == {"credits": Decimal(100)}


def test_an_error_releases_the_hold_and_goes_on(door, dd):
    with pytest.raises(ZeroDivisionError), dd.hold("acme", "operation", 100, key="a/b"):
        raise ZeroDivisionError

    assert acts(door) == ["", "/a%2Fb/release"]


def test_a_hold_that_is_left_uncaptured_is_released(door, dd):
    with dd.hold("acme", "operation", 100, key="job-1"):
        pass

    assert acts(door) == ["", "/job-1/release"]


def test_a_hold_that_was_released_inside_is_not_released_again(door, dd):
    with dd.hold("acme", "operation", 100, key="job-1") as hold:
        hold.release()

    assert acts(door) == ["", "/job-1/release"]


def test_an_error_of_the_release_does_not_hide_the_works_own(door, dd, caplog):
    door.will(ok(STATE), Answer(500, "broken"))

    with pytest.raises(ZeroDivisionError), dd.hold("acme", "operation", 100, key="job-1"):
        raise ZeroDivisionError

    assert "could not release hold job-1 of acme" in caplog.text


def test_a_hold_that_lapsed_meanwhile_is_nothing_to_release(door, dd, caplog):
    door.will(ok(STATE), problem(409, "hold_lapsed"))

    with dd.hold("acme", "operation", 100, key="job-1"):
        pass

    assert [record for record in caplog.records if record.name == "drawdown_client"] == []


def test_work_whose_capture_got_no_answer_is_not_given_away(door, dd):
    door.will(ok(STATE), Answer(500, "broken"))

    with pytest.raises(UnexpectedAnswer), dd.hold("acme", "operation", 100, key="job-1") as hold:
        hold.capture(70)

    assert acts(door) == ["", "/job-1/capture"]
    assert hold.capture(70).taken == {"credits": Decimal(70)}


def test_a_hold_whose_capture_was_refused_is_released(door, dd):
    door.will(ok(STATE), problem(422, "invalid_quantity"))

    with pytest.raises(InvalidRequest), dd.hold("acme", "operation", 100, key="job-1") as hold:
        hold.capture(0)

    assert acts(door) == ["", "/job-1/capture", "/job-1/release"]


def test_a_refused_hold_never_begins(door, dd):
    door.will(problem(402, "insufficient_credits"))
    begun = []

    with pytest.raises(PaymentRequired), dd.hold("acme", "operation", 100, key="job-1"):
        begun.append(1)

    assert begun == []
    assert acts(door) == [""]


def test_a_hold_is_extended_while_the_work_runs_whatever_fails(door, dd, caplog):
    caplog.set_level(logging.WARNING)
    seen = threading.Semaphore(0)
    door.will(ok(STATE), Answer(500, "broken"))
    calm = door.otherwise

    def answer(asked):
        if asked.path.endswith("/extend"):
            seen.release()
        return calm(asked)

    door.otherwise = answer
    with dd.hold("acme", "operation", 100, key="job-1", seconds=1) as hold:
        seen.acquire()
        seen.acquire()
        hold.capture(70)

    extends = [asked.body["lapses_at"] for asked in door.asked if asked.path.endswith("/extend")]
    assert len(extends) >= 3
    assert extends == sorted(extends)
    assert "could not extend hold job-1 of acme" in caplog.text


def test_a_hold_can_be_ended_by_another_process(door, dd):
    dd.hold("acme", "operation", 100, key="job-1").place()

    assert dd.capture("acme", "job-1", "70").taken == {"credits": Decimal(70)}
    dd.release("acme", "job-1")
    assert acts(door) == ["", "/job-1/capture", "/job-1/release"]

"""The reporter and an engine that waits, refuses, fails or is away, as the test has it."""

import asyncio
import os
import sqlite3
import threading
from datetime import UTC, datetime

import pytest
from drawdown_client import Drawdown, Event, Reporter, SpoolError, SpoolFull

from clients.python.tests.charging import Charging
from clients.python.tests.conftest import KEY
from clients.python.tests.door import CUT, Answer, problem
from local import patience

AT = datetime(2026, 7, 1, 12, tzinfo=UTC)


def an_event(key, customer="acme"):
    return Event(customer, key, "operation", "0.5", AT, {"member": "ada"})


@pytest.fixture
def charging(door):
    door.otherwise = Charging()
    return door.otherwise


@pytest.fixture
def path(tmp_path):
    return tmp_path / "usage.sqlite3"


@pytest.fixture
def reporter(dd, path):
    with Reporter(dd, path) as reporter:
        yield reporter


def until(condition):
    async def look():
        return condition()

    asyncio.run(patience.until(look, bool, "the reporter"))


def all_sent(reporter):
    until(lambda: reporter.flush(1.0))


def closed(door):
    """Let nothing through."""
    door.otherwise = lambda asked: CUT


def test_what_is_reported_is_sent_with_all_it_says(charging, door, reporter):
    reporter.report(an_event("e-1"))
    all_sent(reporter)

    assert [*charging.debits] == ["e-1"]
    assert door.asked[0].body["events"] == [
        {
            "customer_id": "acme",
            "key": "e-1",
            "action": "operation",
            "quantity": "0.5",
            "event_at": "2026-07-01T12:00:00Z",
            "tags": {"member": "ada"},
        }
    ]
    assert reporter.lag().oldest is None


def test_batches_hold_at_most_a_thousand_in_the_order_of_the_reports(charging, door, reporter):
    reporter.report(*(an_event(f"e-{n}") for n in range(2_500)))
    all_sent(reporter)

    assert max(charging.sizes) == 1_000
    assert [*charging.debits] == [f"e-{n}" for n in range(2_500)]


def test_what_a_dead_process_left_is_sent_by_the_next(door, dd, path):
    closed(door)
    before = Reporter(dd, path)
    before.report(an_event("e-1"), an_event("e-2"))
    before.close(0)
    charging = door.otherwise = Charging()

    with Reporter(dd, path) as reporter:
        all_sent(reporter)

    assert [*charging.debits] == ["e-1", "e-2"]


@pytest.mark.parametrize(
    "fault",
    [
        CUT,
        problem(401, "unauthorized"),
        problem(403, "scope_missing"),
        problem(404, "not_found"),
        problem(500, "internal_error"),
        problem(503, "ledger_busy", 0),
        Answer(502, "<html>"),
        Answer(404, "elsewhere"),
    ],
)
def test_while_nothing_can_be_sent_it_waits_and_says_why(door, reporter, fault):
    door.otherwise = lambda asked: fault
    reporter.report(an_event("e-1"))
    until(lambda: reporter.lag().trouble)

    lag = reporter.lag()
    assert (lag.waiting, lag.refused) == (1, 0)
    assert lag.oldest <= datetime.now(UTC)

    charging = door.otherwise = Charging()
    all_sent(reporter)
    assert [*charging.debits] == ["e-1"]
    until(lambda: reporter.lag().trouble is None)


def test_refused_events_are_kept_with_their_reason_and_can_be_sent_again(charging, reporter):
    charging.refuses = {"e-2": "insufficient_credits"}
    reporter.report(an_event("e-1"), an_event("e-2"), an_event("e-3"))
    all_sent(reporter)

    (refused,) = reporter.refused()
    assert refused.event == an_event("e-2")
    assert (refused.reason, refused.cure, refused.missing) == ("insufficient_credits",
                                                               "buy credits", 1)  # fmt: skip
    assert [*charging.debits] == ["e-1", "e-3"]

    charging.refuses = {}
    assert reporter.send_again([refused]) == 1
    all_sent(reporter)
    assert [*charging.debits] == ["e-1", "e-3", "e-2"]
    assert reporter.refused() == []
    assert reporter.lag().refused == reporter.send_again([refused]) == 0


def test_forgotten_events_are_gone(charging, reporter):
    charging.refuses = {"e-1": "insufficient_credits"}
    reporter.report(an_event("e-1"))
    all_sent(reporter)

    assert reporter.forget(reporter.refused()) == 1
    assert reporter.lag().refused == 0


@pytest.mark.parametrize("reason", ["renewal_pending", "too_many_waiting"])
def test_a_refusal_that_passes_is_no_refusal(charging, reporter, reason):
    charging.refuses = {"e-1": reason}
    reporter.report(an_event("e-1"))
    until(lambda: charging.sizes)

    charging.refuses = {}
    all_sent(reporter)

    assert [*charging.debits] == ["e-1"]


def test_what_is_pending_blocks_nothing_behind_it(charging, reporter):
    waits = {f"e-{n}" for n in range(1_000)}
    charging.waits = waits
    reporter.report(*(an_event(f"e-{n}") for n in range(1_500)))
    until(lambda: reporter.lag().waiting == 1_000)
    assert len(charging.debits) == 500

    charging.waits = set()
    all_sent(reporter)

    assert len(charging.debits) == 1_500


def test_an_event_for_which_a_whole_request_is_refused_is_found_and_kept(charging, reporter):
    charging.poison = {"e-37"}
    reporter.report(*(an_event(f"e-{n}") for n in range(100)))
    all_sent(reporter)

    assert len(charging.debits) == 99
    (refused,) = reporter.refused()
    assert (refused.event.key, refused.reason) == ("e-37", "malformed")


def test_a_full_file_says_so_and_takes_nothing_in_part(door, dd, path):
    closed(door)
    with Reporter(dd, path, max_events=3) as reporter:
        reporter.report(an_event("e-1"), an_event("e-2"))
        with pytest.raises(SpoolFull, match="2 events that wait and 0 that were refused"):
            reporter.report(an_event("e-3"), an_event("e-4"))
        reporter.report(an_event("e-5"))

        charging = door.otherwise = Charging()
        all_sent(reporter)
        assert [*charging.debits] == ["e-1", "e-2", "e-5"]


def test_a_disk_that_takes_nothing_is_told_to_the_caller(charging, reporter, path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TRIGGER broken BEFORE INSERT ON waiting"
                      " BEGIN SELECT RAISE(ABORT, 'no room'); END")  # fmt: skip
    other.close()

    with pytest.raises(SpoolError, match="no room"):
        reporter.report(an_event("e-1"))
    assert reporter.lag().waiting == 0


def test_a_file_that_is_none_of_ours_is_refused(dd, path):
    path.write_text("something else" * 100)

    with pytest.raises(SpoolError, match="cannot be opened"):
        Reporter(dd, path)


def test_a_file_of_a_later_version_is_refused(dd, reporter, path):
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()

    with pytest.raises(SpoolError, match="version 99"):
        Reporter(dd, path)


def test_a_file_in_a_folder_that_is_not_there_is_refused(dd, path):
    with pytest.raises(SpoolError, match="cannot be opened"):
        Reporter(dd, path.parent / "nowhere" / path.name)


def test_many_threads_share_commits_and_lose_nothing(charging, reporter):
    def work(thread):
        for n in range(100):
            reporter.report(an_event(f"{thread}-{n}"))

    threads = [threading.Thread(target=work, args=(one,)) for one in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    all_sent(reporter)

    assert len(charging.debits) == 1_600


def test_reporters_of_one_file_share_it_and_one_sends(door, charging, dd, path):
    with Reporter(dd, path) as first, Drawdown(door.url, KEY) as other:
        second = Reporter(other, path)
        for n in range(50):
            first.report(an_event(f"a-{n}"))
            second.report(an_event(f"b-{n}"))
        all_sent(second)
        second.close()

    assert len(charging.debits) == 100
    assert sum(charging.sizes) == 100


def test_a_reporter_made_before_a_fork_says_so(charging, reporter, monkeypatch):
    here = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: here + 1)

    with pytest.raises(RuntimeError, match="before a fork"):
        reporter.report(an_event("e-1"))

"""The reporter and the real API on a real ledger: what was stored is charged once."""

import asyncio
import multiprocessing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from drawdown_client import Drawdown, Event, Reporter

from clients.python.tests.door import CUT, passing_on
from local import patience

AT = datetime.now(UTC) - timedelta(hours=1)


def events(customer, *quantities):
    return [
        Event(customer, f"row-{n}", "operation", quantity, AT, {"member": "ada"})
        for n, quantity in enumerate(quantities)
    ]


def all_sent(reporter):
    async def sent():
        return reporter.flush(1.0)

    asyncio.run(patience.until(sent, bool, "sending"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "usage.sqlite3"


def available(live, customer):
    return live.balance(customer).credit_types["credits"].available


def test_what_is_reported_is_charged_once_however_often_it_is_reported(live, acme, path):
    with Reporter(live, path) as reporter:
        reporter.report(*events(acme, "0.5", 2))
        all_sent(reporter)
        reporter.report(*events(acme, "0.5", 2))
        all_sent(reporter)

        assert reporter.refused() == []
    assert available(live, acme) == Decimal("9997.5")


def test_an_answer_that_was_lost_charges_nothing_twice(door, api_url, api_key, live, acme, path):
    with passing_on(api_url) as decide, Drawdown(door.url, api_key) as dd:

        def lose_the_first(asked):
            door.otherwise = decide
            decide(asked)
            return CUT

        door.otherwise = lose_the_first
        with Reporter(dd, path) as reporter:
            reporter.report(*events(acme, 1, 1, 1))
            all_sent(reporter)

    assert [len(asked.body["events"]) for asked in door.asked] == [3, 3]
    assert available(live, acme) == 9_997


def test_each_event_that_is_refused_is_kept_with_its_own_reason(live, acme, path):
    unknown = Event("nobody", "row-0", "operation", 1, AT)
    other = Event(acme, "row-0", "operation", 7, AT)
    with Reporter(live, path) as reporter:
        reporter.report(*events(acme, 1, 20_000, 1), unknown)
        all_sent(reporter)
        reporter.report(other)
        all_sent(reporter)
        refused = reporter.refused()

    assert [(one.event, one.reason, one.missing) for one in refused] == [
        (events(acme, 1, 20_000)[1], "insufficient_credits", 10_001),
        (unknown, "unknown_customer", None),
        (other, "idempotency_conflict", None),
    ]
    assert available(live, acme) == 9_998


def report_in_a_process(url, key, path, customer, name):
    with Drawdown(url, key) as dd:
        reporter = Reporter(dd, path)
        for n in range(200):
            reporter.report(Event(customer, f"{name}-{n}", "operation", 1, AT))
        reporter.close(0)


def test_processes_of_one_file_lose_nothing_and_another_takes_over(
    api_url, api_key, live, acme, path
):
    start = multiprocessing.get_context("spawn").Process
    words = (api_url, api_key, path, acme)
    processes = [start(target=report_in_a_process, args=(*words, name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]

    with Reporter(live, path) as reporter:
        all_sent(reporter)
        assert reporter.refused() == []
    assert available(live, acme) == 9_400

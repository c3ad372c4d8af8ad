"""The client for event loops: it does what the other does."""

import asyncio
import inspect
from decimal import Decimal

import pytest
from drawdown_client import (
    AsyncDrawdown,
    AsyncHold,
    Drawdown,
    Event,
    Hold,
    NoAnswer,
    PaymentRequired,
    Pending,
    Refusal,
    StillPending,
    UnexpectedAnswer,
)

from clients.python.tests.conftest import KEY
from clients.python.tests.door import CUT, Answer, ok
from clients.python.tests.test_client import AT, DEBITED, PENDING, events, outcome
from clients.python.tests.test_hold import STATE, acts
from clients.python.tests.test_live import AT as HOUR_AGO
from local import patience


@pytest.fixture
async def add(door):
    async with AsyncDrawdown(door.url, KEY) as dd:
        yield dd


@pytest.fixture
async def alive(api_url, api_key):
    async with AsyncDrawdown(api_url, api_key) as dd:
        yield dd


def public(kind):
    return {
        name: list(inspect.signature(one).parameters.values())
        for name, one in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("one", "other"), [(Drawdown, AsyncDrawdown), (Hold, AsyncHold)])
def test_both_clients_take_the_same(one, other):
    assert public(one) == public(other)
    assert len(public(one)) >= 3


async def test_an_event_is_charged_once(alive, acme):
    first = await alive.use(acme, "operation", "2.5", key="call-1", event_at=HOUR_AGO)
    again = await alive.use(acme, "operation", "2.5", key="call-1", event_at=HOUR_AGO)

    assert (first.status, first.available) == ("debited", Decimal("9997.5"))
    assert (again.status, again.seq) == ("repeated", first.seq)


async def test_checks_refusals_and_many(alive, acme):
    sent = [Event(acme, f"row-{n}", "operation", n, HOUR_AGO) for n in (3, 20_000)]

    assert (await alive.check(acme, "operation", 4)).charged == {"credits": Decimal(4)}
    with pytest.raises(PaymentRequired) as raised:
        await alive.use(acme, "operation", 10_001, key="call-1")
    debited, refused = await alive.use_many(sent)

    assert raised.value.missing == 1
    assert debited.available == 9_997
    assert isinstance(refused, Refusal)


async def test_a_hold_is_captured_or_else_released(alive, acme):
    async with alive.hold(acme, "operation", 100, key="job-1", event_at=HOUR_AGO) as hold:
        captured = await hold.capture(70)
    with pytest.raises(ZeroDivisionError):
        async with alive.hold(acme, "operation", 100, key="job-2", event_at=HOUR_AGO):
            raise ZeroDivisionError

    assert captured.taken == {"credits": Decimal(70)}
    assert (await alive.check(acme, "operation", 9_930)).allowed
    assert (await alive.capture(acme, "job-1", 70)).status == "repeated"


async def test_work_that_is_cancelled_gives_everything_back(alive, acme):
    held = asyncio.Event()

    async def work():
        async with alive.hold(acme, "operation", 100, key="job-1", event_at=HOUR_AGO):
            held.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await held.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (await alive.check(acme, "operation", 10_000)).allowed


async def test_what_may_do_better_is_repeated_with_the_same_content(door, add):
    door.will(CUT, PENDING, ok(DEBITED))

    assert (await add.use("acme", "operation", key="call-1", event_at=AT)).status == "debited"

    assert len(door.asked) == 3
    assert door.asked[0].body == door.asked[2].body


@pytest.mark.parametrize(("answer", "error"), [(CUT, NoAnswer), (PENDING, StillPending)])
async def test_repeating_ends_with_the_deadline(door, add, answer, error):
    door.will(answer)

    with pytest.raises(error):
        await add.use("acme", "operation", key="call-1", deadline=0)


async def test_of_many_only_what_is_pending_is_sent_again(door, add):
    waits = {"customer_id": "acme", "key": "call-1", "status": "pending"}
    door.will(ok({"outcomes": [outcome("call-0"), waits]}), ok({"outcomes": [outcome("call-1")]}),
              ok({"outcomes": [waits]}))  # fmt: skip

    found = await add.use_many(events(2))
    waiting = await add.use_many(events(1), deadline=0)

    assert [one.key for one in found] == ["call-0", "call-1"]
    assert waiting == [Pending("acme", "call-1")]


async def test_a_hold_is_extended_while_the_work_runs(door, add):
    door.otherwise = lambda asked: ok(STATE)
    door.will(ok(STATE), Answer(500, "broken"))

    async def extended():
        return acts(door).count("/job-1/extend")

    async with add.hold("acme", "operation", 100, key="job-1", seconds=1):
        await patience.until(extended, lambda times: times >= 3, "extensions")

    assert acts(door)[-1] == "/job-1/release"


async def test_work_whose_capture_got_no_answer_is_not_given_away(door, add):
    door.will(ok(STATE), Answer(500, "broken"))

    with pytest.raises(UnexpectedAnswer):
        async with add.hold("acme", "operation", 100, key="job-1") as hold:
            await hold.capture(70)

    assert acts(door) == ["", "/job-1/capture"]

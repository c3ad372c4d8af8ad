"""Many messages: across boundaries, across runs, at once; nothing lost, doubled or spinning."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from domain.credits import MICRO
from tests.fleet import SECOND, Customer, RunningFleet

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
BOUNDARIES = [datetime(2027, month, 1, tzinfo=UTC) for month in (2, 3, 4)]
# What Temporal counts as an action, as far as a subscription causes it.
ACTIONS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
}


async def run_of(customer: Customer) -> WorkflowHandle:
    """Return the run of this moment."""
    description = await customer.life.handle.describe()
    return customer.fleet.client.get_workflow_handle(description.id, run_id=description.run_id)


async def event_types(run: WorkflowHandle) -> list[EventType]:
    return [event.event_type async for event in run.fetch_history_events()]


async def tasks(customers: Iterable[Customer]) -> list[int]:
    """Return how often each current run was woken by something other than a signal.

    The relay of crossings signals, too, whenever it comes to it.
    """
    counts = [Counter(await event_types(await run_of(customer))) for customer in customers]
    return [
        count[EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED]
        - count[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED]
        for count in counts
    ]


async def test_usage_racing_the_periods_end_is_debited_once_in_its_window(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    sent: dict[str, int] = {}

    async def report(name: str, count: int) -> None:
        for number in range(count):
            key = f"{name}-{number}"
            sent[key] = 1 + number % 3
            await customer.life.record([await customer.event(str(sent[key]), key)])

    async def consume(name: str, count: int) -> None:
        for number in range(count):
            key = f"{name}-{number}"
            sent[key] = 2
            answer = await customer.use("2", key)
            assert answer["status"] == "debited", answer

    for boundary in BOUNDARIES:
        await customer.pass_until(boundary - 30 * SECOND)
        await customer.skip_to(boundary - 0.5 * SECOND)
        name = f"{boundary:%m}"
        await asyncio.gather(
            report(f"signal-{name}", 25), consume(f"update-{name}", 8), consume(f"also-{name}", 8)
        )
        await customer.pass_until(boundary + 60 * SECOND)

    assert customer.used() == {key: size * MICRO for key, size in sent.items()}
    assert customer.refusals() == []
    drawn = customer.rows(
        "SELECT count(*) FROM entries e JOIN grants g USING (account_id, grant_id)"
        " WHERE account_id = %s AND e.kind = 'debit'"
        " AND NOT (g.effective_at <= e.at AND e.at < g.expires_at)"
    )
    assert drawn == [(0,)]
    assert customer.paid() == [900] * 4
    customer.check()


async def test_three_hundred_mixed_messages_survive_several_runs(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_40k", auto=True)
    kinds = Counter[str]()
    keys: set[str] = set()

    async def consume(key: str) -> None:
        keys.add(key)
        assert (await customer.use("1", key))["status"] == "debited"

    async def report_twice(key: str) -> None:
        keys.add(key)
        await customer.life.record([await customer.event("1", key)] * 2)

    async def buy(key: str) -> None:
        assert (await customer.buy("1000", key))["status"] == "paid"

    async def send_unknown_card(_key: str) -> None:
        await customer.life.signal("payment_method_updated", {"payment_method": "pm_no"})

    messages = (*[consume] * 3, *[report_twice] * 4, *[send_unknown_card] * 2, buy)

    async def one(number: int) -> None:
        message = messages[number % len(messages)]
        kinds[message.__name__] += 1
        await message(f"mixed-{number}")

    runs = set()
    for month in range(3):
        await customer.pass_until(datetime(2027, 1 + month, 20, tzinfo=UTC))
        runs.add((await run_of(customer)).run_id)
        for start in range(0, 100, 20):
            await asyncio.gather(*(one(100 * month + start + step) for step in range(20)))
        await customer.life.settle()

    assert (sum(kinds.values()), len(runs)) == (300, 3)
    assert set(customer.used()) == keys
    assert set(customer.used().values()) == {MICRO}
    assert Counter(customer.paid()) == {2900: 3, 73: kinds["buy"]}
    assert len(customer.refusals()) == kinds["send_unknown_card"]
    customer.check()


async def test_a_subscription_that_can_do_nothing_rests(fleet: RunningFleet) -> None:
    pending, exhausted, paused, capped = await asyncio.gather(
        fleet.subscribe("core_10k", card="pm_card_chargeCustomerFail"),
        fleet.subscribe("core_10k"),
        fleet.subscribe("core_10k", auto=True),
        fleet.subscribe("core_10k", auto=True),
    )
    everyone = (pending, exhausted, paused, capped)
    paused.fault("decline")
    await asyncio.gather(
        pending.life.record([await pending.event("1")]),
        exhausted.report(["10000", "1"]),
        paused.report(["10000", "1"]),
        capped.report(["10000", "10000", "1"]),
    )
    for customer in everyone:
        await customer.life.signal("balance_crossed", {"crossing": "zero"})
        await customer.life.settle()
    before = await tasks(everyone)

    await asyncio.gather(*(one.pass_until(FEBRUARY - timedelta(days=1)) for one in everyone))

    assert await tasks(everyone) == before
    assert max(before) < 40
    assert (await capped.use("1"))["reason"] == "cap_reached"
    assert (await paused.life.status())["status"] == "paused"


async def test_a_dripping_signal_of_a_hundred_events_costs_at_most_twelve_events_of_history(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_80k")
    run = await run_of(customer)
    before = len(await event_types(run))

    for _ in range(10):
        await customer.report(["1"] * 100)

    assert (len(await event_types(run)) - before) / 10 <= 12
    assert len(customer.used()) == 1000


async def test_an_idle_month_costs_at_most_fifteen_actions(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(FEBRUARY + SECOND)
    month = await run_of(customer)

    await customer.pass_until(BOUNDARIES[1] + SECOND)

    types = Counter(await event_types(month))
    assert types[EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW] == 1
    actions = {name: count for name, count in types.items() if name in ACTIONS}
    assert sum(actions.values()) <= 15, actions

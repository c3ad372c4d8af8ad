"""Usage is queued as raw JSON and parsed when decided; only deviations come back."""

import asyncio
import json

import pytest
from temporalio.api.enums.v1 import EventType

from domain.credits import MICRO
from tests.fleet import Customer, RunningFleet
from tests.workflows.test_message_storms import run_of

pytestmark = pytest.mark.long

MEGABYTE = 1_000_000


async def results(customer: Customer) -> list[bytes]:
    """Return what each finished activity of the present run answered."""
    run = await run_of(customer)
    return [
        event.activity_task_completed_event_attributes.result.payloads[0].data
        async for event in run.fetch_history_events()
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    ]


async def sent(customer: Customer, *quantities: str) -> list[dict[str, str]]:
    like = await customer.event("1")
    return [
        like | {"key": f"{customer.name}-{number}", "quantity": quantity}
        for number, quantity in enumerate(quantities)
    ]


async def test_of_what_was_debited_only_a_number_comes_back(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.life.record(await sent(customer, *["1"] * 100))
    await customer.life.settle()

    answer = (await results(customer))[-1]
    assert json.loads(answer)["deviations"][0]["decided"] == 100
    assert len(answer) < 300
    assert len(customer.used()) == 100


async def test_what_cannot_be_decided_is_refused_by_name_wherever_it_is_read(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    good, negative, unknown, future, numeric, large = await sent(customer, *["1"] * 6)
    # The first message has the right shape, so its events are read in the activity.
    await customer.life.record(
        [
            good,
            negative | {"quantity": "-1"},
            unknown | {"action": "nothing"},
            future | {"event_at": "2030-01-01T00:00:00Z"},
            large | {"quantity": "10001"},
        ]
    )
    await customer.life.record([numeric | {"quantity": 2}, {"key": "bent"}])
    status = await customer.life.settle()

    assert sorted(customer.refusals(), key=str) == sorted(
        [
            (negative["key"], "invalid_quantity"),
            (unknown["key"], "unknown_action"),
            (future["key"], "event_in_future"),
            (large["key"], "insufficient_credits"),
            ("bent", "missing_field"),
        ],
        key=str,
    )
    assert status["refused"] == 5
    assert customer.used() == {good["key"]: MICRO, numeric["key"]: 2 * MICRO}
    customer.check()


async def test_what_waits_for_a_purchase_goes_on_in_the_order_in_which_it_came(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    first = await sent(customer, "1", "9998", "2", "3")
    later = [one | {"key": f"{one['key']}-later"} for one in first[2:]]
    await customer.life.record(first)
    await customer.life.record(later)
    assert (await customer.use("4", "asked"))["status"] == "debited"
    await customer.life.settle()

    assert list(customer.used()) == [one["key"] for one in (*first, *later)] + ["asked"]
    assert customer.paid() == [900, 1170]
    assert customer.refusals() == []
    customer.check()


async def test_no_history_grows_to_a_megabyte(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_80k")
    like = await customer.event("1")
    runs = {}
    for half in range(2):
        messages = [
            [like | {"key": f"{half}-{message}-{number}"} for number in range(100)]
            for message in range(30)
        ]
        await asyncio.gather(*(customer.life.record(message) for message in messages))
        await customer.life.settle()
        description = await customer.life.handle.describe()
        runs[description.run_id] = description.raw_description.workflow_execution_info
    assert len(runs) == 2
    assert max(info.history_size_bytes for info in runs.values()) < MEGABYTE
    assert len(customer.used()) == 6000
    customer.check()

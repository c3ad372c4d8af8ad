"""Simulations as workflows: real servers, progress, an end that leaves nothing, a second worker."""

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import CancelledError

from domain.pricing.simulation import AskedPlan, SimulationOrder, SimulationOutcome, Tried
from local.patience import until
from local.simulations.serving import worker
from settings import CATALOGS
from tests.fleet import RunningFleet, result_of
from tests.simulating import MAKE, MARK, order, processes
from workflows import names

pytestmark = pytest.mark.long

# Of the deployment beside which it runs.
SECRET = "nobodys-business"
DEPLOYMENT = dict.fromkeys(("DATABASE_URL", "STRIPE_API_KEY", "SMTP_URL", "LINK_SECRETS"), SECRET)
_numbers = count(1)


class Running:
    """A queue of its own, its workers, and the simulations that it is asked for."""

    def __init__(self, fleet: RunningFleet) -> None:
        number = next(_numbers)
        self.fleet, self.mark = fleet, f"{os.getpid()}-{number}"
        self.queue = f"simulations-{self.mark}"

    def worker(self):
        environment = dict(os.environ) | {MARK: self.mark} | DEPLOYMENT
        return worker(self.fleet.client, environment, self.queue)

    async def begun(self, asked: SimulationOrder) -> WorkflowHandle:
        return await self.fleet.client.start_workflow(
            names.SIMULATION,
            asked,
            id=names.simulation_workflow(f"{self.mark}-{next(_numbers)}"),
            task_queue=self.queue,
            result_type=SimulationOutcome,
        )

    async def until_it_has(self, handle: WorkflowHandle, holds: Callable[..., bool], what: str):
        async def look():
            described = await handle.describe()
            told = [
                await self.fleet.client.data_converter.decode(one.heartbeat_details.payloads)
                for one in described.raw_description.pending_activities
            ]
            return [one for each in told for one in each if one is not None], processes(self.mark)

        return await until(
            look, lambda seen: holds(*seen), what, sign=lambda seen: (seen[0], len(seen[1]))
        )

    async def until_nothing_runs(self) -> None:
        async def look():
            return processes(self.mark)

        await until(look, lambda seen: not seen, "the end of every process", sign=len)


@pytest.fixture
def running(fleet: RunningFleet) -> Running:
    return Running(fleet)


SCHEMATIC = (CATALOGS / "schematic.yaml").read_text()


async def test_a_taxed_plan_is_tried_by_debit_where_its_customers_are(running):
    asked = order(SCHEMATIC, months=1, by_debit=True, place="US-NY", coupon="LOYAL")
    asked = replace(asked, sides=(Tried(SCHEMATIC, "launch_taxed"),))
    async with running.worker():
        outcome = await result_of(await running.begun(asked))
    (side,) = outcome.sides
    assert [month.charged_minor for month in side.months] == [4_000]
    assert any("tax" in note for note in side.notes), side.notes


async def test_customers_change_plans_in_the_list_and_in_its_draft(running):
    dearer = SCHEMATIC.replace('USD: {value: "250.00"', 'USD: {value: "300.00"')
    assert dearer != SCHEMATIC
    asked = order(SCHEMATIC, dearer, months=2)
    asked = replace(
        asked,
        sides=tuple(Tried(one.source, "growth") for one in asked.sides),
        changes=(AskedPlan(asked.begins.replace(month=2, day=15), "scale"),),
    )
    async with running.worker():
        outcome = await result_of(await running.begun(asked))
    assert [one.title for one in outcome.sides] == [
        "schematic:growth → scale",
        "schematic_draft:growth → scale",
    ]
    # 14 of 28 days of what Scale costs more than 75.00.
    assert [[month.charged_minor for month in one.months] for one in outcome.sides] == [
        [7_500, 7_500 + 8_750],
        [7_500, 7_500 + 11_250],
    ]
    assert outcome.sides[1].notes == (f"to Scale on {asked.changes[0].on}: $112.50 charged",)


async def test_a_draft_is_tried_on_the_same_customers_and_leaves_nothing(running):
    dearer = MAKE.replace('price: "9.00"', 'price: "12.00"')
    async with running.worker():
        handle = await running.begun(order(MAKE, dearer, customers=2))
        told, _ = await running.until_it_has(handle, lambda far, _: bool(far), "progress")
        outcome = await result_of(handle)
    assert told[0]["of"] == 2 * 2 * 2
    assert [one.title for one in outcome.sides] == ["make:core_10k", "make_draft:core_10k"]
    assert [month.charged_minor for month in outcome.sides[0].months] == [2 * 900] * 2
    assert [month.charged_minor for month in outcome.sides[1].months] == [2 * 1_200] * 2
    assert [one.events for one in outcome.sides[0].months] == [
        one.events for one in outcome.sides[1].months
    ]
    assert sum(month.refused for month in outcome.sides[0].months) > 0  # who uses half as much more
    assert outcome.verdict.startswith("make:core_10k costs $18.00 a month on average, 25.0 % ")
    assert [table.title for table in outcome.tables] == [
        "what the same usage costs",
        "month by month",
    ]
    await running.until_nothing_runs()


async def test_a_worker_that_is_restarted_begins_anew_and_comes_to_the_same(running):
    asked = order(MAKE, months=1)
    async with running.worker():
        handle = await running.begun(asked)
        await running.until_it_has(handle, lambda _, alive: len(alive) > 3, "servers")
    await running.until_nothing_runs()
    async with running.worker():
        interrupted = await result_of(handle)
        undisturbed = await result_of(await running.begun(asked))
    assert interrupted == undisturbed
    assert [month.charged_minor for month in interrupted.sides[0].months] == [900]


async def test_a_cancelled_simulation_ends_with_its_processes(running):
    async with running.worker():
        handle = await running.begun(order(MAKE, months=24, customers=5))
        _, alive = await running.until_it_has(handle, lambda _, alive: len(alive) > 3, "servers")
        assert [one for one in alive if SECRET.encode() in one] == []
        await handle.cancel()
        with pytest.raises(WorkflowFailureError) as failed:
            await result_of(handle)
        assert isinstance(failed.value.cause, CancelledError)
        await running.until_nothing_runs()


async def test_what_cannot_be_run_is_refused_once(running):
    asked = order(MAKE, 'currency: "x"')
    async with running.worker():
        handle = await running.begun(asked)
        with pytest.raises(WorkflowFailureError) as failed:
            await result_of(handle)
    assert failed.value.cause.cause.type == "invalid_catalog"
    assert "draft.yaml:1: currency" in failed.value.cause.cause.message

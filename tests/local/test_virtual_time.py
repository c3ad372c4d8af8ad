"""The virtual clock stays right over continue-as-new: one wrong flag breaks it silently."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import uuid4

from temporalio import workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from local.patience import until
from local.timeline import Timeline

PERIOD = timedelta(days=31)
PERIODS = 14
LATE = timedelta(seconds=1)


@dataclass
class Fired:
    """When each period was due, and when it came."""

    due: list[datetime] = field(default_factory=list)
    at: list[datetime] = field(default_factory=list)


@workflow.defn
class Periods:
    """Waits for one period in each run."""

    @workflow.init
    def __init__(self, fired: Fired) -> None:
        self.due = (fired.due[-1] if fired.due else workflow.now()) + PERIOD

    @workflow.run
    async def run(self, fired: Fired) -> Fired:
        await workflow.sleep(max(self.due - workflow.now(), timedelta(0)))
        after = Fired([*fired.due, self.due], [*fired.at, workflow.now()])
        if len(after.due) < PERIODS:
            workflow.continue_as_new(after)
        return after

    @workflow.query
    def next_due(self) -> datetime:
        return self.due


@workflow.defn
class Busy:
    """Waits for an activity that nobody takes: no clock is turned meanwhile."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity(
            "nobody", task_queue="nobody", start_to_close_timeout=PERIOD
        )


async def started(handle: WorkflowHandle) -> None:
    """Wait until the workflow has set its first timer."""

    async def look() -> bool:
        try:
            await handle.query(Periods.next_due)
        except RPCError:  # its first task is not scheduled yet
            return False
        return True

    await until(look, bool, "the first task")


async def test_every_period_of_fourteen_months_fires_within_a_second_of_its_due_time(
    temporal_server,
):
    client = await Client.connect(temporal_server.address)
    skipper = TimeSkipper(client, config=TimeSkippingConfig(max_session_skip_count=100_000))
    name = str(uuid4())
    worker = Worker(
        client,
        task_queue=name,
        workflows=[Periods],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        await client.start_workflow(Periods.run, Fired(), id=name, task_queue=name)
        handle = client.get_workflow_handle_for(Periods.run, name)
        # One hop over all of them is what breaks first; whoever must act in between hops less far.
        await started(handle)
        await skipper.fast_forward(handle, PERIOD * PERIODS + LATE)
        fired = await handle.result()
    assert len(fired.due) == PERIODS
    assert all(second - first == PERIOD for first, second in pairwise(fired.due))
    late = [at - due for due, at in zip(fired.due, fired.at, strict=True)]
    assert timedelta(0) <= min(late) <= max(late) < LATE


async def test_a_clock_that_somebody_else_has_turned_since_is_no_fault(temporal_server):
    """As where a run has ended before the server was asked: the next one does not know it."""
    client = await Client.connect(temporal_server.address)
    skipper = TimeSkipper(client, config=TimeSkippingConfig(max_session_skip_count=100_000))
    name = str(uuid4())
    async with Worker(client, task_queue=name, workflows=[Busy]):
        with skipper.with_time_skipping_disabled():
            await client.start_workflow(Busy.run, id=name, task_queue=name)
        handle = client.get_workflow_handle(name)
        life = Timeline(skipper, handle)

        async def seen(kind: EventType.ValueType) -> int:
            return [one.event_type for one in (await handle.fetch_history()).events].count(kind)

        waits = EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        turned = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED
        await until(lambda: seen(waits), bool, "the activity")
        first = asyncio.create_task(life.skip(PERIOD))
        await until(lambda: seen(turned), bool, "the first turn")
        second = asyncio.create_task(life.skip(PERIOD))
        await first
        await handle.terminate()
        await second

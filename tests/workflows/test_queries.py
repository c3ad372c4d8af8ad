"""A query asks; a workflow is moved by its tasks alone."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import FireTimer, WorkflowActivation
from temporalio.client import Client
from temporalio.worker import Worker

from local.patience import until
from workflows.queries import TOO_EARLY, TasksOnlyRunner, ask_status

DAY = timedelta(days=1)


@workflow.defn
class Sleeper:
    """Sleeps a day, and says what its clock showed when the day was over."""

    def __init__(self) -> None:
        self.awoke = ""

    @workflow.run
    async def run(self) -> str:
        await workflow.sleep(DAY)
        self.awoke = workflow.now().isoformat()
        await workflow.wait_condition(lambda: False)
        return self.awoke

    @workflow.query
    def status(self) -> dict[str, str]:
        return {"awoke": self.awoke}


class Overheard(TasksOnlyRunner):
    """The runner of the engine, whose instances and last activations can be looked at."""

    def __init__(self):
        self.instances = []
        self.lived = []

    def create_instance(self, det):
        instance = super().create_instance(det)
        self.instances.append(instance)
        activate = instance.activate

        def overheard(act):
            self.lived.append(act)
            return activate(act)

        instance.activate = overheard
        return instance


@pytest.fixture
async def client(temporal_server):
    return await Client.connect(temporal_server.address)


@pytest.fixture
async def asleep(client):
    """Yield a workflow that sleeps, and the runner of its only worker."""
    queue, runner = f"sleepers-{uuid4()}", Overheard()
    async with Worker(client, task_queue=queue, workflows=[Sleeper], workflow_runner=runner):
        handle = await client.start_workflow(Sleeper.run, id=queue, task_queue=queue)

        async def look():
            history = await handle.fetch_history()
            return [one.HasField("timer_started_event_attributes") for one in history.events]

        await until(look, any, "a timer")
        yield handle, runner
        await handle.terminate()


def rings(began: WorkflowActivation, *, later: timedelta) -> WorkflowActivation:
    """Return the timer's ring as the SDK brings it, so long after the task that set it."""
    act = WorkflowActivation(run_id=began.run_id, history_length=began.history_length + 4)
    act.timestamp.FromNanoseconds(
        began.timestamp.ToNanoseconds() + later // timedelta(microseconds=1) * 1_000
    )
    act.jobs.add().fire_timer.CopyFrom(FireTimer(seq=1))
    return act


async def test_what_no_task_has_begun_for_moves_nothing(asleep):
    handle, runner = asleep
    (instance,) = runner.instances
    early = rings(runner.lived[0], later=timedelta(0))
    refused = await asyncio.to_thread(instance.activate, early)
    assert refused.failed.failure.message == TOO_EARLY
    assert await ask_status(handle) == {"awoke": ""}


async def test_what_is_replayed_is_never_refused(asleep):
    _, runner = asleep
    (instance,) = runner.instances
    replayed = rings(runner.lived[0], later=timedelta(0))
    replayed.is_replaying = True
    lived = await asyncio.to_thread(instance.activate, replayed)
    assert lived.HasField("successful")


async def test_what_a_task_has_begun_for_is_lived_at_its_time(asleep):
    handle, runner = asleep
    (instance,) = runner.instances
    lived = await asyncio.to_thread(instance.activate, rings(runner.lived[0], later=2 * DAY))
    assert lived.HasField("successful")
    began = runner.lived[0].timestamp.ToDatetime()
    awoke = (await ask_status(handle))["awoke"]
    assert awoke[:19] == (began + 2 * DAY).isoformat()[:19]


async def test_who_asks_too_early_asks_again(asleep, monkeypatch):
    """The answer that the SDK makes of a refusal is the one that is recognised."""
    handle, runner = asleep
    (instance,) = runner.instances
    asked = []
    usual = instance.activate

    def refusing(act):
        if act.jobs[0].WhichOneof("variant") == "query_workflow":
            asked.append(act)
            if len(asked) == 1:
                refused = rings(runner.lived[0], later=timedelta(0))
                return usual(refused)
        return usual(act)

    monkeypatch.setattr(instance, "activate", refusing)
    assert await ask_status(handle) == {"awoke": ""}
    assert len(runner.instances) == 2  # the first was forgotten, and its history read anew

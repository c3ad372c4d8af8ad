"""Each night at its hour, forever, everything is compared, even after a processor outage."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from domain.payments.reconciliation import NIGHT_HOUR, next_night
from local.patience import until
from local.postgres import Database
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from local.timeline import HAIR, MOST_HOPS
from models.base import connect
from settings import Settings
from tests.api.arrangements import environment, own_namespace
from worker import THREADS, Fleet, start_nights
from workflows import names
from workflows.reconciliation import NIGHTS_PER_RUN, workflow

pytestmark = pytest.mark.long


@pytest.fixture
async def fleet(
    temporal_server: TemporalServer, database: Database, standin: StandIn
) -> AsyncIterator[Fleet]:
    """Who can run the comparison in a namespace and on a ledger of its own."""
    client = await own_namespace(temporal_server.address)
    variables = environment(database.url, client, standin, PUBLIC_URL="http://127.0.0.1:1")
    engine = connect(database.url)
    yield Fleet(Settings.from_environment(variables), engine, client)
    engine.dispose()
    standin.behave()


@asynccontextmanager
async def at_work(fleet: Fleet) -> AsyncIterator[None]:
    """Run the workers of the comparison; later ones know only the past of a run."""
    with ThreadPoolExecutor(THREADS) as executor:
        billing = fleet.worker(names.BILLING, executor)
        async with billing, fleet.worker(names.STRIPE, executor):
            yield


@pytest.fixture
async def nights(fleet: Fleet) -> AsyncIterator[Client]:
    """A namespace where the comparison runs."""
    async with at_work(fleet):
        yield fleet.client


async def told(handle: WorkflowHandle[Any, Any]) -> str:
    """Return what the comparison says of the last night."""
    metadata = await handle.query("__temporal_workflow_metadata")
    return str(metadata.current_details)


Asleep = tuple[str, int, bool]


async def waits(handle: WorkflowHandle[Any, Any]) -> Asleep:
    """Return the run of now, how many nights it has waited for, and whether it waits."""
    run = (await handle.describe()).run_id
    nights, waiting = 0, False
    async for event in handle.fetch_history_events():
        if event.HasField("timer_started_event_attributes"):
            nights, waiting = nights + 1, True
        elif event.HasField("timer_fired_event_attributes"):
            waiting = False
    return run, nights, waiting


async def next_wait(handle: WorkflowHandle[Any, Any], before: Asleep) -> Asleep:
    """Wait until all of a night is done and the next one is waited for, in this run or another.

    A clock that is turned before that is turned past the night.
    """
    return await until(
        lambda: waits(handle),
        lambda seen: seen[2] and seen != before,
        f"the comparison to wait for its next night, after {before}",
    )


async def starts(client: Client, activity: str) -> list[datetime]:
    """Return when an activity was asked for, of all runs."""
    found = []
    async for run in client.list_workflows(f"WorkflowId = '{names.RECONCILIATION}'"):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        found += [
            event.event_time.ToDatetime()
            async for event in handle.fetch_history_events()
            if event.activity_task_scheduled_event_attributes.activity_type.name == activity
        ]
    return sorted(found)


async def test_each_night_at_its_hour_and_the_next_run_goes_on(
    nights: Client, standin: StandIn
) -> None:
    skipper = TimeSkipper(nights, config=TimeSkippingConfig(max_session_skip_count=MOST_HOPS))
    with skipper.with_time_skipping_disabled():  # until the clock is turned, night by night
        await start_nights(skipper.client)
    handle = nights.get_workflow_handle(names.RECONCILIATION)
    first_run = (await handle.describe()).run_id
    standin.post("/_fault", fault="drop", path="/v1/invoices", method="GET", count=2)

    wanted = []
    waiting = await next_wait(handle, ("", 0, False))
    for _ in range(NIGHTS_PER_RUN + 2):
        now = await skipper.get_current_time(handle)
        night = next_night(now)
        wanted.append(night)
        await skipper.fast_forward(handle, night - now + HAIR)
        waiting = await next_wait(handle, waiting)

    details = await told(handle)
    assert f"{night:%Y-%m-%d}" in details
    assert "paid invoices" in details
    assert (await handle.describe()).run_id != first_run
    happened = await starts(nights, "reconcile")
    assert [at.date() for at in happened] == [night.date() for night in wanted]
    late = [at - night.replace(tzinfo=None) for at, night in zip(happened, wanted, strict=True)]
    assert timedelta(0) <= min(late) <= max(late) < timedelta(minutes=5)
    assert {at.hour for at in happened} == {NIGHT_HOUR}
    summed_up = await starts(nights, "sum_up_days")
    assert [at.date() for at in summed_up] == [night.date() for night in wanted]


async def test_a_run_from_before_days_were_summed_up_does_so_in_the_next_night(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    skipper = TimeSkipper(fleet.client, config=TimeSkippingConfig(max_session_skip_count=MOST_HOPS))
    waiting, wanted = ("", 0, False), []
    monkeypatch.setattr(workflow, "patched", lambda _: False)
    for _ in range(2):
        async with at_work(fleet):
            with skipper.with_time_skipping_disabled():
                await start_nights(skipper.client)
            handle = fleet.client.get_workflow_handle(names.RECONCILIATION)
            waiting = await next_wait(handle, waiting) if not wanted else waiting
            now = await skipper.get_current_time(handle)
            wanted.append(next_night(now))
            await skipper.fast_forward(handle, wanted[-1] - now + HAIR)
            waiting = await next_wait(handle, waiting)
        monkeypatch.undo()
    assert [at.date() for at in await starts(fleet.client, "reconcile")] == [
        night.date() for night in wanted
    ]
    assert [at.date() for at in await starts(fleet.client, "sum_up_days")] == [wanted[-1].date()]

"""Renewals of one instant are paid over a stretch of time; who needs one does not wait for it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.mail_catcher.process import MailCatcher
from local.postgres import Database
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from models.base import connect
from settings import Settings
from tests.api.arrangements import environment, own_namespace
from tests.fleet import SECOND, RunningFleet
from tests.running import Workers
from worker import Fleet

SPREAD = timedelta(hours=1)
BOUNDARY = datetime(2027, 2, 1, tzinfo=UTC)


@pytest.fixture
async def spreading(
    temporal_server: TemporalServer,
    database: Database,
    standin: StandIn,
    mail_catcher: MailCatcher,
    catalogs: Path,
) -> AsyncIterator[RunningFleet]:
    """Workers that pay renewals over an hour, in a namespace and a database of their own."""
    client = await own_namespace(temporal_server.address)
    variables = environment(
        database.url,
        client,
        standin,
        SMTP_URL=mail_catcher.smtp_url,
        PUBLIC_URL="http://127.0.0.1:1",
        DRAWDOWN_CATALOGS=str(catalogs),
        RENEWAL_SPREAD_SECONDS=str(int(SPREAD.total_seconds())),
    )
    engine = connect(database.url, pool_size=20)
    workers = Workers(Fleet(Settings.from_environment(variables), engine, client))
    await workers.start()
    yield RunningFleet(client, engine, standin, mail_catcher)
    await workers.stop()
    engine.dispose()


async def test_renewals_of_one_instant_are_paid_one_after_the_other(
    spreading: RunningFleet,
) -> None:
    customers = [await spreading.subscribe("core_10k") for _ in range(3)]

    due = []
    for customer in customers:
        status = await customer.pass_until(BOUNDARY - SECOND)
        due.append(datetime.fromisoformat(status["next_due"]))
        assert customer.paid() == [900]
        status = await customer.pass_until(BOUNDARY + SPREAD)
        assert (status["status"], status["available"]) == ("active", "10000")
        assert status["period_start"] == BOUNDARY.isoformat()
        assert customer.paid() == [900, 900]
        customer.check()
    assert len(set(due)) == len(due)
    assert all(BOUNDARY <= at <= BOUNDARY + SPREAD for at in due)


async def test_usage_that_waits_for_a_renewal_has_it_paid_at_once(spreading: RunningFleet) -> None:
    customer = await spreading.subscribe("core_10k", auto=True)
    await customer.report(["9999"])
    status = await customer.pass_until(BOUNDARY + SECOND)
    assert customer.paid() == [900], "the spread is too short for this subscription's id"
    assert datetime.fromisoformat(status["next_due"]) > BOUNDARY + SECOND

    used = await customer.use("5")

    assert (used["status"], used["available"]) == ("debited", "9995")
    assert customer.paid() == [900, 900]
    assert [kind for kind, *_ in customer.charges()] == ["period", "period"]
    customer.check()


async def test_a_renewal_ranks_behind_usage_and_a_first_period_before_it(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.use("1")
    await customer.pass_until(BOUNDARY + SECOND)

    ranks: dict[str, set[int]] = {}
    described = await customer.life.handle.describe()
    run_id = described.raw_description.workflow_execution_info.first_run_id
    while run_id:
        handle = fleet.client.get_workflow_handle(customer.life.handle.id, run_id=run_id)
        events = (await handle.fetch_history()).events
        for event in events:
            if event.HasField("activity_task_scheduled_event_attributes"):
                called = event.activity_task_scheduled_event_attributes
                ranks.setdefault(called.activity_type.name, set()).add(called.priority.priority_key)
        run_id = events[
            -1
        ].workflow_execution_continued_as_new_event_attributes.new_execution_run_id

    usual = 3  # what the server gives to what has no rank
    assert ranks["debit_usage"] == {0}
    assert ranks["open_period"] == ranks["open_period_charge"] == {1, 4}
    assert min(ranks["open_period"]) < usual < max(ranks["open_period"])

"""`reconcile` by hand: lost workflows, orphaned workflows, stuck messages."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import update
from temporalio.client import Client

from domain.subscription import Status
from ledger import grants
from ledger.notifications import webhook_endpoints, webhook_events
from local.patience import until
from local.postgres import Database
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from models.base import connect
from models.tables import Subscription
from tests.api.arrangements import environment, own_namespace
from tests.builders import NOON, SubscribedWallet, a_grant, a_wallet
from workflows import names

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
LATE = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
async def temporal(temporal_server: TemporalServer) -> Client:
    """A namespace without workers: what is started there runs, and does nothing."""
    return await own_namespace(temporal_server.address)


@pytest.fixture
def variables(database: Database, temporal: Client, standin: StandIn) -> dict[str, str]:
    return environment(database.url, temporal, standin, PUBLIC_URL="http://127.0.0.1:1")


def cli(variables: dict[str, str], *args: str) -> tuple[int, str]:
    done = subprocess.run(  # noqa: PLW1510 - tests read the return code
        [sys.executable, "cli.py", *args],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout or done.stderr


def subscribed(database: Database, status: Status) -> SubscribedWallet:
    """Let the ledger know a subscription on a plan of a price list."""
    plan = {"catalog": "make", "plan_id": "core_10k", "version": 1, "price_minor": 900}
    engine = connect(database.owner_url)
    with engine.begin() as connection:
        wallet = a_wallet(connection, f"compared-{status.value}")
        changed = update(Subscription).values(plan=plan, status=status)
        connection.execute(changed.where(Subscription.account_id == wallet.account_id))
    engine.dispose()
    return wallet


async def let_run(client: Client, wallet: SubscribedWallet) -> None:
    """Start a workflow for a subscription, and wait until it is listed."""
    await client.start_workflow(
        "Subscription",
        id=names.subscription_workflow(wallet.subscription_id),
        task_queue=names.BILLING,
    )

    async def listed() -> list[str]:
        return [one.id async for one in client.list_workflows("WorkflowType = 'Subscription'")]

    wanted = names.subscription_workflow(wallet.subscription_id)
    await until(listed, lambda ids: wanted in ids, f"{wanted} to be listed")


def wait_for_long(database: Database, wallet: SubscribedWallet, key: str, since: datetime) -> None:
    """Put a message into the outbox that no relay has fetched."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(
            "INSERT INTO outbox (account_id, message_key, topic, payload, recorded_at)"
            " VALUES (%s, %s, 'mail', '{}', %s)",
            (wallet.account_id, key, since),
        )


def let_wait_for_a_receiver(database: Database, wallet: SubscribedWallet) -> str:
    """Leave a delivery that is long due undone; return its endpoint."""
    engine = connect(database.owner_url)
    with engine.begin() as connection:
        grants.give(connection, wallet.account_id, a_grant(), NOON)
        made = webhook_endpoints.create(
            connection, "https://hooks.example.com/", "ada@example.com", LATE
        )
    with engine.begin() as connection:
        webhook_events.publish(connection, LATE - timedelta(minutes=1))
    engine.dispose()
    return made.endpoint_id


def listed(variables: dict[str, str]) -> list[dict[str, str]]:
    """Return the open findings."""
    return list(json.loads(cli(variables, "findings", "--json")[1]))


def found(variables: dict[str, str]) -> dict[str, tuple[str | None, str]]:
    """Return subscription and detail of findings, except those of other tests."""
    mine = (one for one in listed(variables) if one["kind"] != "paid_without_charge")
    return {one["kind"]: (one["subscription"], one["detail"]) for one in mine}


async def test_lives_without_workflows_and_messages_that_stay_are_found(
    variables: dict[str, str], database: Database, temporal: Client
) -> None:
    runs, lost, over = (
        subscribed(database, status) for status in (Status.ACTIVE, Status.PAUSED, Status.ENDED)
    )
    await let_run(temporal, runs)
    await let_run(temporal, over)
    wait_for_long(database, lost, "old", LATE)
    wait_for_long(database, lost, "young", datetime.now(UTC))
    endpoint = let_wait_for_a_receiver(database, runs)

    code, answer = cli(variables, "reconcile")
    first = found(variables)
    cli(variables, "reconcile")

    assert code == 1, answer
    assert json.loads(answer[: answer.index("}") + 1])["subscriptions"] == 2
    assert set(first) == {
        "without_workflow",
        "without_subscription",
        "outbox_stuck",
        "webhooks_stuck",
    }
    assert first["without_workflow"][0] == lost.subscription_id
    assert first["without_subscription"][0] == over.subscription_id
    assert first["outbox_stuck"][1].startswith("1 of mail wait, the oldest since ")
    assert first["webhooks_stuck"][1].startswith("2 deliveries are due, the oldest since ")
    assert any(one["key"].startswith(f"webhooks_stuck:{endpoint}:") for one in listed(variables))
    assert found(variables) == first

"""A worker dies with a debit under way; a ledger that is slow. Nothing is debited twice or lost."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from local.patience import until
from local.postgres import Database
from local.processes import spawn, stop, wait_until
from models.base import connect
from nexus import endpoint
from tests.api.arrangements import own_namespace
from tests.api.v1.conftest import put_on
from tests.builders import a_subscribed_wallet, shipped_plan
from tests.deployment import environment
from tests.nexus.calling import Callers, sample

ROOT = Path(__file__).parents[2]
MOST_WORKFLOW_TASKS = 8


@contextmanager
def locked(url: str, account_id: int) -> Iterator[psycopg.Connection[Any]]:
    """Hold a wallet's lock."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT FROM wallets WHERE account_id = %s FOR UPDATE", (account_id,))
        yield connection


async def someone_waits(url: str) -> None:
    """Wait until a debit stands behind a lock."""
    query = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'
    """

    async def look() -> int:
        with psycopg.connect(url) as connection:
            return int(connection.execute(query).fetchone()[0])

    await until(look, lambda found: found > 0, "a debit that waits for the wallet")


class Mortal:
    """The worker of `billing` as a process, in a namespace of its own."""

    def __init__(self, variables: dict[str, str], folder: Path) -> None:
        self.variables = variables
        self.folder = folder

    @contextmanager
    def running(self) -> Iterator[Any]:
        log = self.folder / f"worker-{uuid4()}.log"
        words = [sys.executable, str(ROOT / "worker.py"), "--queue", "billing"]
        process = spawn(words, log=log, env=self.variables)
        try:
            wait_until(
                lambda: "serving" in log.read_text(), 60, "the worker", process=process, log=log
            )
            yield process
        finally:
            stop(process)


@pytest.mark.long
async def test_a_debit_whose_worker_is_killed_is_made_once(
    database: Database, temporal_server, tmp_path
) -> None:
    client = await own_namespace(temporal_server.address)
    engine = connect(database.url)
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection)
        put_on(connection, wallet, shipped_plan("make", "core_10k"))
    variables = environment(
        database.url,
        PATH=os.environ["PATH"],
        TEMPORAL_ADDRESS=temporal_server.address,
        TEMPORAL_NAMESPACE=client.namespace,
    )
    mortal, name = Mortal(variables, tmp_path), f"killed-{uuid4().hex}"
    await endpoint.ensure(client, name)
    event = {
        "customer_id": wallet.customer_id,
        "key": "once",
        "action": "operation",
        "quantity": "5",
        "event_at": "2027-01-01T00:00:00Z",
    }
    with sample(tmp_path, name) as module:
        callers = Callers(client, module)
        async with callers.worker():
            with locked(database.url, wallet.account_id), mortal.running() as worker:
                asked = await callers.start([("consume", event)])
                await someone_waits(database.url)
                worker.kill()
            with mortal.running():
                (answer,) = await asked.result()

    # The dead worker's statement may have been carried out, which nobody heard of.
    assert answer["status"] in ("debited", "repeated")
    assert (answer["available"], answer["charged"]) == ("9995", {"credits": "5"})
    with engine.connect() as connection:
        debits = "SELECT count(DISTINCT seq) FROM entries WHERE kind = 'debit'"
        assert connection.exec_driver_sql(debits).scalar_one() == 1
    engine.dispose()


async def test_a_slow_ledger_holds_no_workflow_s_slot(fleet, callers, session_database) -> None:
    slow = await fleet.subscribe("core_10k")
    other = await fleet.subscribe("core_10k")
    keys = [f"slow-{number}" for number in range(3 * MOST_WORKFLOW_TASKS)]
    names = {"customer_id": slow.name}
    with locked(session_database.url, slow.account_id):
        events = [{**await slow.event("1", key), **names} for key in keys]
        asked = [await callers.start([("consume", event)]) for event in events]
        await someone_waits(session_database.url)

        answer = await other.use("1")

    assert answer["status"] == "debited"
    await asyncio.gather(*(one.result() for one in asked))
    assert slow.used() == dict.fromkeys(slow.used(), 1_000_000)
    assert sorted(slow.used()) == sorted(keys)
    slow.check()

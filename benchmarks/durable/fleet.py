"""A fleet in the benchmark's own process, on a stack of its own that is gone afterwards."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from sqlalchemy import Engine, text
from temporalio.client import Client
from temporalio.worker import Worker, WorkflowRunner

from benchmarks.durable.naive import QUEUE, Debiting, NaiveUsage
from domain.subscription import Start
from ledger import balances
from local.stack import Stack, environment
from local.timeline import Json, Timeline
from models.base import connect
from settings import Settings
from worker import THREADS, Fleet, connected, start_relays
from workflows import names

BEGUN = timedelta(seconds=1)
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Bench:
    """Servers and workers under measurement."""

    client: Client
    engine: Engine

    async def subscribe(self, plan: str, begins_at: datetime | None = None) -> Timeline:
        """Return a subscription whose first period has begun; None begins it in real time now."""
        number = next(_numbers)
        at = begins_at or datetime.now(UTC)
        life = await Timeline.start(
            self.client,
            Start(
                subscription_id=f"bench-{number}",
                customer_id=f"customer-{number}",
                name="Ada Example",
                email=f"ada-{number}@example.com",
                catalog="make",
                plan_id=plan,
                payment_method="pm_card_visa",
                begins_at=at,
            ),
        )
        while (await life.settle())["status"] != "active":
            await life.advance(at + BEGUN)
        return life

    def last_invoice(self, customer_id: str) -> str:
        """Return the processor's id of the newest paid invoice."""
        query = text(
            "SELECT invoice FROM charges JOIN customers USING (account_id)"
            " WHERE customer_id = :customer ORDER BY settled_at DESC LIMIT 1"
        )
        with self.engine.connect() as connection:
            return str(connection.execute(query, {"customer": customer_id}).scalar_one())

    def broken_laws(self) -> int:
        """Return how many rows the view `violations` has."""
        with self.engine.connect() as connection:
            return len(balances.violations(connection))


def events(how_many: int) -> list[Json]:
    """Return usage events of one credit each that happen now."""
    now = datetime.now(UTC).isoformat()
    return [
        {"key": f"e-{next(_numbers)}", "action": "operation", "quantity": "1", "event_at": now}
        for _ in range(how_many)
    ]


@asynccontextmanager
async def running(runner: WorkflowRunner | None = None) -> AsyncIterator[Bench]:
    """Run the stack, a worker for each queue and one for the naive shape.

    `runner` runs the workflows in place of the worker's own.
    """
    stack = new_stack()
    try:
        settings = Settings.from_environment(environment(stack) | {"METRICS_ADDRESS": ""})
        engine = connect(settings.database_url, pool_size=THREADS)
        client = await connected(settings)
        fleet = Fleet(settings, engine, client)
        async with AsyncExitStack() as workers:
            executor = workers.enter_context(ThreadPoolExecutor(2 * THREADS))
            for queue in names.QUEUES:
                own = {"workflow_runner": runner} if runner and queue == names.BILLING else {}
                await workers.enter_async_context(fleet.worker(queue, executor, **own))
            await workers.enter_async_context(_naive_worker(client, fleet, executor))
            await start_relays(client)
            yield Bench(client, engine)
        engine.dispose()
    finally:
        stack.stop()
        shutil.rmtree(stack.postgres.folder, ignore_errors=True)
        shutil.rmtree(stack.home, ignore_errors=True)


def new_stack() -> Stack:
    """Start the four servers in a new folder."""
    home = Path(tempfile.mkdtemp(prefix="drawdown-bench-"))
    home.chmod(0o755)  # PostgreSQL runs as another account when we are root
    return Stack.start(home, persistent=False)


def _naive_worker(client: Client, fleet: Fleet, executor: ThreadPoolExecutor) -> Worker:
    _, activities = fleet.served(names.BILLING)
    debit = next(one for one in activities if one.__name__ == "debit")
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[NaiveUsage],
        activities=[Debiting(debit).debit_one],
        activity_executor=executor,
    )

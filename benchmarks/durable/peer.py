"""The naive shape in use: the same events to the same ledger, by a workflow of the common kind."""

import asyncio
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from temporalio.client import WorkflowHandle

from activities.usage.events import Batch
from benchmarks.durable.fleet import Bench, events
from benchmarks.durable.naive import QUEUE, NaiveUsage
from catalogs.reader import load_catalogs
from domain.messages.usage import parse_event
from ledger import accounts
from settings import CATALOGS

LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Peer:
    """A running naive workflow; its batches are copies of `form` with one event each."""

    handle: WorkflowHandle[Any, Any]
    form: Batch
    sent: int = 0

    @classmethod
    async def start(cls, bench: Bench, plan_id: str) -> "Peer":
        """Start it beside a subscription whose wallet it debits."""
        life = await bench.subscribe(plan_id)
        status = await life.settle()
        with bench.engine.connect() as connection:
            account = accounts.account_of(connection, status["customer"])
        catalog = next(one for one in load_catalogs(CATALOGS) if one.name == "make")
        form = Batch(
            subscription_id=status["subscription"],
            account_id=account,
            plan=catalog.plan(plan_id),
            window_end=datetime.fromisoformat(status["window_end"]),
            events=(),
            refusals=(),
            at=datetime.now(UTC),
        )
        handle = await bench.client.start_workflow(
            NaiveUsage.run, id="bench-naive", task_queue=QUEUE
        )
        return cls(handle, form)

    @property
    def workflow_id(self) -> str:
        """Return the id of the workflow."""
        return self.handle.id

    async def drip(self, size: int, signals: int) -> None:
        """Send signals one by one, each when the one before it is decided."""
        for _ in range(signals):
            batches = [self._batch(event) for event in events(size)]
            await self.handle.signal(NaiveUsage.use, batches)
            self.sent += size
            await self._settle()

    async def stop(self) -> None:
        """End the workflow."""
        await self.handle.signal(NaiveUsage.stop)
        await self.handle.result()

    async def _settle(self) -> None:
        while True:  # a query leaves no event behind; waiting by an update would
            if await self.handle.query(NaiveUsage.debited) >= self.sent:
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _batch(self, event: dict[str, Any]) -> Batch:
        return replace(self.form, events=(parse_event(json.dumps(event).encode()),))

"""The peer: the common shape of a workflow that runs one activity for each usage event."""

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from activities.usage.events import Batch, BatchOutcome

QUEUE = "bench-naive"


class Debiting:
    """The same debit as the product's, one event a call."""

    def __init__(self, debit: Callable[[Batch], BatchOutcome]) -> None:
        self._debit = debit

    @activity.defn
    def debit_one(self, batch: Batch) -> str:
        """Debit a batch of one event; return its status."""
        return self._debit(batch).outcomes[0].status


@workflow.defn
class NaiveUsage:
    """Takes signals of usage and debits one event after the other."""

    def __init__(self) -> None:
        self._queue: deque[Any] = deque()
        self._debited = 0
        self._done = False

    @workflow.run
    async def run(self) -> int:
        """Debit until told to stop; return how many events were debited."""
        while True:
            await workflow.wait_condition(lambda: bool(self._queue) or self._done)
            if not self._queue:
                return self._debited
            await workflow.execute_activity(
                "debit_one",
                self._queue.popleft(),
                start_to_close_timeout=timedelta(seconds=20),
            )
            self._debited += 1

    @workflow.signal
    def use(self, batches: list[Any]) -> None:
        """Queue batches of one event each."""
        self._queue.extend(batches)

    @workflow.signal
    def stop(self) -> None:
        """End once the queue is empty."""
        self._done = True

    @workflow.query
    def debited(self) -> int:
        """Return how many events have been debited."""
        return self._debited

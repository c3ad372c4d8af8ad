"""Customers who consume at a steady pace, whatever else goes on and however long answers take."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.durable.fleet import Bench, events
from local.timeline import Timeline

PLAN = "core_80k"
CUSTOMERS = 30  # the server takes ten updates under way for each
EVERY = 0.1  # seconds between two calls, of all customers together


@dataclass(slots=True)
class Callers:
    """Calls so far: when each began and how many milliseconds its answer took."""

    lives: Sequence[Timeline]
    calls: list[tuple[float, float]] = field(default_factory=list)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def between(self, begun: float, ended: float) -> list[float]:
        """Return the latencies of the calls that began then, once all are answered."""
        await self.answered()
        return [took for at, took in self.calls if begun <= at < ended]

    async def call_on(self) -> None:
        """Call one customer after the other, without waiting for answers."""
        number, due = 0, time.perf_counter()
        while True:
            task = asyncio.create_task(self._call(self.lives[number % len(self.lives)]))
            self._under_way.add(task)
            task.add_done_callback(self._answered)
            number, due = number + 1, due + EVERY
            await asyncio.sleep(max(due - time.perf_counter(), 0))

    async def answered(self) -> None:
        """Wait for the answers to all calls so far. Raises what a call raised."""
        await asyncio.gather(*self._under_way)

    def _answered(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._under_way.discard(task)  # a failed one stays, for `between` to raise

    async def _call(self, life: Timeline) -> None:
        begun = time.perf_counter()
        answer = await life.ask("consume", events(1)[0])
        self.calls.append((begun, 1_000 * (time.perf_counter() - begun)))
        if answer["status"] != "debited":
            raise SystemExit(f"not debited: {answer}")


@asynccontextmanager
async def calling(bench: Bench) -> AsyncIterator[Callers]:
    """Let some customers consume while the block runs."""
    lives = await asyncio.gather(*(bench.subscribe(PLAN) for _ in range(CUSTOMERS)))
    callers = Callers(lives)
    task = asyncio.create_task(callers.call_on())
    try:
        yield callers
    finally:
        task.cancel()
        await callers.answered()


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]

"""Many asyncio callers of the group commit, each waiting for its own answer."""

import asyncio
import random
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

from benchmarks.load.measure import Speed, speed
from domain.usage import PricedEvent, UsageEvent
from ledger.usage.group_commit import GroupCommit
from local.postgres import Postgres


def grouped_debits(server: Postgres, accounts: Sequence[int], callers: int, seconds: int) -> Speed:
    """Measure debits of random accounts by `callers` tasks of one process."""
    return asyncio.run(_measure(server.dsn(), accounts, callers, seconds))


async def _measure(url: str, accounts: Sequence[int], callers: int, seconds: int) -> Speed:
    latencies: list[float] = []
    async with GroupCommit(url) as group:
        await _call(group, accounts[:1], time.perf_counter() + 0.1, [])  # connected
        start = time.perf_counter()
        until = start + seconds
        await asyncio.gather(*(_call(group, accounts, until, latencies) for _ in range(callers)))
        elapsed = time.perf_counter() - start
    return speed(latencies, len(latencies), elapsed)


async def _call(
    group: GroupCommit, accounts: Sequence[int], until: float, latencies: list[float]
) -> None:
    sender = str(uuid.uuid4())[:24]
    for number in count(100_000_000_000):
        asked = time.perf_counter()
        if asked > until:
            return
        now = datetime.now(UTC)
        credits_micro = random.randrange(1, 6) * 1_000_000
        # A key as long as a UUID's text.
        event = UsageEvent(f"{sender}{number}", "operation", credits_micro, now)
        priced = PricedEvent(event, "credits", credits_micro)
        outcome = await group.debit(random.choice(accounts), priced, now)
        latencies.append((time.perf_counter() - asked) * 1_000)
        if outcome.status != "debited":
            raise SystemExit(f"refused: {outcome}")

"""Measure a fleet: renewals at one instant, a noisy neighbour, bursts of usage, memory.

Real servers, workers as processes of their own, real time. The peer of a renewal is a workflow with
as many empty activities on the same queues of the same workers, in turn with it; medians of the
rounds. The processor's own limit (STRIPE_CALLS_PER_SECOND) is lifted for both, or it would be all
that is measured. What renewals do to others' usage is measured twice: all at once, and paid at a
pace (RENEWAL_SPREAD_SECONDS), as the processor's limit allows them anyway.
"""

import argparse
import asyncio
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import text

from benchmarks.durable.callers import PLAN, Callers, calling, percentile
from benchmarks.durable.deployment import Deployment, deployed
from benchmarks.durable.fleet import Bench, events
from benchmarks.durable.footprint import resident_bytes
from benchmarks.durable.waves import Wave, Waves
from benchmarks.load.machine import ratio
from local.timeline import Json, Timeline

UNLIMITED = 10_000  # calls of the processor a second
PACE = 2  # renewals a second that are paid when they are spread
WARM_UP = 20  # subscriptions
SIGNAL = 100  # usage events in a message
BURST = 40  # messages at once: more would fill the queue
SMALL = "0.1"  # credits: the noisy customer must not run out of them
QUIET_SECONDS = 15
CALM_SECONDS = 8  # before an instant, when all is prepared
KIB = 1_024
AIMS = {  # the first at least, the others at most
    "renewals": 0.7,
    "renewals_consume_p99": 2.0,
    "noisy_neighbour_p99": 2.0,
}


@dataclass(slots=True)
class Held:
    """Bytes held, before or after some subscriptions began."""

    workers: int
    temporal: int
    ledger: int

    @classmethod
    def now(cls, deployment: Deployment) -> "Held":
        """Look at the processes and at the ledger's database."""
        pids = deployment.pids()
        with deployment.bench.engine.connect() as connection:
            ledger = connection.scalar(text("SELECT pg_database_size(current_database())"))
        return cls(
            workers=resident_bytes(*pids["workers"]),
            temporal=resident_bytes(*pids["Temporal"]),
            ledger=int(ledger or 0),
        )


@dataclass(slots=True)
class Renewals:
    """The rounds so far; latencies in milliseconds, bytes for each subscription."""

    ours: list[Wave] = field(default_factory=list)
    peers: list[Wave] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    beside_peers: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)
    temporal: list[float] = field(default_factory=list)
    ledger: list[float] = field(default_factory=list)

    def grew(self, before: Held, after: Held, count: int) -> None:
        """Note what so many subscriptions take, each with a cached workflow."""
        self.worker.append((after.workers - before.workers) / count)
        self.temporal.append((after.temporal - before.temporal) / count)
        self.ledger.append((after.ledger - before.ledger) / count)

    def ratios(self) -> dict[str, float]:
        """Return the figures."""
        pairs = zip(self.ours, self.peers, strict=True)
        idle = percentile(self.idle, 99)
        return {
            "renewals": statistics.median(one.per_second / two.per_second for one, two in pairs),
            "renewals_per_second": statistics.median(one.per_second for one in self.ours),
            "empty_steps_per_second": statistics.median(one.per_second for one in self.peers),
            "renewals_at_once_consume_p99": percentile(self.busy, 99) / idle,
            "empty_steps_consume_p99": percentile(self.beside_peers, 99) / idle,
            "consume_idle_p99_ms": idle,
            "worker_kib_per_cached_workflow": statistics.median(self.worker) / KIB,
            "temporal_kib_per_subscription": statistics.median(self.temporal) / KIB,
            "ledger_kib_per_subscription": statistics.median(self.ledger) / KIB,
        }


async def renewals(deployment: Deployment, callers: Callers, asked: argparse.Namespace) -> Renewals:
    """Measure the rounds, each a wave of renewals and one of peers."""
    waves, found = Waves(deployment), Renewals()
    queues: tuple[str, ...] = ()
    await waves.begin(WARM_UP, datetime.now(UTC) + timedelta(days=1))
    count = asked.subscriptions
    for _ in range(asked.rounds):
        before = Held.now(deployment)
        wave, boundary = await waves.begin_before(count)
        found.grew(before, Held.now(deployment), count)
        ours = await waves.renew(count, wave, boundary)
        found.idle += await callers.between(ours.begun - CALM_SECONDS, ours.begun)
        found.busy += await callers.between(ours.begun, ours.ended)
        queues = queues or await waves.steps(wave, boundary)
        peers = await waves.run_empty(count, queues)
        found.beside_peers += await callers.between(peers.begun, peers.ended)
        found.ours.append(ours)
        found.peers.append(peers)
        print(_row(ours, peers), flush=True)
    print(f"\nboth: {len(queues)} activities after the instant, on {', '.join(queues)}")
    print_cpu(found)
    return found


def _row(ours: Wave, peers: Wave) -> str:
    share = ours.per_second / peers.per_second
    return f"{ours.per_second:>12.1f}{peers.per_second:>12.1f}{share:>10.2f}"


def print_cpu(found: Renewals) -> None:
    """Print the CPU of each part for one renewal and one peer; callers are in both."""
    print(f"\n{'CPU, ms each':<20}{'renewal':>10}{'peer':>10}")
    for name in found.ours[0].cpu:
        ours, peers = (
            statistics.median(1_000 * wave.cpu[name] / wave.size for wave in waves)
            for waves in (found.ours, found.peers)
        )
        print(f"{name:<20}{ours:>10.1f}{peers:>10.1f}")


async def at_a_pace(asked: argparse.Namespace) -> dict[str, float]:
    """Measure others' latency beside renewals of one instant that are spread."""
    spread, idle, busy = math.ceil(asked.subscriptions / PACE), [], []
    async with deployed(asked.workers, UNLIMITED, spread) as deployment:
        waves = Waves(deployment)
        async with calling(deployment.bench) as callers:
            await waves.begin(WARM_UP, datetime.now(UTC) + timedelta(days=1))
            for _ in range(asked.rounds):
                wave, boundary = await waves.begin_before(asked.subscriptions)
                ours = await waves.renew(asked.subscriptions, wave, boundary)
                idle += await callers.between(ours.begun - CALM_SECONDS, ours.begun)
                busy += await callers.between(ours.begun, ours.ended)
    return {
        "renewals_consume_p99": percentile(busy, 99) / percentile(idle, 99),
        "renewals_consume_p50": percentile(busy, 50) / percentile(idle, 50),
    }


async def burst(life: Timeline, quantity: str = "1") -> None:
    """Send as many messages as may wait at once; wait until they are decided."""
    await asyncio.gather(*(life.record(_small(quantity)) for _ in range(BURST)))
    await life.settle()


def _small(quantity: str) -> list[Json]:
    return [event | {"quantity": quantity} for event in events(SIGNAL)]


async def noisy(bench: Bench, callers: Callers, how_many: int) -> dict[str, float]:
    """Measure everyone's latency while one customer has `how_many` events decided."""
    life = await bench.subscribe(PLAN)
    calm = time.perf_counter()
    await asyncio.sleep(QUIET_SECONDS)
    begun = time.perf_counter()
    rounds = max(1, how_many // (SIGNAL * BURST))
    for _ in range(rounds):
        await burst(life, SMALL)
    ended = time.perf_counter()
    idle = await callers.between(calm, begun)
    busy = await callers.between(begun, ended)
    return {
        "noisy_neighbour_p99": percentile(busy, 99) / percentile(idle, 99),
        "noisy_neighbour_p50": percentile(busy, 50) / percentile(idle, 50),
        "noisy_usage_per_second": rounds * SIGNAL * BURST / (ended - begun),
    }


async def bursts(bench: Bench) -> dict[str, float]:
    """Return usage events decided a second, four subscriptions in bursts, nobody else calling."""
    lives = [await bench.subscribe(PLAN) for _ in range(4)]
    await asyncio.gather(*(burst(life) for life in lives))
    begun = time.perf_counter()
    for _ in range(3):
        await asyncio.gather(*(burst(life) for life in lives))
    seconds = time.perf_counter() - begun
    return {"usage_per_second_burst": len(lives) * 3 * SIGNAL * BURST / seconds}


async def measure(asked: argparse.Namespace) -> int:
    """Print the rounds, the CPU and the ratios; return 1 when a law of the ledger is broken."""
    print(
        f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.2f}), {platform.python_version()}; "
        f"{asked.subscriptions} subscriptions, {asked.workers} worker(s)"
    )
    async with deployed(asked.workers, UNLIMITED, 0) as deployment:
        bench = deployment.bench
        async with calling(bench) as callers:
            print(f"\n{'renewals/s':>12}{'peers/s':>12}{'ratio':>10}")
            found = (await renewals(deployment, callers, asked)).ratios()
            found |= await noisy(bench, callers, asked.noisy_events)
        found |= await bursts(bench)
        broken = bench.broken_laws()
    found |= await at_a_pace(asked)
    print(f"\nlaws of the ledger broken: {broken}")
    for name, value in found.items():
        print(ratio(name, value))
    print(f"missed: {', '.join(_missed(found)) or 'nothing'}")
    sys.stdout.flush()
    return 1 if broken else 0


def _missed(found: dict[str, float]) -> Sequence[str]:
    least, *most = AIMS
    missed = [name for name in most if found[name] > AIMS[name]]
    return [*missed, least] if found[least] < AIMS[least] else missed


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--subscriptions", type=int, default=30, help="that renew at one instant")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="processes, each for all queues"
    )
    parser.add_argument("--noisy-events", type=int, default=100_000)
    return parser.parse_args()


if __name__ == "__main__":
    os._exit(asyncio.run(measure(_asked())))

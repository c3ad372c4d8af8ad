"""Measure what a subscription costs in Temporal: events of history and billable actions.

Usage goes through the real workflow, dev server, ledger and payment stand-in; beside it, in the
same run, the common shape that runs one activity for each usage event. All figures but actions are
events of history per usage event.
"""

import asyncio
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.durable.fleet import Bench, events, running
from benchmarks.durable.histories import actions, history, kinds
from benchmarks.durable.peer import Peer
from domain.payments.charges import ProcessorEvent
from local.timeline import Timeline
from workflows import names
from workflows.stripe_event import StripeEvent

PLAN = "core_80k"
MONTHS = 12
BEGINS = datetime(2027, 1, 1, tzinfo=UTC)
LIMITS = {
    "events_per_usage_drip": 0.12,
    "events_per_usage_burst": 0.04,
    "actions_per_month": 15.0,
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What some usage cost: events of history per usage event, and how fast it was decided."""

    label: str
    per_usage: float
    per_second: float
    kinds: Counter[str]

    def row(self) -> str:
        """Return the row of the table, with the three commonest kinds of event."""
        most = ", ".join(f"{count} {kind}" for kind, count in self.kinds.most_common(3))
        return f"{self.label:<44}{self.per_usage:>10.3f}{self.per_second:>10,.0f}   {most}"


async def cost(
    bench: Bench, workflow_id: str, label: str, used: int, use: Callable[[], Awaitable[object]]
) -> Cost:
    """Run `use`, which has `used` usage events decided; print and return what it cost."""
    before = await history(bench.client, workflow_id)
    started = time.perf_counter()
    await use()
    seconds = time.perf_counter() - started
    after = await history(bench.client, workflow_id)
    added = kinds(after) - kinds(before)
    measured = Cost(label, added.total() / used, used / seconds, added)
    print(measured.row(), flush=True)
    return measured


async def drip(life: Timeline, size: int, signals: int) -> None:
    """Send signals one by one, each when the one before it is decided."""
    for _ in range(signals):
        await life.record(events(size))
        await life.settle()


async def burst(life: Timeline, size: int, signals: int) -> None:
    """Send signals all at once."""
    await asyncio.gather(*(life.record(events(size)) for _ in range(signals)))
    await life.settle()


async def consume(life: Timeline, callers: int, each: int) -> None:
    """Let callers debit one event after the other and wait for every outcome."""

    async def call() -> None:
        for event in events(each):
            answer = await life.ask("consume", event)
            if answer["status"] != "debited":
                raise SystemExit(f"not debited: {answer}")

    await asyncio.gather(*(call() for _ in range(callers)))


async def signals(bench: Bench) -> dict[str, Cost]:
    """Return the cost of `record_usage`, dripping in and in a burst, by size of signal."""
    life = await bench.subscribe(PLAN)
    found: dict[str, Cost] = {}
    for size, how_many in ((1, 15), (10, 10), (100, 20)):
        for name, shape in (("drip", drip), ("burst", burst)):
            label = f"record_usage, {how_many} signals of {size}, {name}"
            found[f"{name}_{size}"] = await cost(
                bench=bench,
                workflow_id=life.handle.id,
                label=label,
                used=size * how_many,
                use=lambda shape=shape, size=size, n=how_many: shape(life, size, n),  # type: ignore[misc]
            )
    return found


async def updates(bench: Bench) -> dict[str, Cost]:
    """Return the cost of `consume` by the number of callers at once."""
    life = await bench.subscribe(PLAN)
    found: dict[str, Cost] = {}
    for callers, each in ((1, 20), (8, 10)):
        found[f"consume_{callers}"] = await cost(
            bench=bench,
            workflow_id=life.handle.id,
            label=f"consume, {callers} at once",
            used=callers * each,
            use=lambda callers=callers, each=each: consume(life, callers, each),  # type: ignore[misc]
        )
    return found


async def peers(bench: Bench) -> dict[str, Cost]:
    """Return the cost of one activity for each usage event, in the same shapes of signal."""
    peer = await Peer.start(bench, PLAN)
    found: dict[str, Cost] = {}
    for size, how_many in ((1, 15), (100, 1)):
        found[f"drip_{size}"] = await cost(
            bench=bench,
            workflow_id=peer.workflow_id,
            label=f"an activity for each event, signals of {size}, drip",
            used=size * how_many,
            use=lambda size=size, n=how_many: peer.drip(size, n),  # type: ignore[misc]
        )
    await peer.stop()
    return found


async def throughput(bench: Bench) -> float:
    """Return usage events decided per second, four subscriptions in bursts of signals of 100."""
    lives = [await bench.subscribe(PLAN) for _ in range(4)]
    started = time.perf_counter()
    for _ in range(2):
        await asyncio.gather(*(burst(life, 100, 40) for life in lives))
    return 4 * 2 * 100 * 40 / (time.perf_counter() - started)


async def idle_month(bench: Bench) -> Counter[str]:
    """Return the actions of twelve months with nothing but renewals, by kind."""
    life = await bench.subscribe(PLAN, BEGINS)
    before = actions(await history(bench.client, life.handle.id))
    status = await life.settle()
    for _ in range(MONTHS):
        begun = datetime.fromisoformat(status["period_end"]) + timedelta(seconds=1)
        status = await life.advance(begun)
    if status["status"] != "active":
        raise SystemExit(f"the idle subscription is {status}")
    counted = actions(await history(bench.client, life.handle.id)) - before
    event = await webhook(bench, bench.last_invoice(status["customer"]))
    return counted + Counter({kind: MONTHS * how_many for kind, how_many in event.items()})


async def webhook(bench: Bench, invoice: str) -> Counter[str]:
    """Return the actions of the processor's message that an invoice is paid, as each month has."""
    event = ProcessorEvent("evt_bench", "invoice.paid", invoice)
    handle = await bench.client.start_workflow(
        StripeEvent.run,
        event,
        id=names.stripe_event_workflow(event.event_id),
        task_queue=names.BILLING,
    )
    if (await handle.result()).outcome != "signaled":
        raise SystemExit("the webhook did not reach its subscription")
    counted = actions(await history(bench.client, handle.id)) + Counter({"signal": 1})
    return Counter({f"{kind}, for the webhook": number for kind, number in counted.items()})


def print_months(counted: Counter[str]) -> float:
    """Print the actions by kind; return how many there are in a month."""
    print(f"\n{'an idle month, charged and renewed: actions':<54}{'a month':>10}")
    for kind, how_many in counted.most_common():
        print(f"{kind:<54}{how_many / MONTHS:>10.2f}")
    return counted.total() / MONTHS


async def measure() -> int:
    """Print the tables and ratios; return 1 when an aim is missed or a law broken."""
    async with running() as bench:
        print(
            f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.2f}), {platform.python_version()}"
        )
        print(f"\n{'':<44}{'events':>10}{'usage/s':>10}   most of them")
        ours = await signals(bench) | await updates(bench)
        naive = await peers(bench)
        speed = await throughput(bench)
        print(f"{'record_usage, 4 subscriptions at once':<54}{speed:>10,.0f}")
        months = print_months(await idle_month(bench))
        broken = bench.broken_laws()
    ratios = {
        "events_per_usage_drip": ours["drip_100"].per_usage,
        "events_per_usage_burst": ours["burst_100"].per_usage,
        "events_per_usage_drip_1": ours["drip_1"].per_usage,
        "events_per_consume_1": ours["consume_1"].per_usage,
        "events_per_consume_8": ours["consume_8"].per_usage,
        "actions_per_month": months,
        "naive_events_per_usage": naive["drip_1"].per_usage,
        "naive_over_ours": naive["drip_100"].per_usage / ours["drip_100"].per_usage,
    }
    print(f"\nlaws of the ledger broken: {broken}")
    missed = [name for name, limit in LIMITS.items() if ratios[name] > limit]
    for name in missed:
        print(f"missed: {name} is above {LIMITS[name]}")
    for name, value in ratios.items():
        print(f"ratio {name} {value:.3f}")
    sys.stdout.flush()
    return 1 if missed or broken else 0


if __name__ == "__main__":
    os._exit(asyncio.run(measure()))

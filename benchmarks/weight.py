"""Measure how heavy usage is: decided per second, replayed, begun again after a worker was killed.

Aims are those of a machine with two cores and nothing else to do. CPU is that of the process that
replays. An activation is what one workflow task runs: the SDK takes two seconds for a deadlock.
"""

import asyncio
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.worker import (
    Replayer,
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
    WorkflowRunner,
)
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import _Definition

from activities.errors import NamedErrors
from benchmarks.durable.fleet import Bench, events, running
from local.fleet import start_worker
from local.processes import stop
from local.stack import Stack, environment
from local.timeline import Timeline
from workflows.arguments import OneArgument
from workflows.converter import DATA_CONVERTER
from workflows.subscription.workflow import Subscription

PLAN = "core_80k"
SIGNAL = 100  # usage events in a message
BURST = 40  # messages at once
REPLAYED = 10_000
AIMS = {  # the first at least, the others at most
    "usage_per_second": 5_000.0,
    "replay_10k_cpu_seconds": 0.3,
    "longest_activation_ms": 20.0,
    "first_answer_seconds": 2.0,
}


@dataclass(slots=True)
class Timed(WorkflowRunner):
    """The worker's runner, which remembers the CPU seconds of every activation."""

    inner: WorkflowRunner = field(default_factory=UnsandboxedWorkflowRunner)
    seconds: list[float] = field(default_factory=list)

    def prepare_workflow(self, defn: _Definition) -> None:
        """Let the runner look at a workflow first."""
        self.inner.prepare_workflow(defn)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Return an instance whose activations are timed."""
        instance = self.inner.create_instance(det)
        activate = instance.activate

        def timed(act: Any) -> Any:
            begun = time.thread_time()
            completion = activate(act)
            self.seconds.append(time.thread_time() - begun)
            return completion

        instance.activate = timed  # type: ignore[method-assign]
        return instance


async def burst(life: Timeline, signals: int) -> None:
    """Send messages all at once; wait until they are decided."""
    await asyncio.gather(*(life.record(events(SIGNAL)) for _ in range(signals)))
    await life.settle()


async def throughput(lives: Sequence[Timeline], rounds: int) -> float:
    """Return usage events decided per second, every subscription in bursts."""
    begun = time.perf_counter()
    for _ in range(rounds):
        await asyncio.gather(*(burst(life, BURST) for life in lives))
    return len(lives) * rounds * SIGNAL * BURST / (time.perf_counter() - begun)


async def runs(client: Client, workflow_id: str) -> AsyncIterator[WorkflowHistory]:
    """Yield the history of every run of a workflow."""
    async for found in client.list_workflows(f'WorkflowId = "{workflow_id}"'):
        handle = client.get_workflow_handle(workflow_id, run_id=found.run_id)
        yield await handle.fetch_history()


async def replay(
    histories: Iterable[WorkflowHistory], runner: WorkflowRunner, converter: DataConverter
) -> float:
    """Return the CPU seconds of replaying histories, the making of the replayer included."""
    begun = time.process_time()
    replayer = Replayer(
        workflows=[Subscription],
        interceptors=[NamedErrors(), OneArgument()],
        data_converter=converter,
        workflow_runner=runner,
    )
    for one in histories:
        await replayer.replay_workflow(one)
    return time.process_time() - begun


async def usage(bench: Bench, runner: Timed) -> dict[str, float]:
    """Return how fast usage is decided, and what its replay costs, then and now."""
    lives = [await bench.subscribe(PLAN) for _ in range(4)]
    await throughput(lives, 1)  # the first batches compile and cache
    runner.seconds.clear()
    speed = await throughput(lives, 3)
    single = await bench.subscribe(PLAN)
    await throughput([single], 3)
    histories = [one async for one in runs(bench.client, single.handle.id)]
    used = 3 * SIGNAL * BURST
    slow = await replay(histories, SandboxedWorkflowRunner(), DataConverter.default)
    fast = await replay(histories, UnsandboxedWorkflowRunner(), DATA_CONVERTER)
    largest = max(sum(event.ByteSize() for event in one.events) for one in histories)
    return {
        "usage_per_second": speed,
        "replay_10k_cpu_seconds": fast * REPLAYED / used,
        "replay_10k_cpu_seconds_sandbox_and_sdk_converter": slow * REPLAYED / used,
        "longest_activation_ms": 1_000 * max(runner.seconds),
        "runs_of_12k_events": len(histories),
        "largest_history_kb": largest / 1_000,
    }


async def kill_and_ask(home: Path) -> dict[str, float]:
    """Return how long a subscription of 7,000 events takes to answer after its worker was killed.

    `first_answer_seconds` counts from the new worker's first poll, without the server's patience
    with the sticky queue of the dead one.
    """
    stack = Stack.start(home, persistent=False)
    started = []
    try:
        variables = environment(stack) | {"METRICS_ADDRESS": ""}
        log = home / "worker.log"
        started.append(await asyncio.to_thread(start_worker, variables, stack.temporal, log))
        client = await Client.connect(stack.temporal.address, data_converter=DATA_CONVERTER)
        life = await Bench(client, None).subscribe(PLAN)  # type: ignore[arg-type]
        for _ in range(7):
            await burst(life, 10)
        started[0].kill()
        killed = time.perf_counter()
        started.append(await asyncio.to_thread(start_worker, variables, stack.temporal, log))
        polls = time.perf_counter()
        answer = await life.ask("consume", events(1)[0])
        answered = time.perf_counter()
        if answer["status"] != "debited":
            raise SystemExit(f"not debited: {answer}")
    finally:
        for process in started:
            await asyncio.to_thread(stop, process)
        stack.stop()
        shutil.rmtree(stack.postgres.folder, ignore_errors=True)
    return {"first_answer_seconds": answered - polls, "after_the_kill_seconds": answered - killed}


def new_home() -> Path:
    """Return a new folder for a stack."""
    home = Path(tempfile.mkdtemp(prefix="drawdown-bench-"))
    home.chmod(0o755)  # PostgreSQL runs as another account when we are root
    return home


async def measure() -> int:
    """Print what was measured; return 1 when an aim is missed or a law broken."""
    print(f"{os.cpu_count()} cores (load {os.getloadavg()[0]:.2f}), {platform.python_version()}")
    runner = Timed()
    async with running(runner) as bench:
        found = await usage(bench, runner)
        broken = bench.broken_laws()
    home = new_home()
    found |= await kill_and_ask(home)
    shutil.rmtree(home, ignore_errors=True)
    print(f"laws of the ledger broken: {broken}")
    for name, value in found.items():
        aim = f"   aim {AIMS[name]:g}" if name in AIMS else ""
        print(f"ratio {name} {value:.3f}{aim}")
    least, *most = AIMS
    missed = [name for name in most if found[name] > AIMS[name]]
    missed += [least] if found[least] < AIMS[least] else []
    print(f"missed: {', '.join(missed) or 'nothing'}")
    sys.stdout.flush()
    return 1 if missed or broken else 0


if __name__ == "__main__":
    os._exit(asyncio.run(measure()))

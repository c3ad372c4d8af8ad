"""A deployment for one benchmark: the four servers and production's workers, each a process."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client

from benchmarks.durable.fleet import Bench, new_stack
from benchmarks.durable.footprint import cpu_seconds
from local.fleet import WORKER_GRACE, start_worker
from local.processes import stop
from local.stack import Stack, environment
from models.base import connect
from workflows.converter import DATA_CONVERTER

WORKER = Path(__file__).with_name("worker_and_peer.py")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Servers and workers under measurement."""

    bench: Bench
    stack: Stack
    workers: tuple[subprocess.Popen[bytes], ...]

    def pids(self) -> dict[str, tuple[int, ...]]:
        """Return the processes by what they are."""
        servers = {name: (process.pid,) for name, process in self.stack.servers.items()}
        return {"workers": tuple(one.pid for one in self.workers)} | servers

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds that each part has taken so far."""
        return {name: cpu_seconds(*pids) for name, pids in self.pids().items()}


@asynccontextmanager
async def deployed(
    processes: int, calls_per_second: int, spread_seconds: int
) -> AsyncIterator[Deployment]:
    """Run servers and `processes` workers that serve all queues; gone afterwards.

    The processor is called `calls_per_second` times at most, and renewals are paid over
    `spread_seconds`. It sends no webhooks: nothing here receives them.
    """
    stack = await asyncio.to_thread(new_stack)
    workers: list[subprocess.Popen[bytes]] = []
    try:
        stack.standin.post("/_config", webhook_url="")
        variables = environment(stack) | {
            "METRICS_ADDRESS": "",
            "STRIPE_CALLS_PER_SECOND": str(calls_per_second),
            "RENEWAL_SPREAD_SECONDS": str(spread_seconds),
        }
        for number in range(processes):
            log = stack.home / f"worker-{number}.log"
            workers.append(
                await asyncio.to_thread(
                    start_worker, variables, stack.temporal, log, program=WORKER
                )
            )
        client = await Client.connect(stack.temporal.address, data_converter=DATA_CONVERTER)
        engine = connect(variables["DATABASE_URL"])
        yield Deployment(Bench(client, engine), stack, tuple(workers))
        engine.dispose()
    finally:
        for worker in workers:
            await asyncio.to_thread(stop, worker, grace=WORKER_GRACE)
        stack.stop()
        shutil.rmtree(stack.postgres.folder, ignore_errors=True)
        shutil.rmtree(stack.home, ignore_errors=True)

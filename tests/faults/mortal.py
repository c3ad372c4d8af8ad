"""A fleet of real worker processes that can be killed at any point between two effects."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.workflowservice.v1 import ResetActivityRequest, ResetStickyTaskQueueRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from local.fleet import START_TIMEOUT, start_worker
from local.mail_catcher.process import MailCatcher
from local.patience import until
from local.postgres import Database
from local.processes import wait_until
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from models.base import connect
from tests.deployment import LINK_SECRET
from tests.faults.gates import Gate, Point, Trap
from tests.fleet import Customer, RunningFleet
from tests.nursery import Forked, Nursery
from workflows import names
from workflows.converter import DATA_CONVERTER
from workflows.names import outbox_workflow

Worker = Forked | subprocess.Popen[bytes]
HELD = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
GATED = {"database": "DATABASE_URL", "processor": "STRIPE_API_BASE", "temporal": "TEMPORAL_ADDRESS"}


@dataclass(frozen=True)
class MortalFleet:
    """Workers behind gates. A trap kills the newest one; the test starts the next."""

    temporal: TemporalServer
    fleet: RunningFleet
    environment: dict[str, str]
    gates: dict[str, Gate]
    folder: Path
    nursery: Nursery
    workers: list[Worker] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def on(
        cls,
        temporal: TemporalServer,
        database: Database,
        standin: StandIn,
        mail_catcher: MailCatcher,
        folder: Path,
    ) -> AsyncIterator[Self]:
        """Build a fleet on these servers, without a worker yet."""
        engine = connect(database.url)
        client = await Client.connect(temporal.address, data_converter=DATA_CONVERTER)
        ways = {
            "DATABASE_URL": database.url,
            "TEMPORAL_ADDRESS": temporal.address,
            "STRIPE_API_BASE": standin.base_url,
        }
        others = {
            "TEMPORAL_NAMESPACE": client.namespace,
            "STRIPE_API_KEY": standin.api_key,
            "STRIPE_WEBHOOK_SECRET": "whsec_test",
            "LINK_SECRETS": LINK_SECRET,
            "SMTP_URL": mail_catcher.smtp_url,
            "MAIL_FROM": "billing@drawdown.test",
            "PUBLIC_URL": "http://127.0.0.1:1",
        }
        workers: list[Worker] = []
        gates = {name: Gate(_port(ways[way])) for name, way in GATED.items()}
        gated = {
            way: ways[way].replace(f":{_port(ways[way])}", f":{gates[name].port}")
            for name, way in GATED.items()
        }
        fleet = RunningFleet(client, engine, standin, mail_catcher)
        try:
            with Nursery.opened("worker") as nursery:
                yield cls(temporal, fleet, gated | others, gates, folder, nursery, workers)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
            for gate in gates.values():
                gate.close()
            engine.dispose()

    async def start(self) -> Forked:
        """Start one more worker and wait until it polls every queue."""
        worker = await asyncio.to_thread(self._start)
        self.workers.append(worker)
        return worker

    async def start_program(self) -> subprocess.Popen[bytes]:
        """Put one worker that is started from a command line in the place of all that live."""
        while self.living():
            self.kill()
        program = await asyncio.to_thread(
            start_worker, self.environment, self.temporal, self._log()
        )
        self.workers.append(program)
        await self.bury()
        return program

    def _log(self) -> Path:
        return self.folder / f"worker-{len(self.workers)}.log"

    def _start(self) -> Forked:
        log = self._log()
        worker = self.nursery.bear(self.environment, log)

        def polls() -> bool:
            return all(self.temporal.polled_by(worker.pid, queue) for queue in names.QUEUES)

        try:
            wait_until(polls, START_TIMEOUT, "the worker", process=worker, log=log)
        except BaseException:
            worker.kill()
            worker.wait()
            raise
        return worker

    async def alive(self) -> None:
        """See to it that a worker runs."""
        if not self.living():
            await self.start()

    def living(self) -> list[Worker]:
        """Return the workers that run, oldest first."""
        return [worker for worker in self.workers if worker.poll() is None]

    def kill(self) -> None:
        """Kill the newest worker as the kernel would: no goodbye, nothing flushed."""
        newest = self.living()[-1]
        newest.kill()
        newest.wait()

    def set(self, point: Point) -> Trap:
        """Set a trap that kills the newest worker at a point."""
        gate = self.gates["processor" if point.decisive is None else "database"]
        return gate.arm(point, self.kill)

    async def sprung(self, trap: Trap) -> None:
        """Wait until the trap has closed."""

        async def look() -> tuple[bool, int]:
            return trap.sprung.is_set(), trap.met

        await until(look, lambda seen: seen[0], "the point where a trap is set")

    async def revive(self, *customers: Customer) -> None:
        """Start the next worker; the server notices at once that the last one is dead."""
        await self.start()
        await self.bury(*customers)

    async def bury(self, *customers: Customer) -> None:
        """Give up what the dead hold now, not after the minute that a slow answer may take."""
        dead = [worker for worker in self.workers if worker.poll() is not None]
        names = [customer.life.handle.id for customer in customers]
        await self.give_up(dead, *names, outbox_workflow("mail"), outbox_workflow("crossing"))

    async def give_up(self, workers: list[Worker], *workflow_ids: str) -> None:
        """End the attempts that workers hold, as the server does once their time is over."""
        holders = tuple(f"{worker.pid}@" for worker in workers)
        for name in workflow_ids:
            handle = self.fleet.client.get_workflow_handle(name)
            if not await self._unstick(handle):
                continue
            description = await handle.describe()
            for activity in description.raw_description.pending_activities:
                if activity.state == HELD and activity.last_worker_identity.startswith(holders):
                    await self._time_out(handle, activity.activity_id)

    async def _unstick(self, handle: WorkflowHandle[Any, Any]) -> bool:
        """Offer the workflow to every worker, not to the one whose cache it was in.

        False: it has ended meanwhile, and there is nothing to give up.
        """
        client = self.fleet.client
        request = ResetStickyTaskQueueRequest(namespace=client.namespace)
        request.execution.workflow_id = handle.id
        with suppressed(RPCStatusCode.NOT_FOUND):
            await client.workflow_service.reset_sticky_task_queue(request)
            return True
        return False

    async def _time_out(self, handle: WorkflowHandle[Any, Any], activity_id: str) -> None:
        """Fail the attempt, and let the next one begin at once: deaths are more frequent here.

        On a busy machine the server may have given it up, or another worker ended it, meanwhile.
        """
        with suppressed(RPCStatusCode.NOT_FOUND):
            await self._begin_again(handle, activity_id)

    async def _begin_again(self, handle: WorkflowHandle[Any, Any], activity_id: str) -> None:
        client = self.fleet.client
        held = client.get_async_activity_handle(
            workflow_id=handle.id, run_id=None, activity_id=activity_id
        )
        await held.fail(ApplicationError("the worker died", type="worker_died"))
        request = ResetActivityRequest(namespace=client.namespace, id=activity_id)
        request.execution.workflow_id = handle.id
        await client.workflow_service.reset_activity(request)


@contextmanager
def suppressed(status: RPCStatusCode) -> Iterator[None]:
    """Go on after an answer of the server with this status; every other is raised."""
    try:
        yield
    except RPCError as error:
        if error.status is not status:
            raise


def _port(address: str) -> int:
    return urlsplit(address if "//" in address else f"//{address}").port or 0

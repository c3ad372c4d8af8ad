"""The simulator as the console sees it: a workflow that is started by its name, and looked at.

The engine does not know the toolbox that runs it: what goes to and fro is in
`domain/pricing/simulation.py`, and whether anybody serves the queue is asked of Temporal.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
from temporalio.api.enums.v1 import PendingActivityState, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from api.errors import NotFoundError
from api.v1.problems import Problem
from domain.pricing.simulation import SimulationOrder, SimulationOutcome, SimulationProgress
from workflows import names

log = logging.getLogger(__name__)

T = TypeVar("T")
PATIENCE = 3  # seconds, for a question
POLLED = timedelta(seconds=75)  # a worker asks for work once a minute at the least
LONGEST = timedelta(hours=6)  # from its start: after that nobody waits for it any more
MOST_RUNNING = 5
MOST_LISTED = 10
OURS = f'WorkflowType = "{names.SIMULATION}"'
RUNNING = f'{OURS} AND ExecutionStatus = "Running"'
BEGUN = (
    PendingActivityState.PENDING_ACTIVITY_STATE_STARTED,
    PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED,
)
ENDS = {
    "canceled": "An operator ended it.",
    "terminated": "An operator ended it.",
    "timed_out": "No simulator had time for it. Start it again.",
}


@dataclass(frozen=True, slots=True)
class Named:
    """A simulation as it is listed: what was tried, by whom, and what became of it."""

    key: str
    title: str
    by: str
    at: datetime
    status: str  # as Temporal names it, in small letters


@dataclass(frozen=True, slots=True)
class Seen:
    """A simulation now: under way, done with an outcome, or ended with `why`."""

    named: Named
    order: SimulationOrder
    changes: tuple[str, ...] = ()
    under_way: bool = False
    waits: bool = False  # nobody runs it yet
    progress: SimulationProgress | None = None
    outcome: SimulationOutcome | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Simulator:
    """Asks Temporal, for a few seconds at most; `queue` is where simulations are served."""

    client: Client
    queue: str = field(default_factory=lambda: names.SIMULATIONS)

    async def is_served(self, at: datetime) -> bool:
        """Return whether a worker serves simulations. Raises `temporal_unavailable`."""
        request = DescribeTaskQueueRequest(
            namespace=self.client.namespace,
            task_queue=TaskQueue(name=self.queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
        found = await _within(self.client.workflow_service.describe_task_queue(request))
        asked = [one.last_access_time.ToDatetime(UTC) for one in found.pollers]
        return any(at - one < POLLED for one in asked)

    async def begin(self, order: SimulationOrder, told: Mapping[str, Any], form: str) -> str:
        """Start a simulation and return its key; the same form with the same content is one.

        Raises `simulator_away`, `too_many_simulations`, `temporal_unavailable`.
        """
        key = _key_of(order, form)
        if await self._exists(key):
            return key
        if not await self.is_served(datetime.now(UTC)):
            raise Problem("simulator_away", "nothing runs simulations here, so none was started")
        running = await _within(self.client.count_workflows(RUNNING))
        if running.count >= MOST_RUNNING:
            message = f"{running.count} simulations are under way, which is as many as may be"
            raise Problem("too_many_simulations", message)
        with suppress(WorkflowAlreadyStartedError):
            await _within(
                self.client.start_workflow(
                    names.SIMULATION,
                    order,
                    id=names.simulation_workflow(key),
                    task_queue=self.queue,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    execution_timeout=LONGEST,
                    memo=told,
                    static_summary=str(told["title"])[:200],
                )
            )
        return key

    async def end(self, key: str, at: datetime) -> None:
        """End a simulation; where nobody could end it in order, at once. Raises `not_found`."""
        handle = self.client.get_workflow_handle(names.simulation_workflow(key))
        if await self.is_served(at):
            await _within(handle.cancel())
        else:
            await _within(handle.terminate("ended in the console"))

    async def listed(self) -> list[Named]:
        """Return the last simulations, the newest first. Raises `temporal_unavailable`."""

        async def read() -> list[Named]:
            found = self.client.list_workflows(OURS, limit=MOST_LISTED)
            return [await _named(one) async for one in found]

        return await _within(read())

    async def seen(self, key: str) -> Seen:
        """Return where a simulation stands. Raises `not_found`, `temporal_unavailable`."""
        handle = self.client.get_workflow_handle(
            names.simulation_workflow(key), result_type=SimulationOutcome
        )
        described = await _within(handle.describe())
        named, memo = await _named(described), await described.memo()
        order = await _within(self._order(key))
        seen = Seen(named, order, tuple(map(str, memo.get("changes", ()))))
        if described.status is WorkflowExecutionStatus.RUNNING:
            return await self._under_way(seen, described)
        try:
            return replace(seen, outcome=await _within(handle.result()))
        except WorkflowFailureError as error:
            return replace(seen, why=_why(named, error))

    async def _exists(self, key: str) -> bool:
        handle = self.client.get_workflow_handle(names.simulation_workflow(key))
        try:
            await _within(handle.describe())
        except NotFoundError:
            return False
        return True

    async def _order(self, key: str) -> SimulationOrder:
        """Return what was asked for, as the first event has it."""
        handle = self.client.get_workflow_handle(names.simulation_workflow(key))
        first = await anext(handle.fetch_history_events(page_size=1))
        sent = first.workflow_execution_started_event_attributes.input.payloads
        order: SimulationOrder
        (order,) = await self.client.data_converter.decode(sent, [SimulationOrder])
        return order

    async def _under_way(self, seen: Seen, described: WorkflowExecutionDescription) -> Seen:
        pending = described.raw_description.pending_activities
        started = [one for one in pending if one.state in BEGUN]
        told = [one.heartbeat_details.payloads for one in started]
        progress = None
        if told and told[0]:
            (progress,) = await self.client.data_converter.decode(told[0], [SimulationProgress])
        return replace(seen, under_way=True, waits=not started, progress=progress)


async def _within(question: Awaitable[T]) -> T:
    """Return an answer. Raises `not_found`, `temporal_unavailable`: there was none in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await question
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise NotFoundError("not_found", "this simulation is no longer kept") from error
        raise _away(error) from error
    except (TimeoutError, RuntimeError) as error:  # RuntimeError: it cannot connect
        raise _away(error) from error


def _away(error: Exception) -> Problem:
    log.warning("Temporal did not answer: %s", error)
    return Problem("temporal_unavailable", "the simulator cannot be asked just now")


async def _named(found: WorkflowExecution) -> Named:
    memo = await found.memo()
    return Named(
        key=found.id.rpartition(":")[2],
        title=str(memo.get("title", "")),
        by=str(memo.get("by", "")),
        at=found.start_time,
        status=str(found.status.name if found.status else "").lower(),
    )


def _why(named: Named, error: WorkflowFailureError) -> str:
    """Return in words why a simulation has no outcome."""
    cause: BaseException | None = error.cause
    if isinstance(cause, ActivityError):
        cause = cause.cause
    return cause.message if isinstance(cause, ApplicationError) else ENDS.get(named.status, "")


def _key_of(order: SimulationOrder, form: str) -> str:
    """Return a key made of the form's own and of what it asks for: edited, it is another's."""
    whole = form.encode("utf-8", "surrogatepass") + b"\0" + msgspec.json.encode(order)
    return hashlib.sha256(whole).hexdigest()[:32]

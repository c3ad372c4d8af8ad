"""What Temporal says of the workflows that are stuck."""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from workflows.names import RECONCILIATION

log = logging.getLogger(__name__)

T = TypeVar("T")
PATIENCE = 3  # seconds, for all questions
# As in docs/operations.md, "Lists in the Temporal UI".
STUCK = {
    "blocked by a bug": (
        'TemporalReportedProblems IN ("category=WorkflowTaskFailed",'
        '"category=WorkflowTaskTimedOut") AND ExecutionStatus = "Running"'
    ),
    "subscriptions that ended the wrong way": (
        'WorkflowType = "Subscription" AND ExecutionStatus IN ("Failed","Terminated","TimedOut")'
    ),
    "events of the processor that failed": (
        'WorkflowType = "StripeEvent" AND ExecutionStatus = "Failed"'
    ),
}


@dataclass(frozen=True, slots=True)
class Stuck:
    """How many workflows a list of the Temporal UI holds; None: it could not be asked."""

    what: str
    query: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """What Temporal answered in time; `compares`: the nightly comparison runs; None: unknown."""

    reachable: bool
    stuck: tuple[Stuck, ...]
    compares: bool | None


async def told(client: Client) -> Told:
    """Ask Temporal, for a few seconds at most."""
    async with asyncio.TaskGroup() as asked:
        health = asked.create_task(_within(_serves(client)))
        compares = asked.create_task(_within(_compares(client)))
        counts = {
            what: asked.create_task(_within(_count(client, query))) for what, query in STUCK.items()
        }
    stuck = tuple(Stuck(what, STUCK[what], one.result()) for what, one in counts.items())
    return Told(bool(health.result()), stuck, compares.result())


async def compares(client: Client) -> bool | None:
    """Return whether the nightly comparison runs; None: Temporal did not answer."""
    return await _within(_compares(client))


async def _within(question: Coroutine[Any, Any, T]) -> T | None:
    """Return an answer; None: there was none in time."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await question
    except (RPCError, TimeoutError, RuntimeError) as error:  # RuntimeError: it cannot connect
        log.warning("Temporal did not answer: %s", error)
        return None


async def _serves(client: Client) -> bool:
    return await client.service_client.check_health()


async def _count(client: Client, query: str) -> int:
    return (await client.count_workflows(query)).count


async def _compares(client: Client) -> bool:
    found = await client.get_workflow_handle(RECONCILIATION).describe()
    return found.status is WorkflowExecutionStatus.RUNNING

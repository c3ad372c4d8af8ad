"""Queries that only ask: one must not move a workflow before the server lets it move.

A query that finds no workflow in a worker's cache brings its history along. Where that ends with an
event that no workflow task has taken up yet, such as a timer that has just fired, the SDK lets the
workflow live it at once, at the time of the task before. The timer of a renewal then rings before
its moment, by the workflow's clock; what it decides so is kept, and no replay agrees with it.
Seen with temporalio 1.35 where workers are restarted while somebody asks. The query is refused here
instead, and whoever asks asks again.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.client import WorkflowHandle, WorkflowQueryFailedError
from temporalio.worker import (
    UnsandboxedWorkflowRunner,
    WorkflowInstance,
    WorkflowInstanceDetails,
)

TOO_EARLY = "asked while a workflow task was about to begin: ask again"
MOST_TIMES = 20
PAUSE_SECONDS = 0.05
MOVES_NOTHING = frozenset({"query_workflow", "remove_from_cache"})


class TasksOnlyRunner(UnsandboxedWorkflowRunner):
    """Runs workflows as the SDK does, but moves none for a query."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Create an instance that is moved by workflow tasks alone."""
        instance = super().create_instance(det)
        # Replaced in place: whatever else the SDK asks of its instance stays its own.
        instance.activate = _TasksOnly(instance.activate)  # type: ignore[method-assign]
        return instance


Activate = Callable[[WorkflowActivation], WorkflowActivationCompletion]


class _TasksOnly:
    def __init__(self, activate: Activate) -> None:
        self._activate = activate
        self._moved_at = 0  # nanoseconds: when the last task that moved it began
        self._length = 0  # of the history that it had then

    def __call__(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Let the workflow live what has happened; fail where no task has begun for it."""
        if all(job.WhichOneof("variant") in MOVES_NOTHING for job in act.jobs):
            return self._activate(act)
        at = act.timestamp.ToNanoseconds()
        # Each task begins at a time of its own, and a longer history belongs to a later one. A
        # replay had its tasks: to refuse it would hold the workflow up for ever.
        grown = at == self._moved_at and act.history_length > self._length
        if grown and not act.is_replaying:
            return _refused(act.run_id)
        self._moved_at, self._length = at, act.history_length
        return self._activate(act)


def _refused(run_id: str) -> WorkflowActivationCompletion:
    """Fail the query; the SDK forgets the workflow and reads it anew for the task."""
    completion = WorkflowActivationCompletion(run_id=run_id)
    completion.failed.failure.message = TOO_EARLY
    return completion


async def ask_status(
    handle: WorkflowHandle[Any, Any], patience: timedelta | None = None
) -> dict[str, Any]:
    """Ask a workflow where it stands, again where it was asked too early; `patience` for each time.

    Raises `WorkflowQueryFailedError` and what else the client's `query` raises.
    """
    for _ in range(MOST_TIMES):
        try:
            return dict(await handle.query("status", rpc_timeout=patience))
        except WorkflowQueryFailedError as error:
            if TOO_EARLY not in str(error):
                raise
        await asyncio.sleep(PAUSE_SECONDS)
    return dict(await handle.query("status", rpc_timeout=patience))

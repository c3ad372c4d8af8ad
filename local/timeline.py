"""One subscription in virtual time: the simulator, the demo and the tests turn its clock.

The clock only ever moves from one due moment to the next, and only once everything due has been
done: blind hops let a workflow sleep through its own deadlines.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from domain.subscription import Start
from domain.subscription_state import SubscriptionState
from local.patience import NothingMovesError, Patience
from workflows import names
from workflows.queries import ask_status
from workflows.subscription.workflow import Subscription

Json = dict[str, Any]

# The server stops skipping after 200 hops unless it is told otherwise.
MOST_HOPS = 100_000
ANSWER = timedelta(seconds=20)
RPC_WORTH = 5.0  # virtual seconds that an unanswered query counts for
HAIR = timedelta(milliseconds=1)
LEFT_BEHIND = "fast_forward_id does not match"  # the server's word
UNMOVED = 2.0  # seconds in which nothing moved, after which the subscription itself is asked
LAST_EVENTS = 24  # of a subscription that does not come to rest


class NotSettledError(NothingMovesError):
    """A subscription did not come to rest: a worker is missing or an activity is stuck."""


@dataclass(frozen=True)
class Timeline:
    """A subscription and its clock."""

    skipper: TimeSkipper
    handle: WorkflowHandle[Any, Any]

    @classmethod
    async def start(cls, client: Client, start: Start) -> "Timeline":
        """Start a subscription on a clock of its own."""
        skipper = TimeSkipper(client, config=TimeSkippingConfig(max_session_skip_count=MOST_HOPS))
        workflow_id = names.subscription_workflow(start.subscription_id)
        with skipper.with_time_skipping_disabled():
            await client.start_workflow(
                Subscription.run,
                args=[SubscriptionState(start)],
                id=workflow_id,
                task_queue=names.BILLING,
            )
        # Without a run id the handle follows the workflow from run to run.
        return cls(skipper, client.get_workflow_handle_for(Subscription.run, workflow_id))

    async def now(self) -> datetime:
        """Return the subscription's time."""
        return await self.skipper.get_current_time(self.handle)

    async def status(self) -> Json:
        """Ask where the subscription stands."""
        patience = Patience()
        while True:
            try:
                return await ask_status(self.handle, ANSWER)
            except WorkflowQueryFailedError as error:
                error.add_note(await self.last_events())
                raise
            except RPCError as error:
                # Between two runs there is a moment with no task to answer a query.
                if error.status is RPCStatusCode.NOT_FOUND:
                    raise
                if patience.over(worth=RPC_WORTH):
                    error.add_note(f"{self.handle.id} answers no query: {patience.told()}")
                    raise
                await patience.pause()

    async def settle(self) -> Json:
        """Wait until everything that is due has been done; return the status.

        The subscription is asked only where the server knows of nothing under way: each question
        is a task of a worker's, as costly as a step of the subscription.
        """
        patience, unmoved = Patience(), Patience(UNMOVED)
        while True:
            sign = await self._under_way()
            if sign and not unmoved.over(sign):
                await unmoved.pause()
                continue
            status = await self.status()
            due = status["next_due"]
            late = due is not None and datetime.fromisoformat(due) <= await self.now()
            if not status["busy"] and not late:
                return status
            if patience.over(without_time(status)):
                error = NotSettledError(
                    f"{self.handle.id} is still busy: {patience.told()}: {status}"
                )
                error.add_note(await self.last_events())
                raise error
            await patience.pause()

    async def _under_way(self) -> tuple[str, int] | None:
        """Return what grows with each step, while a task or an activity is under way, or None."""
        described = (await self.handle.describe()).raw_description
        if not (described.pending_activities or described.HasField("pending_workflow_task")):
            return None
        run = described.workflow_execution_info
        return run.execution.run_id, run.history_length

    async def last_events(self) -> str:
        """Return what the server did last for the subscription, and what it waits for."""
        history = await self.handle.fetch_history()
        last = [
            f"{one.event_id} {EventType.Name(one.event_type).removeprefix('EVENT_TYPE_')}"
            f" {one.event_time.ToJsonString()}{told_of(one)}"
            for one in history.events[-LAST_EVENTS:]
        ]
        described = (await self.handle.describe()).raw_description
        pending = [
            f"{one.activity_type.name}, attempt {one.attempt}, {one.last_worker_identity}"
            for one in described.pending_activities
        ]
        if described.HasField("pending_workflow_task"):
            task = described.pending_workflow_task
            pending.append(f"a workflow task, attempt {task.attempt}")
        return "\n".join(["last events:", *last, "pending:", *(pending or ["nothing"])])

    async def advance(self, until: datetime) -> Json:
        """Turn the clock to an instant, stopping at every due moment on the way."""
        while True:
            status = await self.settle()
            now = await self.now()
            if now >= until or status["status"] == "ended":
                return status
            due = status["next_due"]
            target = min(datetime.fromisoformat(due), until) if due else until
            # The clock runs meanwhile: what was still due a moment ago may be past.
            await self.skip(max(target, now) - now + HAIR)

    async def skip(self, span: timedelta) -> None:
        """Turn the clock by a span; whoever needs to know how far it went reads it.

        On a busy machine the subscription may have continued as new before the server is asked
        whether it is there: the next run knows nothing of what the last one has reached.
        """
        try:
            await self.skipper.fast_forward(self.handle, span)
        except RuntimeError as error:
            if LEFT_BEHIND not in str(error):
                raise

    async def record(self, events: Sequence[Json]) -> None:
        """Report usage and do not wait."""
        await self.handle.signal(Subscription.record_usage, args=[{"events": list(events)}])

    async def signal(self, name: str, message: Json) -> None:
        """Send any signal."""
        await self.handle.signal(name, message)

    async def ask(self, name: str, *arguments: Json | RawValue) -> Json:
        """Send an update and wait for its answer."""
        patience, update = Patience(), str(uuid4())
        while True:
            try:
                # The same id again asks for the answer to the same update.
                answer = await self.handle.execute_update(
                    name, args=arguments, id=update, rpc_timeout=ANSWER
                )
                return dict(answer)
            except WorkflowUpdateRPCTimeoutOrCancelledError as error:
                task = asyncio.current_task()
                if (task and task.cancelling()) or patience.over(worth=RPC_WORTH):
                    error.add_note(f"{self.handle.id} answers no {name}: {patience.told()}")
                    raise


def told_of(event: HistoryEvent) -> str:
    """Return how long a timer runs that begins with an event, or which attempt a task is."""
    if event.event_type == EventType.EVENT_TYPE_TIMER_STARTED:
        timer = event.timer_started_event_attributes
        return f", fires after {timer.start_to_fire_timeout.ToJsonString()}"
    if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED:
        return f", attempt {event.workflow_task_scheduled_event_attributes.attempt}"
    return ""


def without_time(status: Json) -> Json:
    """Return a status that shows progress; real time alone is none."""
    return {name: value for name, value in status.items() if name != "now"}

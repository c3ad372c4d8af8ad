"""The peer of a renewal: a workflow that waits for an instant, then runs activities that are empty.

What any engine on Temporal pays for as many steps, before it does anything in them. Like whatever
lives for years, it continues as new and waits for its next instant.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from temporalio import activity, workflow

MONTH = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Steps:
    """The queues of the activities, in order, and when to begin with the first."""

    at: datetime
    queues: tuple[str, ...]


@activity.defn
def do_nothing() -> None:
    """Do nothing."""


@workflow.defn
class EmptySteps:
    """Runs one empty activity after the other, once a month."""

    @workflow.run
    async def run(self, steps: Steps) -> None:
        """Wait, run the activities, continue as new."""
        await workflow.sleep(max(steps.at - workflow.now(), timedelta(0)))
        for queue in steps.queues:
            await workflow.execute_activity(
                do_nothing, task_queue=queue, start_to_close_timeout=timedelta(seconds=10)
            )
        workflow.continue_as_new(replace(steps, at=steps.at + MONTH))

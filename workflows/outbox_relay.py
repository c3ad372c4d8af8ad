"""The outbox's relays: visible in the UI, and taken over when a worker dies."""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.notifications.outbox import Shift
from workflows.names import BILLING, MAIL

TOPICS = {
    "mail": ("relay_mails", MAIL),
    "crossing": ("relay_crossings", BILLING),
    "alert": ("relay_alerts", BILLING),
    "finding": ("relay_findings", BILLING),
    "webhook": ("relay_webhooks", MAIL),
}
SHIFT = Shift(seconds=120)
SHIFTS_PER_RUN = 50


@dataclass(frozen=True, slots=True)
class Topic:
    """Which messages a relay delivers: `mail`, `crossing`, `alert`, `finding` or `webhook`."""

    name: str


@workflow.defn
class OutboxRelay:
    """Delivers one topic forever, `outbox:<topic>`, one activity shift after another."""

    @workflow.run
    async def run(self, topic: Topic) -> None:
        """Run shift after shift."""
        activity, queue = TOPICS[topic.name]
        workflow.set_current_details(
            f"Delivers every message of the topic **{topic.name}**, forever. To do: nothing.\n\n"
            "If messages wait, the tab Pending Activities shows the last failure."
        )
        for _ in range(SHIFTS_PER_RUN):
            await workflow.execute_activity(
                activity,
                SHIFT,
                task_queue=queue,
                start_to_close_timeout=timedelta(seconds=2 * SHIFT.seconds),
                heartbeat_timeout=timedelta(seconds=30),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=1),
                    maximum_interval=timedelta(seconds=30),
                ),
                summary=f"deliver {topic.name}",
            )
        workflow.continue_as_new(topic)

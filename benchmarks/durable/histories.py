"""What a workflow costs, read from its histories: events, and actions as Temporal Cloud bills them.

The list of actions is that of docs.temporal.io/cloud/actions. Queries and heartbeats are no part
of a history: the idle subscription has none; the two relays of the whole fleet heartbeat. A signal
is counted where it arrives, once, whoever sent it.
"""

from collections import Counter
from collections.abc import AsyncIterator

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

ACTIONS = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED: "workflow started or continued as new",
    EventType.EVENT_TYPE_TIMER_STARTED: "timer started",
    EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED: "activity started or retried",
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: "search attributes upserted",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: "signal",
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: "update accepted",
    EventType.EVENT_TYPE_MARKER_RECORDED: "local activity or side effect",
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: "child workflow",
}
# Written by the dev server when a test's clock is turned: production has no such event.
TIME_SKIPPING = {
    number
    for name, number in EventType.items()
    if name.startswith("EVENT_TYPE_") and "SKIP" in name
}


async def history(client: Client, workflow_id: str) -> list[HistoryEvent]:
    """Return the events of all runs of a workflow, oldest run first, as production writes them."""
    described = await client.get_workflow_handle(workflow_id).describe()
    run_id = described.raw_description.workflow_execution_info.first_run_id
    found: list[HistoryEvent] = []
    while run_id:
        run = [event async for event in _run(client, workflow_id, run_id)]
        found += [event for event in run if event.event_type not in TIME_SKIPPING]
        run_id = run[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return found


def actions(events: list[HistoryEvent]) -> Counter[str]:
    """Return the billable actions of a history by kind; each attempt of an activity is one."""
    counted: Counter[str] = Counter()
    for event in events:
        if event.event_type in ACTIONS:
            attempts = event.activity_task_started_event_attributes.attempt or 1
            counted[ACTIONS[event.event_type]] += attempts
    return counted


def kinds(events: list[HistoryEvent]) -> Counter[str]:
    """Return how many events there are of each type."""
    return Counter(
        EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower() for event in events
    )


async def _run(client: Client, workflow_id: str, run_id: str) -> AsyncIterator[HistoryEvent]:
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    async for event in handle.fetch_history_events():
        yield event

"""What a life left behind: logs, histories, lists of workflows, decoded so that words are found."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from local.demo.scene import Scene
from tests.fleet import Json

INVOICED = {"finance@unmistakable.example", "auditor@unmistakable.example"}


@dataclass(frozen=True)
class Event:
    """One event of a history: its workflow, what it is, and all that it says, decoded."""

    workflow: str
    kind: str
    text: str


@dataclass(frozen=True)
class Heard:
    """What a life left behind in logs and histories, and what must not be there."""

    logs: dict[str, str]
    events: list[Event]
    lists: str
    secrets: dict[str, str]
    addresses: set[str]
    names: set[str]


async def listened(playing: Scene, secrets: dict[str, str]) -> Heard:
    """Collect logs, histories and lists of a life."""
    events: list[Event] = []
    lists = []
    async for one in playing.client.list_workflows():
        handle = playing.client.get_workflow_handle(one.id, run_id=one.run_id)
        history = await handle.fetch_history()
        events += told_by(one.id, history.to_json_dict()["events"])
        lists.append(f"{one.id} {one.typed_search_attributes} {await one.memo()}")
    with playing.engine.connect() as connection:
        people = connection.exec_driver_sql(
            "SELECT email, name FROM customers UNION SELECT email, name FROM members"
        ).all()
    return Heard(
        {log.name: unquote(log.read_text()) for log in playing.stack.home.glob("*.log")},
        events,
        "\n".join(lists),
        secrets,
        {str(email) for email, _ in people if email} | INVOICED,
        {str(name) for _, name in people},
    )


def told_by(workflow: str, events: list[Json]) -> Iterator[Event]:
    """Yield the events of a history; an answer is named by what was asked."""
    names: dict[str, str] = {}
    for event in events:
        said: Json = next((event[one] for one in event if one.endswith("Attributes")), {})
        names[event["eventId"]] = name = name_of(event, said)
        asked = said.get("scheduledEventId") or said.get("acceptedEventId")
        is_answer = event["eventType"].endswith(("TASK_COMPLETED", "UPDATE_COMPLETED"))
        if is_answer and asked in names:
            name = f"answer to {names[asked].partition(' ')[2]}"
        yield Event(workflow, name, told(event))


def name_of(event: Json, said: Json) -> str:
    """Name an event by what it is and whom it concerns."""
    match event["eventType"].removeprefix("EVENT_TYPE_"):
        case "WORKFLOW_EXECUTION_STARTED":
            return f"started {said['workflowType']['name']}"
        case "WORKFLOW_EXECUTION_CONTINUED_AS_NEW":
            return "continued as new"
        case "WORKFLOW_EXECUTION_UPDATE_ACCEPTED":
            return f"asked {said['acceptedRequest']['input']['name']}"
        case "ACTIVITY_TASK_SCHEDULED":
            return f"calls {said['activityType']['name']}"
        case other:
            return f"{other} {said.get('signalName', '')}".strip()


def told(event: Json) -> str:
    """Return all that an event says, its payloads decoded."""
    return json.dumps(event) + "".join(decoded(event))


def decoded(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from decoded(one)
    elif isinstance(part, dict):
        if "data" in part and "metadata" in part:
            yield base64.b64decode(part["data"]).decode(errors="replace")
        for one in part.values():
            yield from decoded(one)


def holding(heard: Heard, words: set[str]) -> set[tuple[str, str]]:
    """Return which events hold one of the words, and of what kind of workflow."""
    return {
        (one.workflow.partition(":")[0], one.kind)
        for one in heard.events
        if any(word in one.text for word in words)
    }

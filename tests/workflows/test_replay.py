"""What ran yesterday must go on today: stored histories replay on the current code.

A history that does not replay any more is never recorded again to make this pass: guard the change
with `workflow.patched`, for subscriptions with that history are running. Only until a shape is
released may `make histories` record it anew.
"""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.history.v1 import WorkflowExecutionStartedEventAttributes
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from activities.errors import NamedErrors
from tests.workflows.divergent import Hasty
from workflows.approval.workflow import Approval
from workflows.arguments import OneArgument
from workflows.converter import DATA_CONVERTER
from workflows.outbox_relay import OutboxRelay
from workflows.queries import TasksOnlyRunner
from workflows.stripe_event import StripeEvent
from workflows.subscription.workflow import Subscription

SERVED = [Subscription, OutboxRelay, StripeEvent, Approval]
STORED = sorted(Path(__file__).with_name("histories").glob("*.json"))
stored = pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
PATHS = re.compile(r"/(work|home|root|tmp|usr|opt)/|site-packages")
UNSANDBOXED = TasksOnlyRunner()
PROCESS = re.compile(r"\d+@")  # how the SDK names a worker: process@machine


def replayer(*workflows: type, runner: WorkflowRunner = UNSANDBOXED) -> Replayer:
    """Build a replayer as `worker.py` builds its workers."""
    return Replayer(
        workflows=list(workflows),
        workflow_runner=runner,
        interceptors=[NamedErrors(), OneArgument()],
        data_converter=DATA_CONVERTER,
    )


def history(path: Path) -> WorkflowHistory:
    """Read a history under the id that its workflow had, which a start is checked against."""
    read = WorkflowHistory.from_json("unknown", path.read_text())
    return WorkflowHistory(started(read).workflow_id, read.events)


def started(history: WorkflowHistory) -> WorkflowExecutionStartedEventAttributes:
    return history.events[0].workflow_execution_started_event_attributes


def texts(value: Any) -> Iterator[str]:
    """Yield every text of a history; payloads are in base64."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def payloads(value: Any) -> Iterator[str]:
    """Yield what every payload of a history says."""
    if isinstance(value, dict):
        if isinstance(value.get("data"), str):
            yield base64.b64decode(value["data"]).decode()
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from payloads(one)


@stored
async def test_a_stored_history_replays(path: Path) -> None:
    await replayer(*SERVED).replay_workflow(history(path))


@pytest.mark.parametrize("kind", SERVED, ids=lambda kind: kind.__name__)
async def test_a_workflow_asks_for_no_clock_and_no_chance_of_the_machine(kind: type) -> None:
    """The sandbox forbids them; it imports everything again, so one history of each is enough."""
    name = workflow._Definition.must_from_class(kind).name
    first = next(one for one in map(history, STORED) if started(one).workflow_type.name == name)
    await replayer(kind, runner=SandboxedWorkflowRunner()).replay_workflow(first)


@pytest.mark.parametrize("name", ["life-1", "life-2", "malformed-2", "declined-purchase-2"])
async def test_a_workflow_that_does_something_else_does_not_replay(name: str) -> None:
    path = next(path for path in STORED if path.stem == name)
    with pytest.raises(NondeterminismError):
        await replayer(Hasty).replay_workflow(history(path))


def test_every_workflow_has_a_stored_history() -> None:
    defined = {workflow._Definition.must_from_class(one).name for one in SERVED}
    assert {started(history(path)).workflow_type.name for path in STORED} == defined


@stored
def test_a_stored_history_names_no_machine(path: Path) -> None:
    told = json.loads(path.read_text())
    assert [text for text in (*texts(told), *payloads(told)) if PATHS.search(text)] == []
    assert [text for text in texts(told) if PROCESS.search(text)] == []

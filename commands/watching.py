"""The fate of a subscription's workflow: whether it runs, how its start went, why it failed.

Waiting is bounded by progress: it goes on as long as the history grows.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from temporalio.client import (
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
)
from temporalio.exceptions import ApplicationError

from commands.terminal import DONE, REFUSED, UNDER_WAY
from domain.reasons import CURES
from domain.subscription import Status, Step
from workflows.queries import ask_status

QUIET_SECONDS = 60  # without any progress before a command stops waiting
POLL_SECONDS = 0.1

Handle = WorkflowHandle[Any, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """The message, the exit code and a reason, empty if all is well."""

    code: int
    words: str
    reason: str = ""


async def beginning(handle: Handle) -> Told:
    """Wait until a subscription has begun, is scheduled or has failed; return which."""
    seen, quiet_since = None, time.monotonic()
    while True:
        described = await handle.describe()
        if described.status is not WorkflowExecutionStatus.RUNNING:
            return await _closed(handle, described)
        progress = (described.run_id, described.history_length)
        if progress != seen:
            seen, quiet_since = progress, time.monotonic()
            told = _begun(await ask_status(handle))
            if told is not None:
                return told
        elif time.monotonic() - quiet_since > QUIET_SECONDS:
            return Told(UNDER_WAY, f"is still pending: {_hindrance(described)}")
        await asyncio.sleep(POLL_SECONDS)


async def failure(handle: Handle, described: WorkflowExecutionDescription) -> dict[str, str]:
    """Return how a workflow failed: its state, reason, message and cure."""
    state = described.status.name.lower() if described.status else "unknown"
    try:
        await handle.result()
    except WorkflowFailureError as error:
        cause = error.cause
        reason = cause.type if isinstance(cause, ApplicationError) else None
        message = cause.message if isinstance(cause, ApplicationError) else str(cause)
        return {
            "workflow": state,
            "reason": reason or state,
            "message": message,
            "cure": CURES.get(reason or "", ""),
        }
    return {"workflow": state, "reason": state, "message": "", "cure": ""}


def ended_well(described: WorkflowExecutionDescription) -> bool:
    """Return whether a workflow runs, or has ended as it should."""
    return described.status in (
        WorkflowExecutionStatus.RUNNING,
        WorkflowExecutionStatus.COMPLETED,
        WorkflowExecutionStatus.CONTINUED_AS_NEW,
    )


async def _closed(handle: Handle, described: WorkflowExecutionDescription) -> Told:
    if ended_well(described):
        return Told(REFUSED, "has ended: take a new id", "subscription_ended")
    found = await failure(handle, described)
    return Told(REFUSED, f"{found['message']}: {found['cure']}", found["reason"])


def _begun(answer: Mapping[str, Any]) -> Told | None:
    """Return how the start went by a status answer; None while it is in progress."""
    if answer["status"] != Status.PENDING:
        held = f"{answer['available']} credits until {answer['window_end']}"
        paid = answer["last_charge"] or "nothing to pay"
        return Told(DONE, f"is {answer['status']}: {paid}; {held}")
    steps = {charge["step"] for charge in answer["open_charges"]}
    if Step.DECLINED in steps:
        reason = "declined" if answer["card"] else "no_payment_method"
        return Told(REFUSED, f"stays pending, {answer['last_charge']}: {CURES[reason]}", reason)
    if Step.SENT in steps:
        return Told(UNDER_WAY, "is pending: its invoice was mailed, and waits for a transfer")
    if Step.PROCESSING in steps:
        return Told(UNDER_WAY, "is pending: the payment is on its way")
    if not steps and answer["next_due"] is not None and answer["next_due"] > answer["now"]:
        return Told(DONE, f"begins at {answer['next_due']}: nothing is charged before")
    return None


def _hindrance(described: WorkflowExecutionDescription) -> str:
    """Return what holds a workflow up."""
    for one in described.raw_description.pending_activities:
        if one.last_failure.message:
            return f"{one.activity_type.name} is being retried after: {one.last_failure.message}"
    return "nothing has moved for a minute; is a worker running?"

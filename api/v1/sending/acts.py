"""Acts: a request sent on as the contract's message to a workflow, and what its answer comes to.

Key and answer are the message's own, so that both doors say the same. The request's attempt is the
update's id: a repeat after a crash gets the first outcome even if the message has no key.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from temporalio.client import (
    RPCTimeoutOrCancelledError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateStage,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from api.v1.call import Call, Reply, reply
from api.v1.preferences import wait_of
from api.v1.problems import MEDIA_TYPE, Problem, problem, status_of
from domain.errors import InvalidInput
from domain.messages.answers import Answer
from ledger.direct import owners
from ledger.direct.owners import Owner

PATIENCE = 30  # seconds for an answer: more than an update waits for a purchase
TAKEN = 5.0  # seconds until a subscription has taken a message, or does not answer
OPEN = frozenset({"pending", "processing", "waiting"})  # the same key asks for the state again
TOLD = ("status", "reason", "cure")  # a problem says these itself
AWAY = (RuntimeError, TimeoutError, RPCTimeoutOrCancelledError)  # the first: never connected
encode = msgspec.json.Encoder().encode

Find = Callable[[Any, str], Owner | None]


class Unfinished(Exception):
    """An act goes on, and its caller would wait no longer."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message: to which workflow, under which name, with which content.

    `ends`: the workflow ends with it, so that nobody could ask it for the outcome afterwards.
    """

    workflow_id: str
    name: str
    content: Mapping[str, Any]
    ends: bool = False


async def customer_of(call: Call) -> Owner:
    """Return the subscription of the path's customer. Raises `Problem` (`unknown_customer`)."""
    named = call.path["id"]
    found = await asyncio.to_thread(_found, call, owners.of_customer, named)
    if found is None:
        raise Problem("unknown_customer", f"there is no customer {named!a:.80}")
    return found


async def subscription_of(call: Call) -> Owner | None:
    """Return the subscription in the path; None: the ledger knows none of this seller's."""
    named = call.path["id"]
    return await asyncio.to_thread(_found, call, owners.of_subscription, named)


def _found(call: Call, find: Find, named: str) -> Owner | None:
    if "\x00" in named:
        return None
    with call.services.engine.connect() as connection:
        found = find(connection, named)
    # Another seller's is as unknown as one that does not exist.
    return found if found is None or call.key.catalog in (None, found.catalog) else None


async def ask(call: Call, letter: Letter, gone: Callable[[], Problem]) -> Reply:
    """Send an update and return the reply to its answer.

    Raises `Problem`: a refusal by its reason, `temporal_unavailable`, or what `gone` returns where
    no such workflow runs.
    """
    try:
        return answered(call, await sent(call, letter, gone))
    except Unfinished:
        return replace(reply({"status": "pending"}, 202, Retry_After="1"), goes_on=True)


async def sent(call: Call, letter: Letter, gone: Callable[[], Problem]) -> Answer:
    """Send an update and return its answer. Raises `Problem`; `Unfinished` as preferred."""
    handle = call.services.temporal.get_workflow_handle(letter.workflow_id)
    # Without a key nobody could ask again.
    preferred = wait_of(call) if call.turn and not letter.ends else None
    try:
        if preferred is not None:
            return await _awaited(call, handle, letter, preferred)
        async with asyncio.timeout(PATIENCE):
            answer = await handle.execute_update(
                letter.name, dict(letter.content), id=call.attempt or None
            )
            return dict(answer)
    except WorkflowUpdateFailedError as error:
        raise rejected(error.cause) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise gone() from error
        raise away(error) from error
    except AWAY as error:
        raise away(error) from error


async def _awaited(
    call: Call, handle: WorkflowHandle[Any, Any], letter: Letter, seconds: float
) -> Answer:
    """Return the answer if it comes in time, else raise `Unfinished`.

    That is said only of what the subscription has taken: it will be done.
    """
    over = asyncio.get_running_loop().time() + seconds
    async with asyncio.timeout(max(seconds, TAKEN)):
        begun = await handle.start_update(
            letter.name,
            dict(letter.content),
            id=call.attempt,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
        )
    try:
        async with asyncio.timeout_at(over):
            return dict(await begun.result())
    except (TimeoutError, RPCTimeoutOrCancelledError) as error:
        raise Unfinished from error


def answered(call: Call, answer: Answer) -> Reply:
    """Return the reply to an answer of the contract. Raises `Problem` for `refused`."""
    status = answer["status"]
    if status == "refused" and "reason" in answer:
        raise Problem(
            answer["reason"], "the request is refused", facts=facts_of(answer), decided=True
        )
    if status == "declined":  # a first answer like others: a new attempt needs a new key
        reason, told = answer["reason"], "the payment was declined"
        body = problem(reason, told, call.request_id, facts_of(answer))
        return Reply(body, status_of(reason), media_type=MEDIA_TYPE, reason=reason)
    if status in OPEN:
        return reply(answer, 202, Retry_After="1")
    return reply(answer)


def facts_of(answer: Answer) -> Answer:
    """Return what an answer says beside its reason."""
    return {name: value for name, value in answer.items() if name not in TOLD}


def rejected(cause: BaseException | None) -> Exception:
    """Return the problem of a message that a workflow refused to take; its type is the reason."""
    if isinstance(cause, ApplicationError) and cause.type:
        return InvalidInput(cause.type, cause.message)
    return Problem("internal_error", "the message could not be carried out")


def away(error: Exception) -> Problem:
    """Return the problem of a server that did not answer; what was asked may yet be done."""
    if isinstance(error, RPCError) and error.status is RPCStatusCode.RESOURCE_EXHAUSTED:
        return Problem("too_many_requests", "too many requests of one subscription at once")
    return Problem("temporal_unavailable", "the subscription does not answer")


def ended(owner: Owner) -> Problem:
    """Return what it means that a known subscription has no workflow."""
    if owner.status == "ended":
        return Problem("subscription_ended", "the subscription has ended")
    return Problem("temporal_unavailable", "the subscription is being restored")

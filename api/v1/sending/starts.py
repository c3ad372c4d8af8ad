"""Subscriptions started and shown: the workflow's own word, and the ledger's row."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import (
    RPCError,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.exceptions import (
    ApplicationError,
    WorkflowAlreadyStartedError,
)
from temporalio.service import RPCStatusCode

from api.v1.call import Call
from api.v1.problems import Problem
from api.v1.sending.acts import AWAY, away, rejected
from domain.messages.answers import Answer
from domain.subscription import Start
from ledger import accounts, subscriptions
from ledger.direct import owners
from ledger.direct.owners import Owner
from workflows import names
from workflows.queries import ask_status

PATIENCE = 20.0  # seconds until a start is known to the ledger, or has failed
LOOK = 0.05  # seconds between two looks at the ledger
ANSWER = timedelta(seconds=5)  # for a query
ATTEMPT, CATALOG = "attempt", "catalog"  # in the memo of a workflow that we start


async def start(call: Call, begun: Start, raw: Mapping[str, Any]) -> Answer:
    """Start a subscription; return where it stands.

    Raises `Problem` and `InvalidInput`: the reason why the workflow failed, `unknown_catalog`,
    `already_subscribed`.
    """
    await asyncio.to_thread(_require_ours, call, begun)
    handle = await _started(call, begun, raw)
    if begun.begins_at is None or begun.begins_at <= datetime.now(UTC):
        await _known_or_failed(call, begun, handle)
    named = begun.subscription_id
    row = await row_of(call, named)
    return await described(call, named, row, await told(call, named))


async def require_free(call: Call, begun: Start) -> None:
    """Refuse the preview of what could not be started. Raises `Problem`, as a start does."""
    await asyncio.to_thread(_require_ours, call, begun)
    workflow_id = names.subscription_workflow(begun.subscription_id)
    try:
        seen = await call.services.temporal.get_workflow_handle(workflow_id).describe(
            rpc_timeout=ANSWER
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return
        raise away(error) from error
    except AWAY as error:
        raise away(error) from error
    if seen.status is WorkflowExecutionStatus.RUNNING:
        raise _is_live(begun)


def _is_live(begun: Start) -> Problem:
    return Problem("already_subscribed", f"subscription {begun.subscription_id!a:.80} is live")


def _require_ours(call: Call, begun: Start) -> None:
    """Refuse to touch what is another seller's. Raises `Problem`."""
    catalog = call.key.catalog
    if catalog is None:
        return
    if begun.catalog != catalog:
        raise Problem("unknown_catalog", f"this key sells {catalog!a:.60} alone")
    with call.services.engine.connect() as connection:
        known = (
            owners.of_customer(connection, begun.customer_id),
            owners.of_subscription(connection, begun.subscription_id),
        )
    if any(one is not None and one.catalog != catalog for one in known):
        raise Problem("already_subscribed", "the id is another customer's: use your own")


async def _started(call: Call, begun: Start, raw: Mapping[str, Any]) -> WorkflowHandle[Any, Any]:
    client, workflow_id = call.services.temporal, names.subscription_workflow(begun.subscription_id)
    try:
        return await client.start_workflow(
            "Subscription",
            {"start": dict(raw)},
            id=workflow_id,
            task_queue=names.BILLING,
            memo={ATTEMPT: call.attempt, CATALOG: begun.catalog},
            rpc_timeout=ANSWER,
        )
    except WorkflowAlreadyStartedError as error:
        handle = client.get_workflow_handle(workflow_id)
        if (await _memo(handle) or {}).get(ATTEMPT) != call.attempt:
            raise _is_live(begun) from error
        return handle  # started by this very request, whose answer was lost
    except (RPCError, *AWAY) as error:
        raise away(error) from error


async def _memo(handle: WorkflowHandle[Any, Any]) -> Mapping[str, Any] | None:
    """Return what we noted when we started a workflow; None: it runs no more."""
    try:
        seen = await handle.describe(rpc_timeout=ANSWER)
        running = seen.status is WorkflowExecutionStatus.RUNNING
        return await seen.memo() if running else None
    except (RPCError, *AWAY) as error:
        raise away(error) from error


async def _known_or_failed(call: Call, begun: Start, handle: WorkflowHandle[Any, Any]) -> None:
    """Wait until the ledger has the subscription. Raises the reason why the start failed."""
    outcome = asyncio.ensure_future(handle.result())
    try:
        async with asyncio.timeout(PATIENCE):
            while not await asyncio.to_thread(_is_known, call, begun):
                done, _ = await asyncio.wait({outcome}, timeout=LOOK)
                if done:
                    outcome.result()
                    return
    except WorkflowFailureError as error:
        raise _failure(error) from error
    except (RPCError, *AWAY) as error:
        raise away(error) from error
    finally:
        outcome.cancel()


def _is_known(call: Call, begun: Start) -> bool:
    """Return whether the ledger has a live row, whose customer the processor knows."""
    with call.services.engine.connect() as connection:
        found = owners.of_subscription(connection, begun.subscription_id)
    return found is not None and found.status != "ended" and found.payer is not None


def _failure(error: WorkflowFailureError) -> Exception:
    cause: BaseException | None = error.cause
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    return rejected(cause)


async def told(call: Call, subscription_id: str) -> Answer | None:
    """Return the workflow's own status; None: there is none, or it does not answer."""
    workflow_id = names.subscription_workflow(subscription_id)
    handle = call.services.temporal.get_workflow_handle(workflow_id)
    try:
        return await ask_status(handle, ANSWER)
    except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError, *AWAY):
        return None


async def row_of(call: Call, subscription_id: str) -> Owner | None:
    """Return the ledger's row, whoever's it is."""
    return await asyncio.to_thread(_row_of, call, subscription_id)


def _row_of(call: Call, subscription_id: str) -> Owner | None:
    if "\x00" in subscription_id:
        return None
    with call.services.engine.connect() as connection:
        return owners.of_subscription(connection, subscription_id)


async def described(
    call: Call, subscription_id: str, row: Owner | None, status: Answer | None
) -> Answer:
    """Return where a subscription stands, the workflow's word first.

    Raises `Problem` (`no_subscription`) for one that there is not, or that is another seller's.
    """
    known, catalog = row is not None, row.catalog if row is not None else None
    if row is None and status is not None:  # it has not begun, or could not
        workflow_id = names.subscription_workflow(subscription_id)
        memo = await _memo(call.services.temporal.get_workflow_handle(workflow_id))
        known, catalog = memo is not None, (memo or {}).get(CATALOG)
    if not known or call.key.catalog not in (None, catalog):
        raise Problem("no_subscription", f"there is no subscription {subscription_id!a:.80}")
    kept = {} if row is None else await asyncio.to_thread(_kept, call, row)
    return {"catalog": catalog, **kept, **(status or {})}


def _kept(call: Call, row: Owner) -> Answer:
    with call.services.engine.connect() as connection:
        kept = subscriptions.stored(connection, row.subscription_id)
        details = accounts.details_of(connection, row.account_id)
    instants = {
        "begins_at": kept.begins_at,
        "trial_ends_at": kept.trial_ends_at,
        "period_start": kept.period_start,
        "period_end": kept.period_end,
    }
    return {
        "subscription": row.subscription_id,
        "customer": details.customer_id,
        "status": row.status,
        "plan": kept.plan["plan_id"],
        "version": kept.plan["version"],
        "next_plan": kept.next_plan["plan_id"] if kept.next_plan else None,
        "cancel_at_end": kept.cancel_at_end,
        **{name: None if at is None else at.isoformat() for name, at in instants.items()},
    }

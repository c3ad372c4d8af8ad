"""Holds already authorized: captured, extended, released.

They overtake waiting usage: their credits are set aside, and they must not lapse behind a purchase
or renewal in flight. A new hold instead waits in the queue of usage, in order.
"""

from collections.abc import Callable
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.usage.holds import Decided, HoldActivities, Holder
    from domain.messages.answers import answer_to_hold, credit_text
    from domain.messages.holds import (
        Capture,
        Extend,
        Release,
        parse_capture,
        parse_extend,
        parse_release,
    )
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Update


async def _capture(context: Context, request: Capture, _ticket: int) -> Answer:
    """Answer `captured`, `already_unlocked`, `repeated` or `refused` with a reason."""
    taken = credit_text(request.quantity_micro)
    return await _ask(context, HoldActivities.capture, request, f"capture {taken} of {request.key}")


async def _extend(context: Context, request: Extend, _ticket: int) -> Answer:
    """Answer `extended`, `repeated` or `refused` with a reason."""
    until = f"{request.lapses_at:%Y-%m-%d %H:%M}Z"
    return await _ask(context, HoldActivities.extend, request, f"extend {request.key} to {until}")


async def _release(context: Context, request: Release, _ticket: int) -> Answer:
    """Answer `released`, `repeated` or `refused` with a reason."""
    return await _ask(context, HoldActivities.release, request, f"release {request.key}")


async def _ask(
    context: Context, method: Callable[..., Decided], request: Any, summary: str
) -> Answer:
    decided = await workflow.execute_activity_method(
        method, args=[holder(context.state), request], summary=short(summary), **LEDGER
    )
    context.state.balance_is(decided.available_micro, workflow.now())
    return answer_to_hold(decided.outcome)


def holder(state: SubscriptionState) -> Holder:
    """Return the holder of the holds, at this instant."""
    return Holder(
        subscription_id=state.subscription_id,
        account_id=state.account_id,
        plan=state.plan_in_force(),
        window_end=state.window.end if state.window else None,
        at=workflow.now(),
    )


MESSAGES = (
    Update(
        "capture",
        "Charge the held work's final quantity; the rest goes back.",
        parse_capture,
        _capture,
    ),
    Update(
        "extend",
        "Extend a hold.",
        parse_extend,
        _extend,
    ),
    Update(
        "release",
        "Return the credits of a hold.",
        parse_release,
        _release,
    ),
)

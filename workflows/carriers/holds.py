"""Holds: captured, extended, released. A hold itself waits in the queue of usage, in its order."""

from collections.abc import Callable
from typing import Any

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.usage.holds import Decided, HoldActivities, Holder
    from domain.holds import HELD, HoldOutcome, HoldState
    from domain.messages.holds import Capture, Extend, Release
    from domain.subscription import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, credit_text, refused


class HoldCarriers:
    """Carries out what products ask of holds that are authorized already.

    Before usage that waits: its credits are set aside, and a purchase or renewal in flight must not
    let them lapse.
    """

    def __init__(self, context: Context) -> None:
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {"capture": self._capture, "extend": self._extend, "release": self._release}

    async def _capture(self, wanted: Capture, _ticket: int) -> Answer:
        taken = credit_text(wanted.quantity_micro)
        return await self._ask(HoldActivities.capture, wanted, f"capture {taken} of {wanted.key}")

    async def _extend(self, wanted: Extend, _ticket: int) -> Answer:
        until = f"{wanted.lapses_at:%Y-%m-%d %H:%M}Z"
        return await self._ask(HoldActivities.extend, wanted, f"extend {wanted.key} to {until}")

    async def _release(self, wanted: Release, _ticket: int) -> Answer:
        return await self._ask(HoldActivities.release, wanted, f"release {wanted.key}")

    async def _ask(self, method: Callable[..., Decided], wanted: Any, summary: str) -> Answer:
        decided = await workflow.execute_activity_method(
            method, args=[holder(self._state), wanted], summary=short(summary), **LEDGER
        )
        self._state.available_micro = decided.available_micro
        self._state.balance_as_of = workflow.now()
        return answer_to_hold(decided.outcome)


def holder(state: SubscriptionState) -> Holder:
    """Return whose holds are asked about, at this instant."""
    return Holder(
        state.subscription_id,
        state.account_id,
        state.plan_in_force(),
        state.window.end if state.window else None,
        workflow.now(),
    )


def answer_to_hold(outcome: HoldOutcome) -> Answer:
    """Return an outcome as an update's answer."""
    if outcome.status not in HELD:
        return refused(outcome.status, missing=credit_text(outcome.missing_micro))
    answer: Answer = {
        "status": outcome.status,
        "seq": outcome.seq,
        "state": outcome.state,
        "held": _by_type(outcome.held),
        "available": credit_text(outcome.available_micro),
    }
    if outcome.state is HoldState.CAPTURED:
        answer["taken"] = _by_type(outcome.taken)
        answer["uncollected"] = _by_type(outcome.uncollected)
    if outcome.state is HoldState.OPEN and outcome.lapses_at is not None:
        answer["lapses_at"] = outcome.lapses_at.isoformat()
    if outcome.served_as is not None:
        answer["served_as"] = outcome.served_as
    return answer


def _by_type(amounts: tuple[tuple[str, int], ...]) -> dict[str, str | None]:
    return {credit_type: credit_text(micro) for credit_type, micro in amounts}

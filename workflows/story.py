"""What an operator reads in the Temporal UI: search attributes and current details."""

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from domain.credits import format_credits
    from domain.subscription import Status, SubscriptionState
from workflows import names
from workflows.inbox import Inbox

WHAT_TO_DO = {
    Status.PENDING: "the first charge is not paid: see the pending activity or ask for a card",
    Status.ACTIVE: "nothing",
    Status.PAST_DUE: "the renewal is unpaid: the customer must update the card",
    Status.PAUSED: "see the cause: a new card, or `resume` by an operator",
    Status.CANCELED: "nothing: it ends by itself",
    Status.ENDED: "nothing",
}


class Story:
    """Tells where a subscription stands; upserts search attributes only when they change."""

    def __init__(self, state: SubscriptionState, inbox: Inbox) -> None:
        self._state = state
        self._inbox = inbox
        self._told: tuple[object, ...] = ()

    def tell(self, next_due: datetime | None) -> None:
        """Publish the present."""
        self._index()
        workflow.set_current_details(self.details(next_due))

    def details(self, next_due: datetime | None) -> str:
        """Return eight lines of Markdown, all that the UI shows without scrolling."""
        state = self._state
        plan = state.plan.name if state.plan else state.start.plan_id
        causes = f" ({', '.join(state.pauses)})" if state.pauses else ""
        window = f"{_day(state.window.start)} to {_day(state.window.end)}" if state.window else "-"
        balance = format_credits(state.available_micro)
        switch = "on" if state.auto_purchase else "off"
        return "\n".join(
            (
                f"**{state.status.value}**{causes}: {plan}, {state.start.customer_id}",
                f"- balance {balance} as of {_day(state.balance_as_of)}, auto-purchase {switch}",
                f"- window {window}",
                f"- next due {_day(next_due)}, {len(state.charges)} open charges",
                f"- last charge: {state.last_charge or '-'}",
                f"- card: {state.card or 'none'}, renewal under {_next_plan(state)}",
                f"- last refusal: {self._inbox.last_refusal or '-'}",
                f"- to do: {WHAT_TO_DO[state.status]}",
            )
        )

    def _index(self) -> None:
        state = self._state
        reason = state.pauses[0].value if state.pauses else "none"
        plan = state.plan.plan_id if state.plan else state.start.plan_id
        ends = state.period.end if state.period else None
        told = (state.status, plan, reason, ends)
        if told == self._told:
            return
        self._told = told
        updates: list[SearchAttributeUpdate[Any]] = [
            names.STATUS.value_set(state.status.value),
            names.PLAN.value_set(plan[:255]),
            names.CUSTOMER.value_set(state.start.customer_id[:255]),
            names.PAUSE_REASON.value_set(reason),
        ]
        if ends is not None:
            updates.append(names.NEXT_BILLING_AT.value_set(ends))
        workflow.upsert_search_attributes(updates)


def status_of(state: SubscriptionState, next_due: datetime | None) -> dict[str, object]:
    """Return where a subscription stands as JSON; balances are as of `balance_as_of`."""
    return {
        "subscription": state.subscription_id,
        "customer": state.start.customer_id,
        "status": state.status.value,
        "paused_by": [cause.value for cause in state.pauses],
        "plan": state.plan.plan_id if state.plan else state.start.plan_id,
        "next_plan": state.next_plan.plan_id if state.next_plan else None,
        "cancel_at_end": state.cancel_at_end,
        "auto_purchase": state.auto_purchase,
        "card": state.card,
        "last_charge": state.last_charge,
        "available": format_credits(state.available_micro),
        "balance_as_of": _iso(state.balance_as_of),
        "period_start": _iso(state.period.start if state.period else None),
        "period_end": _iso(state.period.end if state.period else None),
        "window_end": _iso(state.window.end if state.window else None),
        "next_due": _iso(next_due),
        "now": workflow.now().isoformat(),
        "open_charges": [
            {
                "charge_id": charge.charge.charge_id,
                "step": charge.step.value,
                "amount_minor": charge.charge.amount_minor,
                "attempt": charge.attempt,
            }
            for charge in state.charges
        ],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _next_plan(state: SubscriptionState) -> str:
    if state.cancel_at_end:
        return "no plan (canceled)"
    return state.next_plan.name if state.next_plan else "the same plan"


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "-"

"""What operators read in the Temporal UI: search attributes and current details.

The UI shows current details in the tab "User Metadata", in a box of about a dozen lines: a table
of eight rows fits, and what to do comes first.
"""

from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import SearchAttributeUpdate

with workflow.unsafe.imports_passed_through():
    from domain.credits import format_credits
    from domain.money import format_money
    from domain.payments.charges import Charge, ChargeKind
    from domain.subscription import OWED, OpenCharge, Pause, Status, Step
    from domain.subscription_state import SubscriptionState
from workflows import names
from workflows.subscription.mailbox import Mailbox
from workflows.subscription.timer import Due

PURPOSES = {
    ChargeKind.PERIOD: "the period",
    ChargeKind.UPGRADE: "the upgrade",
    ChargeKind.MANUAL: "credits by hand",
    ChargeKind.PACK: "a pack",
    ChargeKind.AUTO: "the auto-purchase",
}
PROGRESS = {
    Step.PREPARING: "invoice being made",
    Step.PREPARED: "invoice ready",
    Step.PAYING: "being paid",
    Step.DECLINED: "declined",
    Step.REVIEW: "paid with another amount, looked into",
    Step.PROCESSING: "money on its way",
    Step.SENT: "sent",
    Step.PAID: "paid, granted with the next window",
    Step.VOIDING: "being voided",
}
COMING = (Step.PROCESSING, Step.SENT)
IN_FLIGHT = frozenset({Step.PREPARING, Step.PAYING, Step.VOIDING})
# The server terminates a workflow whose keyword exceeds its limit.
LONGEST_KEYWORD = 255
LONGEST_CELL = 160
GAP = "\u00a0 "  # the UI draws cells without space between them


class OperatorView:
    """Shows where a subscription stands; upserts search attributes only when they change."""

    def __init__(self, state: SubscriptionState, mailbox: Mailbox) -> None:
        self._state = state
        self._mailbox = mailbox

    def tell(self, due: Due | None) -> None:
        """Publish the current state."""
        self._index()
        workflow.set_current_details(self.details(due))

    def details(self, due: Due | None) -> str:
        """Return a table in Markdown, the most important row first."""
        state = self._state
        rows = [
            (f"**{state.status.value}**", _who(state)),
            ("**to do**", _to_do(state)),
            ("next", f"{day(due.at)}: {due.what}" if due else "nothing by itself"),
            ("unpaid", "; ".join(map(_progress, state.charges)) or "nothing"),
            ("card", f"{state.card or 'none'}; last charge: {state.last_charge or 'none'}"),
            ("balance", _balance(state)),
            ("window", _window(state)),
            ("refused", self._mailbox.last_refusal or "nothing"),
        ]
        head, *lines = (f"| {label}{GAP}| {cell(text)} |" for label, text in rows)
        return "\n".join((head, "| :--- | :--- |", *lines))

    def _index(self) -> None:
        """Upsert what differs; a run starts with the attributes of the previous run."""
        state = self._state
        known = workflow.info().typed_search_attributes
        plan = state.plan.plan_id if state.plan else state.start.plan_id
        keywords = {
            names.STATUS: state.status.value,
            names.PLAN: plan,
            names.CUSTOMER: state.start.customer_id,
            names.PAUSE_REASON: state.pauses[0].value if state.pauses else "none",
        }
        updates: list[SearchAttributeUpdate[Any]] = [
            key.value_set(text[:LONGEST_KEYWORD])
            for key, text in keywords.items()
            if known.get(key) != text[:LONGEST_KEYWORD]
        ]
        ends = state.period.end if state.period else None
        if ends is not None and known.get(names.NEXT_BILLING_AT) != ends:
            updates.append(names.NEXT_BILLING_AT.value_set(ends))
        # Unset counts as zero, so that histories from before findings existed replay unchanged.
        if (known.get(names.FINDINGS) or 0) != state.findings:
            updates.append(names.FINDINGS.value_set(state.findings))
        if updates:
            workflow.upsert_search_attributes(updates)


def demanded(charge: Charge) -> str:
    """Return a charge for operators: "$11.70 for the auto-purchase"."""
    return money_for(charge.total_minor, charge)


def money_for(amount_minor: int, charge: Charge) -> str:
    """Return money that a charge brought, and what it pays for."""
    return f"{format_money(amount_minor, charge.currency)} for {PURPOSES[charge.kind]}"


def at_the_end(state: SubscriptionState) -> str:
    """Return what happens at the end of the period."""
    if state.cancel_at_end:
        return "end"
    plan = state.next_plan or state.plan_in_force()
    if not plan.paid:
        return f"renew {plan.name}"
    price = format_money(state.renewal_minor(plan), plan.currency)
    return f"prepare the renewal of {plan.name}, {price}"


def status_of(state: SubscriptionState, next_due: datetime | None) -> dict[str, object]:
    """Return where a subscription stands as JSON; balances are as of `balance_as_of`."""
    return {
        "subscription": state.subscription_id,
        "customer": state.start.customer_id,
        "status": state.status.value,
        "paused_by": [cause.value for cause in state.pauses],
        "pause": state.pause_note,
        "plan": state.plan.plan_id if state.plan else state.start.plan_id,
        "next_plan": state.next_plan.plan_id if state.next_plan else None,
        "cancel_at_end": state.cancel_at_end,
        "auto_purchase": state.auto_purchase,
        "card": state.card,
        "last_charge": state.last_charge,
        "findings": state.findings,
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
                "amount_minor": charge.charge.total_minor,
                "attempt": charge.attempt,
                **({"granted": True} if charge.granted else {}),
            }
            for charge in state.charges
        ],
    }


def _who(state: SubscriptionState) -> str:
    plan = state.plan.name if state.plan else state.start.plan_id
    causes = f"{', '.join(state.pauses)}; " if state.pauses else ""
    return f"{causes}{plan}; customer {state.start.customer_id}"


def _to_do(state: SubscriptionState) -> str:
    """Return what a person must do, starting with what keeps the customer waiting."""
    declined = any(charge.step is Step.DECLINED for charge in state.charges)
    if state.findings:
        which = "a finding" if state.findings == 1 else f"{state.findings} findings"
        return f"look at {which}: `python cli.py findings`"
    if Pause.BY_OPERATOR in state.pauses:
        return f"send the update `resume` once its reason is gone: {state.pause_note or 'unknown'}"
    if Pause.PAYMENT_FAILED in state.pauses or state.lapsed:
        return "the customer must update the card; a mail has asked for it"
    if declined and state.period is None:
        return "the first charge is declined: the customer must add another card"
    if any(charge.step in IN_FLIGHT for charge in state.charges):
        return "nothing; if this lasts, the tab Pending Activities says why"
    return "nothing"


def _progress(charge: OpenCharge) -> str:
    attempt = f", attempt {charge.attempt}" if charge.attempt > 1 else ""
    if charge.refused:
        attempt = f", by the processor{attempt}"
    again = f", again {day(charge.retry_at)}" if charge.retry_at else ""
    due = charge.sent.due_at if charge.sent else None
    again = f", due {day(due)}" if due and charge.step in OWED else again
    usable = ", granted already" if charge.granted and charge.step in COMING else ""
    return f"{demanded(charge.charge)}: {PROGRESS[charge.step]}{usable}{attempt}{again}"


def _balance(state: SubscriptionState) -> str:
    if state.balance_as_of is None:
        return "no credits yet"
    known = f"{format_credits(state.available_micro)} on {day(state.balance_as_of)}"
    if state.ended or state.lapsed or _window_is_over(state):
        return f"{known}; the window is over"
    return f"{known}; auto-purchase {'on' if state.auto_purchase else 'off'}"


def _window(state: SubscriptionState) -> str:
    if state.window is None or state.period is None:
        return "none yet"
    window = f"{day(state.window.start)} to {day(state.window.end)}"
    if state.status is Status.TRIALING:
        return f"trial, {window}; the first charge comes at its end"
    longer = state.period.end > state.window.end
    return f"{window}; paid until {day(state.period.end)}" if longer else window


def _window_is_over(state: SubscriptionState) -> bool:
    return state.window is not None and state.window.end <= workflow.now()


def cell(text: str) -> str:
    """Return a text that stays inside its table cell: customers wrote some of it."""
    safe = "".join(sign if sign.isprintable() else " " for sign in text[:LONGEST_CELL])
    return safe.replace("|", "\\|").replace("<", "&lt;")


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def day(at: datetime | None) -> str:
    """Return an instant for operators."""
    return f"{at:%Y-%m-%d %H:%M}Z" if at else "-"

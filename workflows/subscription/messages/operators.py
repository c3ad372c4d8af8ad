"""Operators' requests: pauses, adjustments and corrections."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans.changes import Adjustment, ChangeActivities, OperatorPause
    from activities.usage.corrections import Correction, CorrectionActivities
    from domain.messages.answers import credit_text, refused
    from domain.messages.corrections import CorrectUsage, parse_correct
    from domain.messages.operators import (
        AdjustCredits,
        OperatorNote,
        parse_adjust_credits,
        parse_operator_note,
        parse_resume,
    )
    from domain.outcomes import Outcome
    from domain.payments.findings import OpenFindings, parse_open
    from domain.subscription import Pause
from workflows.options import LEDGER, short
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Signal, Update

# Older runs go on charging during an operator's pause.
NOTHING_CHARGED = "nothing-charged-while-paused"


async def _pause(context: Context, request: OperatorNote, _ticket: int) -> Answer:
    """Answer `paused` or `refused`."""
    if Pause.BY_OPERATOR in context.state.pauses:
        return refused("already_paused")
    note, held = f"{request.reason}, by {request.by}", workflow.patched(NOTHING_CHARGED)
    context.state.pause_by_operator(note, held=held)
    await _write_pause(context, request, paused=True)
    return {"status": "paused"}


async def _resume(context: Context, request: OperatorNote, _ticket: int) -> Answer:
    """Answer the status afterwards, or `refused`."""
    if Pause.BY_OPERATOR not in context.state.pauses:
        return refused("not_paused")
    context.state.resume_by_operator(workflow.now(), keep_anchor=request.keep_anchor)
    await _write_pause(context, request, paused=False)
    return {"status": context.state.status.value}


async def _findings_changed(context: Context, told: OpenFindings, _ticket: int) -> Answer:
    """Publish the new number of open findings."""
    context.state.findings_are(told.number)
    if told.settled:
        await context.retries.looked_into()
    return {"status": "done"}


async def _write_pause(context: Context, note: OperatorNote, *, paused: bool) -> None:
    await workflow.execute_activity_method(
        ChangeActivities.pause,
        OperatorPause(context.settler.buyer(), note, paused, context.state.status),
        summary=short(f"{'pause' if paused else 'resume'}: {note.reason}"),
        **LEDGER,
    )


async def _adjust_credits(context: Context, request: AdjustCredits, _ticket: int) -> Answer:
    """Answer `done` or `refused`."""
    adjusted = await workflow.execute_activity_method(
        ChangeActivities.adjust,
        Adjustment(context.settler.buyer(), request),
        summary=short(f"adjust by {credit_text(request.quantity_micro)}: {request.reason}"),
        **LEDGER,
    )
    if adjusted.status != Outcome.DONE:
        return refused(adjusted.status)
    context.state.credits_came(adjusted.available_micro, workflow.now())
    return {"status": "done", "available": credit_text(adjusted.available_micro)}


async def _correct(context: Context, request: CorrectUsage, _ticket: int) -> Answer:
    """Answer `corrected` or `refused`."""
    state = context.state
    corrected = await workflow.execute_activity_method(
        CorrectionActivities.correct,
        Correction(state.account_id, state.plan_in_force(), request, workflow.now()),
        summary=short(f"correct to {credit_text(request.quantity_micro)}: {request.reason}"),
        **LEDGER,
    )
    outcome = corrected.outcome
    if outcome.status not in (Outcome.CORRECTED, Outcome.REPEATED):
        return refused(outcome.status)
    state.credits_came(corrected.available_micro, workflow.now())
    return {
        "status": "corrected",
        "given": {name: credit_text(amount) for name, amount in outcome.given},
        "closed": {name: credit_text(amount) for name, amount in outcome.closed},
        "available": credit_text(corrected.available_micro),
    }


MESSAGES = (
    Update(
        "pause",
        "Operators: pause metered actions, for a stated reason.",
        parse_operator_note,
        _pause,
    ),
    Update(
        "resume",
        "Operators: end an operator's pause.",
        parse_resume,
        _resume,
    ),
    Update(
        "adjust_credits",
        "Operators: give or take credits, for a stated reason.",
        parse_adjust_credits,
        _adjust_credits,
    ),
    Update(
        "correct",
        "Operators: reduce an event's quantity, for a stated reason.",
        parse_correct,
        _correct,
    ),
    Signal(
        "findings_changed",
        "Internal: how many findings are unsettled.",
        parse_open,
        _findings_changed,
        early=True,
    ),
)

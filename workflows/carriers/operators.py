"""What operators ask for: pauses and corrections."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans.changes import Adjustment, ChangeActivities, OperatorPause
    from activities.usage.corrections import Correction, CorrectionActivities
    from domain.messages.corrections import CorrectUsage
    from domain.messages.subscription import AdjustCredits, OperatorNote
    from domain.payments.charges import ChargeKind
    from domain.payments.findings import OpenFindings
    from domain.subscription import Pause
from workflows.options import LEDGER, short
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, credit_text, refused

# Runs that began before it go on charging while an operator's pause lasts.
NOTHING_CHARGED = "nothing-charged-while-paused"


class OperatorCarriers:
    """Carries out what operators ask for."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "pause": self._pause,
            "resume": self._resume,
            "adjust_credits": self._adjust_credits,
            "correct": self._correct,
            "findings_changed": self._findings_changed,
        }

    async def _pause(self, wanted: OperatorNote, _ticket: int) -> Answer:
        if Pause.BY_OPERATOR in self._state.pauses:
            return refused("already_paused")
        self._state.pause(Pause.BY_OPERATOR)
        self._state.pause_note = f"{wanted.reason}, by {wanted.by}"
        self._state.held = workflow.patched(NOTHING_CHARGED)
        await self._write_pause(wanted, paused=True)
        return {"status": "paused"}

    async def _resume(self, wanted: OperatorNote, _ticket: int) -> Answer:
        if Pause.BY_OPERATOR not in self._state.pauses:
            return refused("not_paused")
        self._state.unpause(Pause.BY_OPERATOR)
        self._state.pause_note = ""
        if self._state.held:
            self._go_on(keep_anchor=wanted.keep_anchor)
        await self._write_pause(wanted, paused=False)
        return {"status": self._state.status.value}

    async def _findings_changed(self, told: OpenFindings, _ticket: int) -> Answer:
        self._state.findings = told.number
        if told.settled:
            await self._context.collector.looked_into()
        return {"status": "done"}

    def _go_on(self, *, keep_anchor: bool) -> None:
        """Let the clock charge again; what is over by now was not renewed, and begins anew."""
        state, now = self._state, workflow.now()
        state.held = False
        over = state.period is not None and state.period.end <= now
        if over and state.charge_of(ChargeKind.PERIOD) is None:
            state.lapsed, state.arrears = False, None
            state.restart_at = None if keep_anchor else now

    async def _write_pause(self, note: OperatorNote, *, paused: bool) -> None:
        await workflow.execute_activity_method(
            ChangeActivities.pause,
            OperatorPause(self._context.settler.buyer(), note, paused, self._state.status),
            summary=short(f"{'pause' if paused else 'resume'}: {note.reason}"),
            **LEDGER,
        )

    async def _adjust_credits(self, wanted: AdjustCredits, _ticket: int) -> Answer:
        adjusted = await workflow.execute_activity_method(
            ChangeActivities.adjust,
            Adjustment(self._context.settler.buyer(), wanted),
            summary=short(f"adjust by {credit_text(wanted.quantity_micro)}: {wanted.reason}"),
            **LEDGER,
        )
        if adjusted.status != "done":
            return refused(adjusted.status)
        self._state.available_micro = adjusted.available_micro
        self._state.balance_as_of = workflow.now()
        self._state.credits_came(workflow.now())
        return {"status": "done", "available": credit_text(adjusted.available_micro)}

    async def _correct(self, wanted: CorrectUsage, _ticket: int) -> Answer:
        state = self._state
        corrected = await workflow.execute_activity_method(
            CorrectionActivities.correct,
            Correction(state.account_id, state.plan_in_force(), wanted, workflow.now()),
            summary=short(f"correct to {credit_text(wanted.quantity_micro)}: {wanted.reason}"),
            **LEDGER,
        )
        outcome = corrected.outcome
        if outcome.status not in ("corrected", "repeated"):
            return refused(outcome.status)
        state.available_micro = corrected.available_micro
        state.balance_as_of = workflow.now()
        state.credits_came(workflow.now())
        return {
            "status": "corrected",
            "given": {name: credit_text(amount) for name, amount in outcome.given},
            "closed": {name: credit_text(amount) for name, amount in outcome.closed},
            "available": credit_text(corrected.available_micro),
        }

"""A member's request to an admin: waits for a decision, however long, and ends once.

The ledger decides under the wallet's lock; this workflow waits, reports, and lets the request
lapse.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.teams.approvals import (
        ApprovalActivities,
        Decided,
        Deciding,
        KnownRequest,
        Lapsing,
        Unread,
    )
    from domain.errors import InvalidInput
    from domain.messages import teams
    from domain.messages.answers import credit_text, refused
    from domain.outcomes import Undecided
    from domain.teams.approvals import ApprovalName, Decision, State
from workflows import names
from workflows.approval.operator_view import ApprovalView
from workflows.options import LEDGER, short
from workflows.subscription.mailbox import Answer, Command, Mailbox, payload
from workflows.subscription.messages.message import checked, rejection
from workflows.subscription.messages.unknown import UnknownHandlers
from workflows.subscription.timer import Due, Timer

NOTHING = RawValue(Payload())
NOBODY = ApprovalName("", "")
FIRST_LOOK, LONGEST_LOOK, MOST_LOOKS = timedelta(seconds=1), timedelta(hours=1), 12


@workflow.defn
class Approval(UnknownHandlers):
    """A request, `approval:<subscription>:<key>`; docs/contract/teams.md is its contract."""

    @workflow.init
    def __init__(self, message: RawValue = NOTHING) -> None:
        self._unusable: ApplicationError | None = None
        try:
            self._name = _name(message)
        except ApplicationError as error:  # raised later by `run`: the SDK cannot take it from here
            self._name, self._unusable = NOBODY, error
        self._mailbox = Mailbox()
        self._timer = Timer()
        self._request: KnownRequest | None = None
        self._end: Decided | None = None
        self._buying: list[Command] = []  # decisions that wait for a purchase
        self._looks = 0
        self._look_at: datetime | None = None
        self._view = ApprovalView(self._name, self._mailbox)

    @workflow.update(description="An admin approves; checked again, then held or raised.")
    async def approve(self, decision: RawValue) -> Answer:
        """Answer `approved`, `pending` while credits are bought for it, or `refused` and why."""
        return await self._decided("approve", teams.parse_approve(payload(decision)))

    @approve.validator
    def _check_approve(self, decision: RawValue) -> None:
        checked(teams.parse_approve, decision)

    @workflow.update(description="An admin refuses, with a reason for the member.")
    async def refuse(self, decision: RawValue) -> Answer:
        """Answer `refused_by_admin`, or `refused` and why the decision does not count."""
        return await self._decided("refuse", teams.parse_refuse(payload(decision)))

    @refuse.validator
    def _check_refuse(self, decision: RawValue) -> None:
        checked(teams.parse_refuse, decision)

    async def _decided(self, name: str, decision: Decision) -> Answer:
        """Queue an admin's decision; return its outcome."""
        ticket = self._mailbox.ticket()
        self._mailbox.put(self._command(name, decision, ticket))
        return await self._mailbox.answered(ticket)

    def _command(self, name: str, decision: Decision, ticket: int) -> Command:
        return Command(name, decision, partial(self._decide, name, decision), ticket)

    @workflow.run
    async def run(self, message: RawValue = NOTHING) -> Answer:  # noqa: ARG002
        """Wait for a decision or the lapse; return where the request stands."""
        if self._unusable is not None:
            raise self._unusable
        self._request = await workflow.execute_activity_method(
            ApprovalActivities.read, self._name, summary="read the request", **LEDGER
        )
        if self._request.approval.state is not State.WAITING:
            kept = self._request.approval
            by = kept.decided_by or ""
            self._end = Decided(kept.state, kept.state, by, held_until=kept.held_until)
        while self._end is None:
            await self._wait(self._request)
            await self._turn(self._request)
            if workflow.info().is_continue_as_new_suggested() and self._idle():
                workflow.continue_as_new(self._name)
        self._timer.cancel()
        self._view.tell(self._request, self._end)
        await self._answer_the_rest()
        return self.status()

    @workflow.query(description="Where the request stands.")
    def status(self) -> Answer:
        """Return what was asked for, and its outcome."""
        return self._view.status(self._request, self._end)

    async def _wait(self, request: KnownRequest) -> None:
        self._view.tell(request, None)
        lapses_at = request.approval.lapses_at
        # By our own clock: in virtual time the ledger's may run ahead of it.
        rings = workflow.now() + (lapses_at - self._at(request))
        due = Due(max(rings, workflow.now()), "the request lapses")
        if self._look_at is not None:
            look = Due(self._look_at, "look whether the credits were bought")
            patience = Due(self._mailbox.patience_ends() or due.at, "answer who waits")
            due = min(due, look, patience)
        self._timer.set(due)
        await workflow.wait_condition(lambda: self._mailbox.ready() or self._timer.rang())

    async def _turn(self, request: KnownRequest) -> None:
        """Store unreadable messages, carry out one decision, or let the request lapse."""
        if self._mailbox.refusals:
            unread = Unread(
                request.approval.account_id, self._mailbox.take_refusals(), self._at(request)
            )
            await workflow.execute_activity_method(
                ApprovalActivities.keep_refusals, unread, summary="keep a refusal", **LEDGER
            )
        if self._mailbox.commands:
            await self._carry_out(self._mailbox.commands.popleft())
        elif request.approval.lapses_at <= self._at(request):
            await self._lapse(request)
        elif self._look_at is not None and self._look_at <= workflow.now():
            self._look_at = None
            await self._carry_out(self._buying.pop(0))
        if self._buying:
            self._mailbox.answer_the_impatient()

    async def _carry_out(self, command: Command) -> None:
        answer = await command.carry_out(command.ticket)
        if answer is None:
            self._wait_for_purchase(command)
            return
        self._mailbox.answer(command.ticket, answer)
        self._decide_what_waited()

    async def _decide(self, name: str, decision: Decision, _ticket: int) -> Answer | None:
        """Return a decision's outcome; None: it waits for a purchase."""
        request = self._known()
        try:
            decided = await workflow.execute_activity_method(
                ApprovalActivities.decide,
                Deciding(request, decision, self._at(request)),
                summary=short(f"{name} by {decision.by}"),
                **LEDGER,
            )
        except ActivityError as error:
            cause = error.cause
            reason = cause.type if isinstance(cause, ApplicationError) else None
            return refused(reason or "internal_error")
        if decided.state is not State.WAITING:
            self._end = decided
        self._view.note(decision, decided)
        return None if decided.status == Undecided.PURCHASE_NEEDED else answer_to(decided)

    def _wait_for_purchase(self, command: Command) -> None:
        """Retry the decision soon, then less and less often: money may take days."""
        self._buying.append(command)
        self._look_at = workflow.now() + min(FIRST_LOOK * 2**self._looks, LONGEST_LOOK)
        self._looks = min(self._looks + 1, MOST_LOOKS)

    def _decide_what_waited(self) -> None:
        """Decide again now what waited for a purchase: it has come or will not."""
        self._mailbox.commands.extend(self._buying)
        self._buying, self._looks, self._look_at = [], 0, None

    async def _lapse(self, request: KnownRequest) -> None:
        state = await workflow.execute_activity_method(
            ApprovalActivities.lapse,
            Lapsing(request, self._at(request)),
            summary="lapse",
            **LEDGER,
        )
        if state is not State.WAITING:
            self._end = Decided(state, state)

    async def _answer_the_rest(self) -> None:
        """Answer admins who came second: the ledger tells each what was decided."""
        self._decide_what_waited()
        while self._mailbox.commands or not workflow.all_handlers_finished():
            while self._mailbox.commands:
                end = self._end
                await self._carry_out(self._mailbox.commands.popleft())
                self._end = end
            await workflow.wait_condition(
                lambda: bool(self._mailbox.commands) or workflow.all_handlers_finished()
            )

    def _known(self) -> KnownRequest:
        if self._request is None:
            raise LookupError("the request has not been read")
        return self._request

    def _idle(self) -> bool:
        return not (self._mailbox.ready() or self._buying) and workflow.all_handlers_finished()

    def _at(self, request: KnownRequest) -> datetime:
        """Return the instant at which this request is decided.

        Normally our clock. If the request came from a clock ahead of ours (virtual time), it is the
        request's instant plus the time this workflow has lived.
        """
        lived = workflow.now() - workflow.info().workflow_start_time
        return max(workflow.now(), request.approval.asked_at + lived)


def answer_to(decided: Decided) -> Answer:
    """Return a decision's outcome as an answer to the admin."""
    facts: dict[str, Any] = {}
    if decided.status in (State.APPROVED, State.REFUSED):
        if decided.held_until is not None:
            facts["held_until"] = decided.held_until.isoformat()
        return {"status": "done", "request": decided.status, "by": decided.decided_by, **facts}
    if decided.missing_micro is not None:
        facts["missing"] = credit_text(decided.missing_micro)
    return refused(decided.status, request=decided.state.value, **facts)


def _name(message: RawValue) -> ApprovalName:
    """Return which request this is; an unusable argument fails the workflow with its reason."""
    try:
        name = teams.parse_approval_start(payload(message))
    except InvalidInput as error:
        raise rejection(str(error), error.reason) from None
    workflow_id = names.approval_workflow(name.subscription_id, name.key)
    if workflow.info().workflow_id != workflow_id:
        raise rejection(f"start it as {workflow_id}", "wrong_workflow_id")
    return name

"""One subscription's life: the only clock and the only serialiser of one customer's billing.

Handlers parse and enqueue; one loop owns the only timer, carries things out and continues as new
once a period has begun. Money is guarded by the ledger's lock, not by this state.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain import messages
    from domain.errors import InvalidInput
    from domain.subscription import NOBODY, SubscriptionState
from workflows import names
from workflows.alarm import Alarm
from workflows.calls import Calls
from workflows.clock import Clock
from workflows.collecting import Collector
from workflows.commands import Commands
from workflows.inbox import Answer, Inbox, payload
from workflows.serving import Server
from workflows.settling import Settler
from workflows.story import Story, status_of

NOTHING = RawValue(Payload())  # what a start without an argument comes to


@workflow.defn
class Subscription:
    """A subscription, `subscription:<id>`; docs/contract.md is its contract."""

    @workflow.init
    def __init__(self, message: RawValue = NOTHING) -> None:
        self._unusable: ApplicationError | None = None
        try:
            state = _state(message)
        except ApplicationError as error:  # the run raises it: the SDK cannot take it from here
            state, self._unusable = SubscriptionState(NOBODY), error
        self._state = state
        self._inbox = Inbox(refused_so_far=state.refused, last_refusal=state.last_refusal)
        self._inbox.put_back(state.queue)
        self._calls = Calls()
        self._settler = Settler(state, self._inbox)
        collector = Collector(state, self._calls, self._settler)
        self._commands = Commands(state, self._inbox, self._calls, collector, self._settler)
        self._server = Server(state, self._inbox, collector, self._settler)
        self._clock = Clock(state, self._inbox, collector, self._settler, self._commands)
        self._story = Story(state, self._inbox)
        self._alarm = Alarm()
        self._emptied = False
        self._resting = False

    @workflow.run
    async def run(self, message: RawValue = NOTHING) -> str:  # noqa: ARG002
        """Live until the subscription ends; return why. The argument is read by `__init__`."""
        if self._unusable is not None:
            raise self._unusable
        self._story.tell(self._clock.next_step())
        while True:
            await self._turn()
            if self._may_leave():
                await workflow.wait_condition(
                    lambda: workflow.all_handlers_finished() or self._has_work()
                )
            if self._may_leave():
                self._alarm.cancel()
                if self._state.ended:
                    self._resting = True
                    return "ended"
                self._hand_on()
                workflow.continue_as_new(self._state)
            await self._wait()

    @workflow.signal(description="Report usage; durable, nobody waits for an answer.")
    def record_usage(self, batch: RawValue) -> None:
        """Queue events; what cannot be used is kept as a refusal with its reason."""
        try:
            usable, unusable = messages.parse_events(payload(batch))
        except InvalidInput as error:
            self._refuse("record_usage", payload(batch), error)
            return
        for part in unusable:
            self._inbox.refuse(part.key, part.request, part.reason)
        for event in usable:
            if self._inbox.full():
                self._inbox.refuse(event.key, event.action, "too_many_waiting")
            else:
                self._inbox.add(event)

    @workflow.signal(description="The customer has another card (a payment method's id).")
    def payment_method_updated(self, message: RawValue) -> None:
        """Verify the card and retry what failed."""
        self._enqueue_reference("payment_method_updated", "payment_method", message)

    @workflow.signal(description="The processor says that an invoice is paid: read it back.")
    def invoice_paid(self, message: RawValue) -> None:
        """Read the invoice back if it is one that we believe to be unpaid."""
        self._enqueue_reference("invoice_paid", "invoice", message)

    @workflow.signal(description="A debit elsewhere emptied the wallet.")
    def balance_crossed(self, message: RawValue) -> None:
        """Let the ledger decide again whether a purchase is needed."""
        try:
            messages.parse_object(payload(message))
        except InvalidInput as error:
            self._refuse("balance_crossed", payload(message), error)
            return
        self._emptied = True

    @workflow.signal(dynamic=True)
    def unknown_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Keep what nobody understands as a refusal."""
        known = workflow.get_signal_handler(name) is not None
        reason = "malformed" if known else "unknown_message"
        self._inbox.refuse(None, f"{name} with {len(args)} arguments", reason)

    @workflow.update(description="Debit one usage event and wait for the outcome.")
    async def consume(self, event: RawValue) -> Answer:
        """Answer `debited`, `repeated`, `pending` or `refused` with a reason."""
        ticket = self._inbox.ticket()
        self._inbox.add(messages.parse_event(payload(event)), ticket)
        return await self._inbox.answered(ticket)

    @consume.validator
    def _check_consume(self, event: RawValue) -> None:
        _checked(messages.parse_event, event)
        if self._inbox.full():
            raise _rejection("too many events wait", "too_many_waiting")

    @workflow.update(description="Buy extra credits by hand.")
    async def buy_credits(self, wanted: RawValue) -> Answer:
        """Answer `paid`, `declined`, `pending` or `refused`."""
        return await self._ask("buy_credits", messages.parse_buy_credits(payload(wanted)))

    @buy_credits.validator
    def _check_buy_credits(self, wanted: RawValue) -> None:
        _checked(messages.parse_buy_credits, wanted)

    @workflow.update(description="Switch auto-purchase on or off.")
    async def set_auto_purchase(self, wanted: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        parsed = messages.parse_set_auto_purchase(payload(wanted))
        return await self._ask("set_auto_purchase", parsed)

    @set_auto_purchase.validator
    def _check_set_auto_purchase(self, wanted: RawValue) -> None:
        _checked(messages.parse_set_auto_purchase, wanted)

    @workflow.update(description="Change the plan; a preview moves nothing.")
    async def change_plan(self, wanted: RawValue) -> Answer:
        """Answer `preview`, `changed`, `scheduled`, `declined`, `pending` or `refused`."""
        return await self._ask("change_plan", messages.parse_change_plan(payload(wanted)))

    @change_plan.validator
    def _check_change_plan(self, wanted: RawValue) -> None:
        _checked(messages.parse_change_plan, wanted)

    @workflow.update(description="End at the period's end, or now.")
    async def cancel(self, wanted: RawValue) -> Answer:
        """Answer `canceled`, `ended` or `refused`."""
        return await self._ask("cancel", messages.parse_cancel(payload(wanted)))

    @cancel.validator
    def _check_cancel(self, wanted: RawValue) -> None:
        _checked(messages.parse_cancel, wanted)

    @workflow.update(description="Operators: refuse metered actions for a reason.")
    async def pause(self, note: RawValue) -> Answer:
        """Answer `paused` or `refused`."""
        return await self._ask("pause", messages.parse_operator_note(payload(note)))

    @pause.validator
    def _check_pause(self, note: RawValue) -> None:
        _checked(messages.parse_operator_note, note)

    @workflow.update(description="Operators: end a pause by an operator.")
    async def resume(self, note: RawValue) -> Answer:
        """Answer the status afterwards, or `refused`."""
        return await self._ask("resume", messages.parse_operator_note(payload(note)))

    @resume.validator
    def _check_resume(self, note: RawValue) -> None:
        _checked(messages.parse_operator_note, note)

    @workflow.update(description="Operators: give or take credits for a reason.")
    async def adjust_credits(self, wanted: RawValue) -> Answer:
        """Answer `done` or `refused`."""
        return await self._ask("adjust_credits", messages.parse_adjust_credits(payload(wanted)))

    @adjust_credits.validator
    def _check_adjust_credits(self, wanted: RawValue) -> None:
        _checked(messages.parse_adjust_credits, wanted)

    @workflow.update(dynamic=True)
    async def unknown_update(self, name: str, _args: Sequence[RawValue]) -> Answer:
        """Never runs: the validator has refused."""
        raise _rejection(f"there is no update {name!a:.60}", "unknown_message")

    @unknown_update.validator
    def _check_unknown_update(self, name: str, _args: Sequence[RawValue]) -> None:
        raise _rejection(f"there is no update {name!a:.60}", "unknown_message")

    @workflow.query(description="Where the subscription stands, as of its last decision.")
    def status(self) -> Answer:
        """Return the state that people and the simulator need; the ledger has the truth."""
        busy = not self._resting or self._has_work() or not self._calls.idle()
        return {
            **status_of(self._state, self._clock.next_due()),
            "busy": busy,
            "waiting_events": len(self._inbox.events),
            "refused": self._inbox.refused_so_far,
            "last_refusal": self._inbox.last_refusal,
        }

    async def _ask(self, name: str, wanted: Any) -> Answer:
        ticket = self._inbox.ticket()
        self._inbox.command(name, wanted, ticket)
        return await self._inbox.answered(ticket)

    async def _turn(self) -> None:
        """Settle, do what is due, carry commands out, drain usage: in this order."""
        await self._calls.settle()
        await self._clock.do_what_is_due()
        while self._inbox.commands:
            await self._commands.carry_out(self._inbox.commands.popleft())
        if self._state.ends_now:
            await self._clock.do_what_is_due()
        if self._state.period is not None or (self._state.ended and self._state.account_id):
            await self._server.drain()
            if self._emptied and self._state.auto_purchase and not self._inbox.held_up:
                await self._server.purchase(0)
            self._emptied = False
        elif self._state.account_id:
            await self._server.keep_refusals()
        self._story.tell(self._clock.next_step())

    async def _wait(self) -> None:
        self._alarm.set(self._clock.next_step())
        self._resting = True
        await workflow.wait_condition(lambda: self._alarm.rang() or self._has_work())
        self._resting = False

    def _has_work(self) -> bool:
        served = self._state.period is not None
        return (
            self._calls.any_done()
            or bool(self._inbox.commands)
            or (served and (self._inbox.ready() or self._emptied))
            or bool(self._state.account_id and self._inbox.refusals)
        )

    def _may_leave(self) -> bool:
        """Say whether this run can end: nothing under way and a reason to."""
        if not self._calls.idle() or self._has_work() or self._inbox.waiting:
            return False
        return (
            self._state.ended
            or (self._settler.period_opened and self._inbox.portable())
            or (workflow.info().is_continue_as_new_suggested() and self._inbox.portable())
        )

    def _hand_on(self) -> None:
        """Put what waits and what was counted into the state, for the next run."""
        # Who waited has been answered; the next run numbers its tickets anew.
        self._state.queue = tuple(replace(one, ticket=0) for one in self._inbox.events)
        self._state.refused = self._inbox.refused_so_far
        self._state.last_refusal = self._inbox.last_refusal

    def _enqueue_reference(self, name: str, field: str, message: RawValue) -> None:
        try:
            self._inbox.command(name, messages.parse_reference(payload(message), field))
        except InvalidInput as error:
            self._refuse(name, payload(message), error)

    def _refuse(self, name: str, data: bytes, error: InvalidInput) -> None:
        text = data.decode(errors="replace")
        self._inbox.refuse(None, f"{name}: {text}", error.reason)


def _state(message: RawValue) -> SubscriptionState:
    """Return the state that the run before handed on, or that a first run starts with.

    Only a run before is trusted with more than `start`. What cannot be used fails the workflow
    with its reason: a TypeError would fail its tasks for ever.
    """
    info = workflow.info()
    if info.continued_run_id is not None:
        converter = workflow.payload_converter()
        return converter.from_payload(message.payload, SubscriptionState)
    try:
        start = messages.parse_start(payload(message))
    except InvalidInput as error:
        raise _rejection(str(error), error.reason) from None
    workflow_id = names.subscription_workflow(start.subscription_id)
    if info.workflow_id != workflow_id:
        raise _rejection(f"start it as {workflow_id}", "wrong_workflow_id")
    return SubscriptionState(start)


def _checked(parse: Callable[[bytes], object], raw: RawValue) -> None:
    """Reject an update before it is accepted; the reason is the failure's type."""
    try:
        parse(payload(raw))
    except InvalidInput as error:
        raise _rejection(str(error), error.reason) from None


def _rejection(message: str, reason: str) -> ApplicationError:
    return ApplicationError(message, type=reason, non_retryable=True)

"""One subscription's life: one customer's only clock, and the queue that serialises its billing.

Handlers parse and enqueue. One loop owns the only timer, carries commands out and continues as new
once a period has begun. The ledger's lock guards money, not this state.
"""

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.errors import InvalidInput
    from domain.messages.start import parse_start
    from domain.messages.usage import Crossing
    from domain.subscription import NOBODY
    from domain.subscription_state import SubscriptionState
    from domain.tracing import causes
from workflows import names
from workflows.subscription.context import Context
from workflows.subscription.dispatch import Dispatch
from workflows.subscription.mailbox import Answer, Mailbox, closed, opened, payload
from workflows.subscription.messages import (
    alerts,
    bonuses,
    holds,
    invoices,
    lost_charges,
    operators,
    payment_methods,
    plans,
    purchases,
    refunds,
    teams,
)
from workflows.subscription.messages.message import rejection, takes
from workflows.subscription.messages.unknown import UnknownHandlers
from workflows.subscription.messages.usage import UsageHandlers
from workflows.subscription.operator_view import OperatorView, status_of
from workflows.subscription.payments.collection import Collector
from workflows.subscription.payments.retries import Retries
from workflows.subscription.payments.settlement import Settler
from workflows.subscription.pending_calls import PendingCalls
from workflows.subscription.schedule import Schedule
from workflows.subscription.timer import Timer
from workflows.subscription.usage import Usage

LONG_HISTORY_BYTES = 200_000
NOTHING = RawValue(Payload())  # the argument of a start without one


@workflow.defn
@takes(
    *purchases.MESSAGES,
    *bonuses.MESSAGES,
    *holds.MESSAGES,
    *plans.MESSAGES,
    *payment_methods.MESSAGES,
    *invoices.MESSAGES,
    *lost_charges.MESSAGES,
    *refunds.MESSAGES,
    *teams.MESSAGES,
    *alerts.MESSAGES,
    *operators.MESSAGES,
)
class Subscription(UsageHandlers, UnknownHandlers):
    """A subscription, `subscription:<id>`; docs/contract.md is its contract."""

    @workflow.init
    def __init__(self, message: RawValue = NOTHING) -> None:
        self._unusable: ApplicationError | None = None
        try:
            state = _state(message)
        except ApplicationError as error:  # raised later by `run`: the SDK cannot take it from here
            state, self._unusable = SubscriptionState(NOBODY), error
        self._state = state
        self._mailbox = Mailbox(refused_so_far=state.refused, last_refusal=state.last_refusal)
        self._mailbox.put_back([*state.queue, *map(opened, state.waiting)])
        self._pending_calls = PendingCalls()
        self._settler = Settler(state, self._mailbox)
        collector = Collector(state, self._pending_calls, self._settler)
        context = Context(
            state=state,
            mailbox=self._mailbox,
            pending_calls=self._pending_calls,
            collector=collector,
            settler=self._settler,
            retries=Retries(state, collector, self._settler),
        )
        self._context = context
        self._dispatch = Dispatch(context)
        self._usage = Usage(state, self._mailbox, collector, self._settler)
        self._schedule = Schedule(context)
        self._view = OperatorView(state, self._mailbox)
        self._timer = Timer()
        self._crossing: Crossing | None = None
        self._crossing_cause = causes.NOBODY
        self._resting = False
        self._born_with = workflow.info().get_current_history_size()

    @workflow.run
    async def run(self, message: RawValue = NOTHING) -> str:  # noqa: ARG002
        """Live until the subscription ends; return why. `__init__` has read the argument."""
        if self._unusable is not None:
            raise self._unusable
        self._view.tell(self._schedule.next_step())
        while True:
            await self._turn()
            if self._may_leave():
                await workflow.wait_condition(
                    lambda: workflow.all_handlers_finished() or not self._may_leave()
                )
            if self._may_leave():
                self._timer.cancel()
                if self._state.ended and not self._state.awaits_money:
                    self._resting = True
                    return "ended"
                self._hand_on()
                workflow.continue_as_new(self._state)
            await self._wait()

    @workflow.query(description="Where the subscription stands, as of its last decision.")
    def status(self) -> Answer:
        """Return the state for people and the simulator; the ledger has the truth."""
        busy = not self._resting or self._has_work() or not self._pending_calls.idle()
        return {
            **status_of(self._state, self._schedule.next_due()),
            "busy": busy,
            "waiting_events": self._mailbox.events_waiting,
            "refused": self._mailbox.refused_so_far,
            "last_refusal": self._mailbox.last_refusal,
        }

    async def _turn(self) -> None:
        """Settle results, do what is due, carry out commands, decide usage: in this order."""
        self._mailbox.unheard = False
        await self._pending_calls.settle()
        self._answer_the_impatient(light=False)
        await self._schedule.do_what_is_due()
        while self._mailbox.commands:
            await self._dispatch.carry_out(self._mailbox.commands.popleft())
            await self._schedule.drop_unwanted()
        if self._state.over:
            await self._schedule.do_what_is_due()
        if self._state.period is not None or (self._state.ended and self._state.account_id):
            await self._usage.drain(self._leaves_usage)
            if self._crossing and not self._mailbox.held_up:
                with causes.since(self._crossing_cause):
                    await self._usage.buy_for(self._crossing)
            self._crossing = None  # whoever is still short says so again
        elif self._state.account_id:
            await self._usage.keep_refusals()
        self._answer_the_impatient(light=True)
        self._view.tell(self._schedule.next_step())

    def _answer_the_impatient(self, *, light: bool) -> None:
        """Answer `pending` only after everything decidable has its answer, even after an outage.

        Runs that are not light answer first, as their histories did.
        """
        if self._state.light is light:
            self._mailbox.answer_the_impatient()

    async def _wait(self) -> None:
        self._timer.set(self._schedule.next_step())
        self._resting = True
        await workflow.wait_condition(lambda: self._timer.rang() or self._has_work())
        self._resting = False

    def _has_work(self) -> bool:
        served = self._state.period is not None
        return (
            self._pending_calls.any_done()
            or bool(self._mailbox.commands)
            or self._mailbox.unheard
            or (served and (self._mailbox.ready() or self._crossing is not None))
            or bool(self._state.account_id and self._mailbox.refusals)
        )

    def _may_leave(self) -> bool:
        """Return whether this run can end: nothing in flight and a reason to leave."""
        if self._leaves_usage():
            return not self._mailbox.refusals
        if not self._pending_calls.idle() or self._has_work() or self._mailbox.waiting:
            return False
        suggested = workflow.info().is_continue_as_new_suggested()
        return (self._state.ended and not self._state.awaits_money) or (
            (self._settler.period_opened or suggested) and self._mailbox.portable()
        )

    def _leaves_usage(self) -> bool:
        """Return whether waiting usage is left to the next run: long histories replay slowly."""
        grown = workflow.info().get_current_history_size() - self._born_with
        if not self._state.light or grown < LONG_HISTORY_BYTES or not self._mailbox.portable():
            return False
        busy = self._mailbox.waiting or self._mailbox.commands or self._crossing or self._state.over
        return self._pending_calls.idle() and not self._pending_calls.any_done() and not busy

    def _hand_on(self) -> None:
        """Put waiting usage and counters into the state for the next run."""
        box = self._mailbox
        waiting = tuple(map(closed, box.events))
        self._state.hand_on(waiting, box.refused_so_far, box.last_refusal)


def _state(message: RawValue) -> SubscriptionState:
    """Return the state that the previous run passed on, or the one a first run starts with.

    Only a previous run is trusted with more than `start`. An unusable argument fails the workflow
    with its reason; a TypeError would instead fail its tasks forever.
    """
    info = workflow.info()
    if info.continued_run_id is not None:
        converter = workflow.payload_converter()
        return converter.from_payload(message.payload, SubscriptionState)
    try:
        start = parse_start(payload(message))
    except InvalidInput as error:
        raise rejection(str(error), error.reason) from None
    workflow_id = names.subscription_workflow(start.subscription_id)
    if info.workflow_id != workflow_id:
        raise rejection(f"start it as {workflow_id}", "wrong_workflow_id")
    return SubscriptionState(start)

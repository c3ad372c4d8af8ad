"""The due moments of a subscription: windows, renewals, retries, ends. One timer serves all."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.notifications.notices import NoticeActivities
    from activities.periods.lifecycle import PeriodActivities
    from domain.payments.charge_fates import is_held
    from domain.payments.charges import NOTHING, ChargeKind
    from domain.periods import Window, share_of
    from domain.subscription import OpenCharge, Pause, Stage, Step
from workflows.options import LEDGER
from workflows.subscription.context import Context
from workflows.subscription.lifecycle import Lifecycle
from workflows.subscription.operator_view import at_the_end, demanded
from workflows.subscription.timer import Due

LONGEST_JITTER = timedelta(minutes=15)
# An upgrade's money that came, or may take days or weeks, does not hold a renewal up.
WAITING = (Step.PAID, Step.PROCESSING, Step.SENT)
# Older runs end a canceled plan, whose period began before its money, when the bank has answered.
ON_ITS_DAY = "a-canceled-plan-ends-on-its-day"
LOOKED_AT = (Step.PROCESSING, Step.SENT)  # each day: usually an event comes first


class Schedule:
    """Knows what is due next and does what is due now."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state
        self._mailbox = context.mailbox
        self._collector = context.collector
        self._settler = context.settler
        self._lifecycle = Lifecycle(context)
        self._leaves_undecided = False  # a canceled plan ends, whatever the bank says of its period

    def next_due(self) -> datetime | None:
        """Return the next moment at which the subscription must act on its own."""
        due = self.next_step()
        return due.at if due else None

    def next_step(self) -> Due | None:
        """Return what the subscription does next on its own, and when."""
        return min(self._due_moments(), default=None)

    async def do_what_is_due(self) -> None:
        """Do everything whose moment has come."""
        state = self._state
        if state.stage is Stage.ENDING:
            await self._end_once_quiet()
        if state.stage is Stage.ENDED:
            self._look_at_what_is_due()
            return
        if state.stage is Stage.UNBEGUN:
            if _is_due(state.start.begins_at or workflow.now()):
                await self._lifecycle.begin()
            return
        await self.drop_unwanted()
        await self._collect_what_is_due()
        if state.stage is Stage.ENDING:
            await self._end_once_quiet()
        elif self._may_begin():
            await (
                self._lifecycle.open_period()
            )  # the first charge was voided because its period was over
        elif state.stage is Stage.SERVED:
            await self._close_window()
            await self._renew()
            await self._warn()

    async def drop_unwanted(self) -> None:
        """Give up charges that a message has made unwanted."""
        if self._state.stage not in (Stage.UNBEGUN, Stage.ENDED):
            await self._collector.drop_unwanted()
            # Kept, since queries ask for the next step and may not ask for patches.
            self._leaves_undecided = self._is_undecided() and workflow.patched(ON_ITS_DAY)

    def _is_undecided(self) -> bool:
        """Return whether a canceled plan's period has begun before its bank decides."""
        charge = self._state.charge_of(ChargeKind.PERIOD)
        if charge is None or not self._state.cancel_at_end:
            return False
        return charge.is_of_running_period and charge.step is Step.PROCESSING

    async def _end_once_quiet(self) -> None:
        """End the subscription once no charge is under way; unpaid charges are voided."""
        state = self._state
        for charge in state.charges:
            if charge.step in (Step.DECLINED, Step.PREPARED, Step.REVIEW, Step.SENT):
                await self._collector.give_up(charge)
        if any(charge.step not in (Step.PAID, Step.PROCESSING) for charge in state.charges):
            return
        state.end()
        self._mailbox.held_up = ""  # decide waiting usage now: it is refused
        if state.account_id == 0:
            return
        await self._settler.release_paid()
        await workflow.execute_activity_method(
            PeriodActivities.end, self._context.moment(), summary="end", **LEDGER
        )

    def _due_moments(self) -> Iterator[Due]:
        state = self._state
        if (impatient := self._mailbox.patience_ends()) is not None:
            yield Due(impatient, "answer `pending` to who waits")
        for charge in state.charges:
            held = is_held(state, charge, workflow.now())
            yield from _moments(charge, self._pay_at(charge), held=held)
        if state.stage is Stage.UNBEGUN and state.start.begins_at is not None:
            yield Due(state.start.begins_at, "begin")
        if self._may_begin():
            yield Due(state.begun_at or workflow.now(), "charge the first period")
        if (patience_ends := self._patience_ends()) is not None:
            yield Due(patience_ends, "end: the period before is unpaid")
        if state.period is not None and state.stage is Stage.SERVED:
            yield from self._moments_of(state.period)

    def _moments_of(self, period: Window) -> Iterator[Due]:
        state = self._state
        if state.window is not None and state.window.end < period.end:
            yield Due(state.window.end, "begin the next window")
        if self._may_renew():
            yield Due(self._prepare_at(), at_the_end(state))
        if state.warn_at is not None:
            yield Due(state.warn_at, "warn of credits that expire soon")

    def _prepare_at(self) -> datetime:
        """Return when to prepare the renewal's charge: spread over the minutes before the end."""
        state = self._state
        if state.period is None:
            raise LookupError("the subscription has no period")
        unpaid = Pause.PAYMENT_FAILED in state.pauses and not state.awaits_card
        if state.cancel_at_end or unpaid:
            return state.period.end
        plan = state.next_plan or state.plan_in_force()
        if not plan.paid:
            return state.period.end
        spread = min(LONGEST_JITTER, (state.period.end - state.period.start) / 10)
        return state.period.end - share_of(spread, state.subscription_id)

    async def _close_window(self) -> None:
        state = self._state
        if state.window is None or state.period is None or not _is_due(state.window.end):
            return
        if state.window.end >= state.period.end:
            return  # the renewal closes a period's last window
        serving = await workflow.execute_activity_method(
            PeriodActivities.close_window,
            self._context.moment(),
            summary=f"close the window of {state.window.start:%Y-%m-%d}",
            **LEDGER,
        )
        state.open_window(serving.window)
        state.balance_is(serving.available_micro, workflow.now())
        await self._settler.release_paid()

    def _look_at_what_is_due(self) -> None:
        for charge in self._state.charges:
            if _is_looked_at(charge) and _is_due(charge.look_at):
                self._collector.look(charge)

    async def _collect_what_is_due(self) -> None:
        """Pay prepared charges, retry declined ones, end where patience has run out."""
        state, now = self._state, workflow.now()
        self._look_at_what_is_due()
        for charge in state.charges:
            if is_held(state, charge, now):
                continue
            if charge.step is Step.PREPARED and _is_due(self._pay_at(charge)):
                if charge.charge.is_free:
                    await self._settler.paid(charge, NOTHING)
                else:
                    self._collector.pay(charge)
            elif charge.step is Step.SENT and _is_due(charge.chase_at):
                self._collector.look_before_chasing(charge)
            elif charge.step is Step.DECLINED:
                await self._try_again(charge)
        if _is_due(self._patience_ends()):
            await self._end_unpaid()

    async def _try_again(self, declined: OpenCharge) -> None:
        """Retry a declined charge, or end where patience has run out."""
        if _is_due(declined.retry_at):
            self._collector.retry(declined)
        elif _is_due(declined.ends_at):
            await self._end_unpaid()

    def _pay_at(self, charge: OpenCharge) -> datetime | None:
        """Return when to pay a prepared charge: usage that waits for a renewal has it paid now."""
        if charge.pay_at is None or charge.period is None or self._mailbox.held_up != "renewal":
            return charge.pay_at
        return min(charge.pay_at, charge.period.start)

    async def _end_unpaid(self) -> None:
        self._state.end_now()
        await self._context.write_cancel(workflow.now())

    def _may_begin(self) -> bool:
        """Return whether the first period is to be charged, or charged again."""
        state = self._state
        return state.stage is Stage.UNPAID and state.charge_of(ChargeKind.PERIOD) is None

    def _patience_ends(self) -> datetime | None:
        """Return when an unpaid, finished period ends the subscription, or None."""
        state = self._state
        if state.stage is not Stage.LAPSED or state.held or state.arrears is None:
            return None
        return state.arrears.ends_at

    def _may_renew(self) -> bool:
        """Return whether a renewal can be prepared: an upgrade being paid decides its price first.

        Nothing is renewed during an operator's pause or after a cancellation.
        """
        state = self._state
        upgrade = state.charge_of(ChargeKind.UPGRADE)
        deciding = upgrade is not None and upgrade.step not in WAITING
        stopped = state.held and not state.cancel_at_end
        free = self._leaves_undecided or state.charge_of(ChargeKind.PERIOD) is None
        return free and not deciding and not stopped

    async def _renew(self) -> None:
        state = self._state
        if state.period is None or not self._may_renew() or not _is_due(self._prepare_at()):
            return
        if state.cancel_at_end:
            state.end_now()
            await self._end_once_quiet()
        else:
            await self._lifecycle.open_period()

    async def _warn(self) -> None:
        """Warn of credits about to expire; the ledger returns when to look again."""
        state = self._state
        if not _is_due(state.warn_at) or state.over:
            return
        warned = await workflow.execute_activity_method(
            NoticeActivities.warn,
            self._context.moment(),
            summary="warn of credits that expire soon",
            **LEDGER,
        )
        state.look_for_expiry(warned.at)


def _is_looked_at(charge: OpenCharge) -> bool:
    """Return whether money may come that only the processor knows of."""
    late = charge.step is Step.DECLINED and charge.sent is not None and bool(charge.invoice)
    return late or charge.step in LOOKED_AT


def _moments(charge: OpenCharge, pay_at: datetime | None, *, held: bool) -> Iterator[Due]:
    what = demanded(charge.charge)
    if charge.step is Step.PREPARED and pay_at is not None and not held:
        yield Due(pay_at, f"pay {what}")
    if charge.step is Step.SENT and charge.chase_at is not None and not held:
        yield Due(charge.chase_at, f"remind of {what}")
    if _is_looked_at(charge) and charge.look_at is not None:
        yield Due(charge.look_at, f"ask whether {what} has come")
    if charge.step is Step.DECLINED:
        yield from _moments_of_declined(charge, what, held=held)


def _moments_of_declined(charge: OpenCharge, what: str, *, held: bool) -> Iterator[Due]:
    if not held and charge.retry_at is not None:
        yield Due(charge.retry_at, f"try {what} again")
    if not held and charge.ends_at is not None:
        yield Due(charge.ends_at, f"end: {what} is unpaid")
    if charge.confirm_until is not None:
        yield Due(charge.confirm_until, f"void {what}: it was not confirmed")
    if charge.window_end is not None:
        yield Due(charge.window_end, f"void {what}")


def _is_due(at: datetime | None) -> bool:
    return at is not None and at <= workflow.now()

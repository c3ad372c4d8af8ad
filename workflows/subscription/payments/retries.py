"""What is tried again after a sign that a card may work, or after an operator looked into it."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.payments.charge_fates import Fate, Happened, fate, is_held
    from domain.payments.charges import ChargeKind
    from domain.subscription import OpenCharge, Pause, Step
    from domain.subscription_state import SubscriptionState
from workflows.subscription.payments.collection import Collector
from workflows.subscription.payments.settlement import Settler


class Retries:
    """Tries a subscription's declined charges again; each sign causes one retry."""

    def __init__(self, state: SubscriptionState, collector: Collector, settler: Settler) -> None:
        self._state = state
        self._collector = collector
        self._settler = settler

    async def card_may_work(self) -> None:
        """Retry wanted charges once, void the others, and resume if nothing is owed.

        Charges held by an operator's pause are tried after it.
        """
        await self._collector.drop_unwanted()
        tried = [await self._tried(charge) for charge in self._state.charges]
        if not any(tried) and not self._is_tried_again():
            await self._nothing_owed()

    async def _tried(self, charge: OpenCharge) -> bool:
        """Try a charge again, now or after a pause; return whether it is owed still."""
        if charge.step is Step.DECLINED and charge.confirm_until is not None:
            await self._collector.give_up(charge)  # whoever chose a card since buys anew with it
            return False
        if fate(charge.kind, charge.step, Happened.CARD_SIGN) is not Fate.RETRIED:
            return False
        if charge.charge.due_at is not None and charge.invoice:
            return True  # no card pays it: it is owed until its transfer comes
        now = workflow.now()
        if is_held(self._state, charge, now):
            self._state.put(replace(charge, retry_at=now))
        else:
            self._collector.retry(charge)
        return True

    def _is_tried_again(self) -> bool:
        """Return whether a retry is in flight: its outcome is settled when it arrives."""
        return any(
            charge.step is Step.REVIEW
            or (charge.declines and charge.step not in (Step.DECLINED, Step.VOIDING))
            for charge in self._state.charges
        )

    async def _nothing_owed(self) -> None:
        """End a payment pause and charge the period under way if the last one was unpaid."""
        state, now = self._state, workflow.now()
        state.owes_nothing()
        if Pause.PAYMENT_FAILED not in state.pauses:
            return
        if state.period is not None and state.period.end <= now:
            # The wallet stays paused until the renewal, charged now, is paid.
            state.unpause(Pause.PAYMENT_FAILED)
            state.await_card(wanted=False)
        else:
            await self._settler.resume(None)

    async def looked_into(self) -> None:
        """Go on after an operator settled a finding: retry what the processor refused.

        A charge paid with a wrong amount is voided and, if still due, charged again.
        """
        state = self._state
        mine = [one for one in state.charges if one.refused or one.step is Step.REVIEW]
        for charge in mine:
            if charge.step is Step.REVIEW:
                if charge.kind is ChargeKind.PERIOD:
                    self._state.leave_unpaid(charge)
                await self._collector.void_in_ledger(charge)
        if mine:
            await self.card_may_work()

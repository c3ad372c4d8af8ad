"""Reads the payer back after it, or its card, was removed at the processor."""

from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.owners import OwnerActivities
    from activities.payments.processor import CardInUse, PaymentActivities, Registration
    from activities.periods.lifecycle import KnownPayer, PeriodActivities
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, PROCESSOR
from workflows.subscription.pending_calls import PendingCalls

Then = Callable[[], Awaitable[None]]


class Payers:
    """Reads the payer back: a deleted payer is created again, a missing card is forgotten.

    Neither is a declined charge: nobody is paused or mailed before something is due.
    """

    def __init__(self, state: SubscriptionState, pending_calls: PendingCalls) -> None:
        self._state = state
        self._pending_calls = pending_calls

    def look(self, then: Then | None = None) -> None:
        """Start reading the payer back; `then` runs once it is known."""
        state, start = self._state, self._state.start
        updates = state.card_updates
        self._pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.read_payer,
                Registration(
                    customer_id=start.customer_id,
                    email=start.email,
                    name=start.name,
                    payment_method=None,
                    payer=state.payer,
                ),
                summary="read back what is charged",
                **PROCESSOR,
            ),
            lambda found: self._looked(updates, found, then),
        )

    async def _looked(self, updates: int, found: CardInUse, then: Then | None) -> None:
        state = self._state
        if updates != state.card_updates:  # a newer card came meanwhile: the result may be stale
            self.look(then)
            return
        if found.payer != state.payer:
            await self._replace(found)
        elif not (found.refused or found.method) and state.payment_method:
            await self._know(found)
        if then is not None:
            await then()

    async def _replace(self, found: CardInUse) -> None:
        await workflow.execute_activity_method(
            OwnerActivities.forget_payer,
            args=[self._state.payer, workflow.now()],
            summary=f"forget {self._state.payer}, which was deleted",
            **LEDGER,
        )
        await self._know(found)

    async def _know(self, found: CardInUse) -> None:
        state = self._state
        state.pays_as(found.payer)
        state.pays_with(found.method, found.card)
        await workflow.execute_activity_method(
            PeriodActivities.know_payer,
            KnownPayer(
                state.start.customer_id,
                found.payer,
                has_card=bool(found.card),
                method=found.method,
                kind=found.kind,
            ),
            summary=f"card is {found.card or 'none'}",
            **LEDGER,
        )

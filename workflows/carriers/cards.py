"""Cards and invoices: what the processor's events ask for."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments import CardInUse, PaymentActivities
    from activities.periods import KnownPayer, PeriodActivities
    from domain.subscription import Step
from workflows.carriers.parts import Carrier, Parts
from workflows.inbox import Answer
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked


class CardCarriers:
    """Carries out updates of cards and news of invoices."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._state = parts.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "payment_method_updated": self._payment_method_updated,
            "invoice_paid": self._invoice_paid,
        }

    async def _payment_method_updated(self, method: str, _ticket: int) -> Answer | None:
        """Verify the card with the processor; the loop goes on meanwhile."""
        if method == self._state.payment_method:
            return None  # several events of the processor tell of one update
        self._state.card_updates += 1
        self._parts.calls.start(
            workflow.start_activity_method(
                PaymentActivities.use_card,
                CardInUse(self._state.payer, method, update=self._state.card_updates),
                summary=f"use card {method}",
                **ranked(PROCESSOR, INTERACTIVE, self._state.start.customer_id),
            ),
            self._card_in_use,
        )
        return None

    async def _card_in_use(self, card: CardInUse) -> None:
        state = self._state
        if card.refused:
            self._parts.inbox.refuse(None, f"payment_method_updated: {card.method}", card.refused)
            return
        if card.method == state.payment_method:
            return
        state.payment_method, state.card = card.method, card.card
        await workflow.execute_activity_method(
            PeriodActivities.know_payer,
            KnownPayer(state.start.customer_id, state.payer, has_card=True),
            summary=f"card is {card.card}",
            **LEDGER,
        )
        await self._parts.collector.card_updated()

    async def _invoice_paid(self, invoice: str, _ticket: int) -> Answer | None:
        for charge in self._state.charges:
            if charge.invoice == invoice and charge.step is Step.DECLINED:
                self._parts.collector.read_back(charge)
        return None

"""Cards and invoices: what the processor's events ask for."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.processor import CardInUse, PaymentActivities
    from activities.periods.lifecycle import KnownPayer, PeriodActivities
    from domain.messages.cards import THE_DEFAULT, CardNews, RetryPayment, seen, sign_of
    from domain.subscription import Pause, Step
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, refused
from workflows.subscription.processing import other_way_found


class CardCarriers:
    """Carries out updates of cards and news of invoices."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "payment_method_updated": self._payment_method_updated,
            "use_payment_method": self._use_payment_method,
            "retry_payment": self._retry_payment,
            "payer_changed": self._payer_changed,
            "invoice_paid": self._invoice_paid,
        }

    async def _payment_method_updated(self, news: CardNews, _ticket: int) -> Answer | None:
        """Take another card; the same again is one retry, however many events tell of it."""
        if news.method != self._state.payment_method:
            self._verify(news.method, 0)
        elif news.update != THE_DEFAULT:
            await self._heard(sign_of(news))
        return None

    async def _use_payment_method(self, method: str, ticket: int) -> Answer | None:
        """Take another card, or try again with the same, which somebody chose anew."""
        if method != self._state.payment_method:
            self._verify(method, ticket)
            return None
        await self._context.collector.card_may_work()
        return self._card_answer()

    async def _retry_payment(self, wanted: RetryPayment, _ticket: int) -> Answer | None:
        state, sign = self._state, f"try:{wanted.key}"
        if sign in state.signs:
            return {"status": "repeated"}
        if state.held:
            return refused("paused:by_operator")
        unpaid = any(charge.step is Step.DECLINED for charge in state.charges)
        if not (unpaid or state.lapsed or Pause.PAYMENT_FAILED in state.pauses):
            return refused("nothing_declined")
        await self._heard(sign)
        return {"status": "retrying"}

    async def _payer_changed(self, payer: str, _ticket: int) -> Answer | None:
        """Read the payer back; news of an earlier one are none."""
        if payer == self._state.payer:
            self._context.collector.payers.look()
        return None

    async def _heard(self, sign: str) -> None:
        """Take a sign that a card may work: each is one retry."""
        if sign in self._state.signs:
            return
        self._state.signs = seen(self._state.signs, sign)
        await self._context.collector.card_may_work()

    def _verify(self, method: str, ticket: int) -> None:
        """Verify a card with the processor; the loop goes on meanwhile."""
        self._use(method, ticket)

    def _use(self, method: str, ticket: int = 0) -> None:
        async def settled(card: CardInUse) -> None:
            await self._card_in_use(card, ticket)

        self._state.card_updates += 1
        self._context.pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.use_card,
                CardInUse(self._state.payer, method, update=self._state.card_updates),
                summary=f"use card {method}",
                **ranked(PROCESSOR, INTERACTIVE, self._state.start.customer_id),
            ),
            settled,
        )

    async def _card_in_use(self, card: CardInUse, ticket: int) -> None:
        state, mailbox = self._state, self._context.mailbox
        if card.refused and mailbox.waits(ticket):
            mailbox.answer(ticket, refused(card.refused))
            return
        if card.refused:
            mailbox.refuse(None, f"payment_method_updated: {card.method}", card.refused)
            if not card.is_card:
                await other_way_found(state, card.method)
            if not card.is_card and state.payment_method:
                self._use(state.payment_method)  # charges go to the default there: ours again
            return
        if card.method == state.payment_method:
            mailbox.answer(ticket, self._card_answer())
            return
        state.payment_method, state.card = card.method, card.card
        state.signs = seen(state.signs, card.method)
        await workflow.execute_activity_method(
            PeriodActivities.know_payer,
            KnownPayer(state.start.customer_id, state.payer, has_card=True, method=card.method),
            summary=f"card is {card.card}",
            **LEDGER,
        )
        mailbox.answer(ticket, self._card_answer())
        await self._context.collector.card_may_work()

    def _card_answer(self) -> Answer:
        state = self._state
        return {"status": "done", "payment_method": state.payment_method, "card": state.card}

    async def _invoice_paid(self, invoice: str, _ticket: int) -> Answer | None:
        for charge in self._state.charges:
            if charge.invoice != invoice:
                continue
            if charge.step is Step.DECLINED:
                self._context.collector.read_back(charge)
            elif charge.step is Step.PROCESSING:
                self._context.collector.look(charge)
        return None

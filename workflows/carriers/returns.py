"""Money that goes back: the ledger first, then the processor, then the ledger again."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.processor import PaymentActivities, RefundSending, RefundSent
    from activities.payments.refunds import RefundActivities, RefundAsked, RefundRequest
    from domain.messages.refunds import Refund
    from domain.payments.charges import MoneyBack, refund_name
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked, short
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, credit_text, refused


class ReturnCarriers:
    """Carries out refunds and news of returned money."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {"refund": self._refund, "money_returned": self._money_returned}

    async def _refund(self, wanted: Refund, ticket: int) -> Answer | None:
        refund_id = refund_name(self._state.subscription_id, wanted.key)
        asked = await workflow.execute_activity_method(
            RefundActivities.refund,
            RefundRequest(self._context.settler.buyer(), refund_id, wanted),
            summary=short(f"{'preview' if wanted.preview else 'refund'}: {wanted.reason}"),
            **LEDGER,
        )
        if asked.status not in ("refunded", "repeated"):
            return refused(asked.status, most_minor=asked.most_minor, currency=asked.currency)
        if asked.state == "failed":
            return refused("refund_failed")
        if wanted.preview or asked.state == "made":
            return _answer("preview" if wanted.preview else "refunded", wanted.charge_id, asked)
        self._note_balance(asked.available_micro)
        self._send(wanted, refund_id, asked, ticket)
        return None

    def _send(self, wanted: Refund, refund_id: str, asked: RefundAsked, ticket: int) -> None:
        async def sent(outcome: RefundSent) -> None:
            await self._book(wanted, refund_id, asked, failed=bool(outcome.refused))
            answer = _answer("refunded", wanted.charge_id, asked)
            self._context.mailbox.answer(
                ticket, refused("refund_failed") if outcome.refused else answer
            )

        self._context.pending_calls.start(
            workflow.start_activity_method(
                PaymentActivities.refund,
                RefundSending(refund_id, asked.invoice, asked.amount_minor, wanted.reason),
                summary=f"refund {asked.amount_minor} of {asked.invoice}",
                **ranked(PROCESSOR, INTERACTIVE, self._state.start.customer_id),
            ),
            sent,
        )

    async def _book(
        self, wanted: Refund, refund_id: str, asked: RefundAsked, *, failed: bool
    ) -> None:
        said = MoneyBack(
            "refund",
            refund_id,
            "failed" if failed else "made",
            asked.amount_minor,
            asked.invoice,
            wanted.charge_id,
            self._state.start.customer_id,
        )
        await workflow.execute_activity_method(
            RefundActivities.book,
            args=[said, workflow.now()],
            summary=short(f"refund {wanted.key} {said.state}"),
            **LEDGER,
        )
        if failed:
            await self._money_returned(asked.invoice, 0)

    async def _money_returned(self, _invoice: str, _ticket: int) -> Answer | None:
        standing = await workflow.execute_activity_method(
            RefundActivities.standing,
            self._context.settler.buyer(),
            summary="read what is left",
            **LEDGER,
        )
        self._note_balance(standing.available_micro)
        self._state.auto_purchase = standing.auto_purchase
        return None

    def _note_balance(self, available_micro: int) -> None:
        self._state.available_micro = available_micro
        self._state.balance_as_of = workflow.now()


def _answer(status: str, charge_id: str, asked: RefundAsked) -> Answer:
    return {
        "status": status,
        "charge_id": charge_id,
        "amount_minor": asked.amount_minor,
        "currency": asked.currency,
        "credits": credit_text(asked.taken_micro),
        "available": credit_text(asked.available_micro),
    }

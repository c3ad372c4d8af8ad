"""Invoices and cards on file: the processor is asked, the loop goes on meanwhile."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.invoices import (
        Cards,
        FinanceAddress,
        FoundInvoice,
        InvoiceAsked,
        InvoiceMail,
        Invoices,
        PaperMails,
        PaperReading,
    )
    from domain.messages.invoices import MailInvoice, SetFinanceEmail
    from domain.payments.charges import InvoiceRecord
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked
from workflows.subscription.context import Carrier, Context
from workflows.subscription.mailbox import Answer, refused


class PaperCarriers:
    """Carries out questions about invoices and cards."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._state = context.state

    def carriers(self) -> dict[str, Carrier]:
        """Return what carries out each message."""
        return {
            "list_invoices": self._list_invoices,
            "mail_invoice": self._mail_invoice,
            "set_finance_email": self._set_finance_email,
            "list_payment_methods": self._list_payment_methods,
        }

    async def _list_invoices(self, _wanted: object, ticket: int) -> Answer | None:
        async def told(found: Invoices) -> None:
            rows = [_row(one) for one in found.records]
            self._context.mailbox.answer(ticket, {"status": "done", "invoices": rows})

        self._context.pending_calls.start(
            workflow.start_activity_method(
                PaperReading.invoices,
                self._state.payer,
                summary="list the invoices",
                **ranked(PROCESSOR, INTERACTIVE, self._state.start.customer_id),
            ),
            told,
        )
        return None

    async def _list_payment_methods(self, _wanted: object, ticket: int) -> Answer | None:
        async def told(found: Cards) -> None:
            cards = [
                {
                    "payment_method": one.method,
                    "card": one.card,
                    "default": one.method == found.default,
                }
                for one in found.methods
            ]
            self._context.mailbox.answer(ticket, {"status": "done", "payment_methods": cards})

        self._context.pending_calls.start(
            workflow.start_activity_method(
                PaperReading.cards,
                self._state.payer,
                summary="list the cards",
                **ranked(PROCESSOR, INTERACTIVE, self._state.start.customer_id),
            ),
            told,
        )
        return None

    async def _mail_invoice(self, wanted: MailInvoice, ticket: int) -> Answer | None:
        async def found(answer: FoundInvoice) -> None:
            if answer.record is None:
                self._context.mailbox.answer(ticket, refused(answer.refused))
                return
            self._context.mailbox.answer(ticket, await self._mail(wanted, answer.record))

        self._context.pending_calls.start(
            workflow.start_activity_method(
                PaperReading.invoice,
                InvoiceAsked(self._state.payer, wanted.invoice),
                summary=f"read {wanted.invoice}",
                **ranked(PROCESSOR, INTERACTIVE, self._state.start.customer_id),
            ),
            found,
        )
        return None

    async def _mail(self, wanted: MailInvoice, record: InvoiceRecord) -> Answer:
        state = self._state
        mailed = await workflow.execute_activity_method(
            PaperMails.mail,
            InvoiceMail(
                state.subscription_id,
                state.account_id,
                state.plan_in_force(),
                record,
                wanted.key,
                wanted.to,
                workflow.now(),
            ),
            summary=f"mail {wanted.invoice}",
            **LEDGER,
        )
        if mailed.refused:
            return refused(mailed.refused)
        return {"status": "done", "invoice": wanted.invoice, "to": mailed.to}

    async def _set_finance_email(self, wanted: SetFinanceEmail, _ticket: int) -> Answer:
        await workflow.execute_activity_method(
            PaperMails.set_address,
            FinanceAddress(self._state.account_id, wanted.email, workflow.now()),
            summary="set the finance address",
            **LEDGER,
        )
        return {"status": "done", "email": wanted.email}


def _row(invoice: InvoiceRecord) -> Answer:
    return {
        "invoice": invoice.invoice,
        "number": invoice.number,
        "status": invoice.status,
        "amount_minor": invoice.amount_minor,
        "currency": invoice.currency,
        "issued_at": invoice.issued_at.isoformat(),
        "page": invoice.page_url,
        "pdf": invoice.pdf_url,
    }

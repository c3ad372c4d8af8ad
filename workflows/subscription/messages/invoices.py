"""Invoices: read from the processor while the loop goes on."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.invoices import (
        FinanceAddress,
        FoundInvoice,
        InvoiceAsked,
        InvoiceMail,
        InvoiceMails,
        InvoiceReading,
        Invoices,
    )
    from domain.messages.answers import refused
    from domain.messages.invoices import (
        MailInvoice,
        SetFinanceEmail,
        parse_invoice,
        parse_mail_invoice,
        parse_nothing,
        parse_set_finance_email,
    )
    from domain.payments.charges import InvoiceRecord
    from domain.subscription import Step
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Signal, Update


async def _list_invoices(context: Context, _request: object, ticket: int) -> Answer | None:
    """Answer `done` with the invoices, or `refused`."""

    async def told(found: Invoices) -> None:
        rows = [_row(one) for one in found.records]
        context.mailbox.answer(ticket, {"status": "done", "invoices": rows})

    context.pending_calls.start(
        workflow.start_activity_method(
            InvoiceReading.invoices,
            context.state.payer,
            summary="list the invoices",
            **ranked(PROCESSOR, INTERACTIVE, context.state.start.customer_id),
        ),
        told,
    )
    return None


async def _mail_invoice(context: Context, request: MailInvoice, ticket: int) -> Answer | None:
    """Answer `done` with the address, or `refused`."""

    async def found(answer: FoundInvoice) -> None:
        if answer.record is None:
            context.mailbox.answer(ticket, refused(answer.refused))
            return
        context.mailbox.answer(ticket, await _mail(context, request, answer.record))

    context.pending_calls.start(
        workflow.start_activity_method(
            InvoiceReading.invoice,
            InvoiceAsked(context.state.payer, request.invoice),
            summary=f"read {request.invoice}",
            **ranked(PROCESSOR, INTERACTIVE, context.state.start.customer_id),
        ),
        found,
    )
    return None


async def _mail(context: Context, request: MailInvoice, record: InvoiceRecord) -> Answer:
    state = context.state
    mailed = await workflow.execute_activity_method(
        InvoiceMails.mail,
        InvoiceMail(
            subscription_id=state.subscription_id,
            account_id=state.account_id,
            plan=state.plan_in_force(),
            record=record,
            key=request.key,
            to=request.to,
            at=workflow.now(),
        ),
        summary=f"mail {request.invoice}",
        **LEDGER,
    )
    if mailed.refused:
        return refused(mailed.refused)
    return {"status": "done", "invoice": request.invoice, "to": mailed.to}


async def _set_finance_email(context: Context, request: SetFinanceEmail, _ticket: int) -> Answer:
    """Answer `done`."""
    await workflow.execute_activity_method(
        InvoiceMails.set_address,
        FinanceAddress(context.state.account_id, request.email, workflow.now()),
        summary="set the finance address",
        **LEDGER,
    )
    return {"status": "done", "email": request.email}


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


async def _invoice_paid(context: Context, invoice: str, _ticket: int) -> Answer | None:
    """Read the invoice back if its charge is still open here."""
    for charge in context.state.charges:
        if charge.invoice != invoice:
            continue
        if charge.step is Step.DECLINED:
            context.collector.read_back(charge)
        elif charge.step in (Step.PROCESSING, Step.SENT):
            context.collector.look(charge)
    return None


MESSAGES = (
    Signal(
        "invoice_paid",
        "The processor reports a paid invoice: read it back.",
        parse_invoice,
        _invoice_paid,
        early=True,
        late=True,
    ),
    Update(
        "list_invoices",
        "List the newest invoices with their pages and PDFs.",
        parse_nothing,
        _list_invoices,
    ),
    Update(
        "mail_invoice",
        "Mail an invoice to the finance address or another one.",
        parse_mail_invoice,
        _mail_invoice,
    ),
    Update(
        "set_finance_email",
        "Choose where receipts go besides the customer's own address.",
        parse_set_finance_email,
        _set_finance_email,
    ),
)

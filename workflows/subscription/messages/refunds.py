"""Refunds: the ledger first, then the processor, then the ledger again."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.processor import PaymentActivities, RefundSending, RefundSent
    from activities.payments.refunds import RefundActivities, RefundAsked, RefundRequest
    from domain.messages.answers import credit_text, refused
    from domain.messages.invoices import parse_invoice
    from domain.messages.refunds import Refund, parse_balance_changed, parse_refund
    from domain.outcomes import Outcome
    from domain.payments.charges import MoneyBack, RefundState, refund_name
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked, short
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Signal, Update


async def _refund(context: Context, request: Refund, ticket: int) -> Answer | None:
    """Answer `refunded`, `preview`, `pending` or `refused`."""
    refund_id = refund_name(context.state.subscription_id, request.key)
    asked = await workflow.execute_activity_method(
        RefundActivities.refund,
        RefundRequest(context.settler.buyer(), refund_id, request),
        summary=short(f"{'preview' if request.preview else 'refund'}: {request.reason}"),
        **LEDGER,
    )
    if asked.status not in (Outcome.REFUNDED, Outcome.REPEATED):
        return refused(asked.status, most_minor=asked.most_minor, currency=asked.currency)
    if asked.state == RefundState.FAILED:
        return refused("refund_failed")
    if not asked.invoice and not request.preview:  # paid elsewhere: nothing is sent
        context.state.balance_is(asked.available_micro, workflow.now())
    if request.preview or asked.state == RefundState.MADE:
        return _answer("preview" if request.preview else "refunded", request.charge_id, asked)
    context.state.balance_is(asked.available_micro, workflow.now())
    _send(context, request=request, refund_id=refund_id, asked=asked, ticket=ticket)
    return None


def _send(
    context: Context, request: Refund, refund_id: str, asked: RefundAsked, ticket: int
) -> None:
    async def sent(outcome: RefundSent) -> None:
        await _book(context, request, refund_id, asked, failed=bool(outcome.refused))
        answer = _answer("refunded", request.charge_id, asked)
        context.mailbox.answer(ticket, refused("refund_failed") if outcome.refused else answer)

    context.pending_calls.start(
        workflow.start_activity_method(
            PaymentActivities.refund,
            RefundSending(refund_id, asked.invoice, asked.amount_minor, request.reason),
            summary=f"refund {asked.amount_minor} of {asked.invoice}",
            **ranked(PROCESSOR, INTERACTIVE, context.state.start.customer_id),
        ),
        sent,
    )


async def _book(
    context: Context, request: Refund, refund_id: str, asked: RefundAsked, *, failed: bool
) -> None:
    said = MoneyBack(
        kind="refund",
        name=refund_id,
        state="failed" if failed else "made",
        amount_minor=asked.amount_minor,
        invoice=asked.invoice,
        charge_id=request.charge_id,
        customer_id=context.state.start.customer_id,
    )
    await workflow.execute_activity_method(
        RefundActivities.book,
        args=[said, workflow.now()],
        summary=short(f"refund {request.key} {said.state}"),
        **LEDGER,
    )
    if failed:
        await _money_returned(context, asked.invoice, 0)


async def _money_returned(context: Context, _invoice: str, _ticket: int) -> Answer | None:
    """Read what the refund or dispute left in the ledger."""
    standing = await workflow.execute_activity_method(
        RefundActivities.standing,
        context.settler.buyer(),
        summary="read what is left",
        **LEDGER,
    )
    context.state.balance_is(standing.available_micro, workflow.now())
    context.state.switch_auto_purchase(on=standing.auto_purchase)
    return None


async def _balance_changed(context: Context, _: dict[str, object], _ticket: int) -> Answer | None:
    """Read what there is now; of what came, some may expire soon."""
    standing = await workflow.execute_activity_method(
        RefundActivities.standing,
        context.settler.buyer(),
        summary="read what came",
        **LEDGER,
    )
    context.state.credits_came(standing.available_micro, workflow.now())
    return None


def _answer(status: str, charge_id: str, asked: RefundAsked) -> Answer:
    elsewhere: Answer = {} if asked.invoice else {"paid_elsewhere": True}
    tax: Answer = {}
    if asked.tax_minor is not None:
        net = asked.amount_minor - asked.tax_minor
        tax = {"tax": {"net_minor": net, "tax_minor": asked.tax_minor}}
    return elsewhere | {
        "status": status,
        "charge_id": charge_id,
        "amount_minor": asked.amount_minor,
        "currency": asked.currency,
        **tax,
        "credits": credit_text(asked.taken_micro),
        "available": credit_text(asked.available_micro),
    }


MESSAGES = (
    Update(
        "refund",
        "Operators: refund money of a charge; a preview moves nothing.",
        parse_refund,
        _refund,
    ),
    Signal(
        "money_returned",
        "Internal: a refund or dispute of an invoice was booked.",
        parse_invoice,
        _money_returned,
    ),
    Signal(
        "balance_changed",
        "Internal: an import gave credits beside the subscription.",
        parse_balance_changed,
        _balance_changed,
    ),
)

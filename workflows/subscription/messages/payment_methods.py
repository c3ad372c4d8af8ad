"""Payment methods: another card, the same card again, and the cards on file."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.invoices import Cards, InvoiceReading
    from activities.payments.processor import CardInUse, PaymentActivities
    from activities.payments.taxes import TaxPreview, TaxWanted
    from activities.periods.lifecycle import KnownPayer, PeriodActivities
    from domain.messages.answers import refused
    from domain.messages.cards import (
        THE_DEFAULT,
        CardNews,
        RetryPayment,
        parse_card_news,
        parse_payer,
        parse_retry_payment,
        sign_of,
    )
    from domain.messages.invoices import parse_nothing, parse_use_payment_method
    from domain.outcomes import Outcome
    from domain.payments.charge_fates import is_held, is_void
    from domain.payments.charges import Charge
    from domain.subscription import OpenCharge, Pause, Step
from workflows.options import INTERACTIVE, LEDGER, PROCESSOR, ranked
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Signal, Update
from workflows.subscription.payments.processing import other_way_found


async def _payment_method_updated(context: Context, news: CardNews, _ticket: int) -> Answer | None:
    """Take another card; the same card again causes one retry, however many events report it."""
    if news.method != context.state.payment_method:
        _use(context, news.method)
    elif news.update != THE_DEFAULT:
        await _heard(context, sign_of(news))
    else:
        _look_for_places(context)
    return None


def _look_for_places(context: Context) -> None:
    """Ask whether charges can be taxed that could not: an address may be what has changed."""
    for charge in context.state.charges:
        if charge.step is Step.DECLINED and charge.placeless:
            _look_for_place(context, charge.charge, charge.attempt)


def _look_for_place(context: Context, charge: Charge, attempt: int) -> None:
    async def looked(said: TaxPreview) -> None:
        found = context.state.charge_named(charge.charge_id)
        if said.taxed is None or found is None or found.step is not Step.DECLINED:
            return
        if found.attempt != attempt:
            return  # another event has had it tried since
        if is_held(context.state, found, workflow.now()):
            context.state.put(replace(found, retry_at=workflow.now()))
        else:
            context.collector.retry(found)

    if charge.tax is None:
        return
    context.pending_calls.start(
        workflow.start_activity_method(
            PaymentActivities.preview_tax,
            TaxWanted(context.state.payer, charge.currency, charge.amount_minor, charge.tax),
            summary="ask whether it can be taxed now",
            **ranked(PROCESSOR, INTERACTIVE, context.state.start.customer_id),
        ),
        looked,
    )


async def _use_payment_method(context: Context, method: str, ticket: int) -> Answer | None:
    """Take another card, or retry with the same one if the customer chooses it again."""
    if method != context.state.payment_method:
        _use(context, method, ticket)
        return None
    await context.retries.card_may_work()
    return _card_answer(context)


async def _retry_payment(context: Context, request: RetryPayment, _ticket: int) -> Answer | None:
    """Answer `retrying`, `repeated` or `refused`."""
    state, sign = context.state, f"try:{request.key}"
    if sign in state.signs:
        return {"status": Outcome.REPEATED}
    if state.held:
        return refused("paused:by_operator")
    unpaid = [charge for charge in state.charges if charge.step is Step.DECLINED]
    if unpaid and not state.lapsed and all(_waits_for_transfer(context, one) for one in unpaid):
        return refused("paid_by_transfer")
    if not (unpaid or state.lapsed or Pause.PAYMENT_FAILED in state.pauses):
        late = any(charge.overdue for charge in state.charges)
        return refused("paid_by_transfer" if late else "nothing_declined")
    await _heard(context, sign)
    return {"status": "retrying"}


def _waits_for_transfer(context: Context, charge: OpenCharge) -> bool:
    """Return whether a charge is still wanted and has an invoice, which no card pays."""
    sent = charge.charge.due_at is not None and bool(charge.invoice)
    return sent and not is_void(context.state, charge, workflow.now())


async def _payer_changed(context: Context, payer: str, _ticket: int) -> Answer | None:
    """Read the payer back; news about an earlier payer is ignored."""
    if payer == context.state.payer:
        context.collector.payers.look()
    return None


async def _heard(context: Context, sign: str) -> None:
    """Take a sign that a card may work; each causes one retry."""
    if sign in context.state.signs:
        return
    context.state.hear(sign)
    await context.retries.card_may_work()


def _use(context: Context, method: str, ticket: int = 0) -> None:
    """Verify a card with the processor; the loop does not wait."""

    async def settled(card: CardInUse) -> None:
        await _card_in_use(context, card, ticket)

    number = context.state.next_card_update()
    plan = context.state.plan_in_force()
    context.pending_calls.start(
        workflow.start_activity_method(
            PaymentActivities.use_card,
            CardInUse(
                context.state.payer,
                method,
                update=number,
                kinds=plan.takes.any,
                currency=plan.currency,
            ),
            summary=f"use card {method}",
            **ranked(PROCESSOR, INTERACTIVE, context.state.start.customer_id),
        ),
        settled,
    )


async def _card_in_use(context: Context, card: CardInUse, ticket: int) -> None:
    state, mailbox = context.state, context.mailbox
    if card.refused and mailbox.waits(ticket):
        mailbox.answer(ticket, refused(card.refused))
        return
    if card.refused:
        mailbox.refuse(None, f"payment_method_updated: {card.method}", card.refused)
        if not card.is_card:
            await other_way_found(state, card.method)
        if not card.is_card and state.payment_method:
            _use(context, state.payment_method)  # make ours the default again: charges use it
        return
    if card.method == state.payment_method:
        mailbox.answer(ticket, _card_answer(context))
        return
    state.pays_with(card.method, card.card)
    state.hear(card.method)
    await workflow.execute_activity_method(
        PeriodActivities.know_payer,
        KnownPayer(
            state.start.customer_id,
            state.payer,
            has_card=True,
            method=card.method,
            kind=card.kind,
        ),
        summary=f"card is {card.card}",
        **LEDGER,
    )
    mailbox.answer(ticket, _card_answer(context))
    await context.retries.card_may_work()


def _card_answer(context: Context) -> Answer:
    state = context.state
    return {"status": "done", "payment_method": state.payment_method, "card": state.card}


async def _list_payment_methods(context: Context, _request: object, ticket: int) -> Answer | None:
    """Answer `done` with the cards, or `refused`."""

    async def told(found: Cards) -> None:
        cards = [
            {
                "payment_method": one.method,
                "card": one.card,
                "kind": one.kind,
                "default": one.method == found.default,
            }
            for one in found.methods
        ]
        context.mailbox.answer(ticket, {"status": "done", "payment_methods": cards})

    context.pending_calls.start(
        workflow.start_activity_method(
            InvoiceReading.cards,
            context.state.payer,
            summary="list the cards",
            **ranked(PROCESSOR, INTERACTIVE, context.state.start.customer_id),
        ),
        told,
    )
    return None


MESSAGES = (
    Signal(
        "payment_method_updated",
        "The customer has another card (a payment method's id).",
        parse_card_news,
        _payment_method_updated,
        early=True,
    ),
    Update(
        "retry_payment",
        "Retry a declined charge: the card may work now.",
        parse_retry_payment,
        _retry_payment,
        early=True,
    ),
    Signal(
        "payer_changed",
        "The processor deleted the payer or one of its cards: read it back.",
        parse_payer,
        _payer_changed,
        early=True,
    ),
    Update(
        "list_payment_methods",
        "List the cards on file.",
        parse_nothing,
        _list_payment_methods,
    ),
    Update(
        "use_payment_method",
        "Make a card on file the one to charge.",
        parse_use_payment_method,
        _use_payment_method,
        early=True,
    ),
)

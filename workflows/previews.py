"""A quoted plan change as an answer: preview and change return the same numbers."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.processor import PaymentActivities
    from activities.payments.taxes import TaxPreview, TaxWanted
    from activities.plans.upgrades import Quoted
    from domain.messages.answers import credit_text, refused, tax_told
    from domain.payments.taxes import PRICE_CHANGED
    from domain.pricing.proration import ChangeQuote
from workflows.options import INTERACTIVE, PROCESSOR, ranked, short
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer


def preview_of(context: Context, quoted: Quoted) -> Answer:
    """Return what a change costs and gives. Money in minor units, credits as decimal texts.

    `renewal_minor` is what the next period will cost, with the coupon that it has; `due_days` that
    it is paid by an invoice, and when.
    """
    quote = quoted.quote
    return {
        "kind": quote.kind.value,
        "plan": quote.plan_id,
        "amount_minor": quote.amount_minor,
        "difference_minor": quote.difference_minor,
        "currency": quote.currency,
        "waived": quote.waived,
        "why": quote.why,
        "extra_credits": {
            extra.credit_type: credit_text(extra.quantity_micro) for extra in quote.extra
        },
        "effective_at": quote.effective_at.isoformat(),
        "price_minor": quote.price_minor,
        "renewal_minor": context.state.renewal_minor(
            quoted.plan, quote.restarts.end if quote.restarts else None
        ),
        "cap_credits": credit_text(quote.cap_micro),
        **_new_period(quote),
        **_due(context, quoted),
    }


def _due(context: Context, quoted: Quoted) -> Answer:
    """Return within how many days an invoice is to be paid; one of an upgrade, in its period."""
    takes, period, at = quoted.plan.takes, context.state.period, workflow.now()
    if not takes.invoiced:
        return {}
    if period is None or quoted.quote.effective_at >= period.end:
        return {"due_days": takes.due_days}
    due_at = takes.due_within(at, context.state.time_zone, period.end)
    return {"due_days": (due_at - at).days if due_at else takes.due_days}


def _new_period(quote: ChangeQuote) -> Answer:
    """Return until when a period lasts that begins now, and what it takes from the old one."""
    if quote.restarts is None:
        return {}
    return {
        "period_end": quote.restarts.end.isoformat(),
        "unused_minor": quote.unused_minor,
        "ending_credits": {
            one.credit_type: credit_text(one.quantity_micro) for one in quote.ending
        },
    }


def ask_for_tax(
    context: Context, quoted: Quoted, preview: Answer, ticket: int, *, expected_minor: int | None
) -> None:
    """Answer a preview with its tax and total, or why not; the loop does not wait."""
    price, terms = quoted.quote.amount_minor, quoted.plan.tax
    if not price or terms is None:
        context.mailbox.answer(ticket, preview)
        return

    async def told(said: TaxPreview) -> None:
        answer = _with_tax(preview, price, said)
        if expected_minor is not None and "tax" in answer:
            shown = answer["amount_minor"] == expected_minor
            answer = answer if shown else refused(PRICE_CHANGED)
        context.mailbox.answer(ticket, answer)

    context.pending_calls.start(
        workflow.start_activity_method(
            PaymentActivities.preview_tax,
            TaxWanted(context.state.payer, quoted.plan.currency, price, terms),
            summary=short(f"ask for the tax of {quoted.plan.plan_id}"),
            **ranked(PROCESSOR, INTERACTIVE, context.state.start.customer_id),
        ),
        told,
    )


def _with_tax(preview: Answer, price_minor: int, said: TaxPreview) -> Answer:
    if said.taxed is None:
        return refused(said.refused)
    total = said.taxed.total_of(price_minor)
    return {**preview, "amount_minor": total, **tax_told(said.taxed, price_minor)}

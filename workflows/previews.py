"""A quoted plan change as an answer: preview and change return the same numbers."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans.upgrades import Quoted
    from domain.messages.answers import credit_text
from workflows.subscription.mailbox import Answer


def preview_of(quoted: Quoted) -> Answer:
    """Return what a change costs and gives. Money in minor units, credits as decimal texts."""
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
        "cap_credits": credit_text(quote.cap_micro),
    }

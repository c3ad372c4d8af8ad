"""Charges under review by operators: the card is not the cause, so another card cannot help."""

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.declines import DeclineActivities, FailedCharge
    from activities.payments.processor import Invoiced
    from activities.purchases.buyers import Buyer
    from domain.messages.answers import declined as declined_answer
    from domain.money import format_money
    from domain.payments.charges import ChargeKind, Decline, Declined, Paid
    from domain.payments.dunning import patience_ends
    from domain.payments.taxes import FOR_THE_CUSTOMER
    from domain.pricing.policies import WhileUnpaid
    from domain.subscription import OpenCharge, Pause, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.operator_view import demanded

BETWEEN_TRIES = timedelta(days=1)  # an operator who settles the finding causes a try at once
ASKED_FOR = frozenset({ChargeKind.MANUAL, ChargeKind.PACK, ChargeKind.UPGRADE})
STORIES = {
    Decline.REFUSED: "refused by the processor",
    Decline.DIFFERS: "paid with another amount",
}


def not_charged(invoiced: Invoiced, card: str, *, told_apart: bool) -> Declined:
    """Describe an invoice that could not be made: what the customer cannot cure is ours.

    Older runs do not tell the two apart, and name the card.
    """
    ours = told_apart and invoiced.refused not in FOR_THE_CUSTOMER
    return Declined(
        kind="declined",
        invoice="",
        decline=Decline.REFUSED if ours else Decline.HARD,
        code=invoiced.refused,
        advice="",
        card="" if told_apart else card,
        invoice_url="",
        detail=invoiced.detail,
    )


def voided_elsewhere(charge: OpenCharge, card: str) -> Declined:
    """Describe a charge that is still due and whose invoice was voided past us."""
    return Declined(
        kind="declined",
        invoice=charge.invoice,
        decline=Decline.HARD,
        code="charge_voided",
        advice="",
        card=card,
        invoice_url="",
    )


def differing(charge: OpenCharge, paid: Paid) -> Declined:
    """Describe a payment that differs from its charge: nothing can be granted for it."""
    came = format_money(paid.amount_minor, charge.charge.currency)
    detail = f"{came} came in its place"
    return Declined(
        kind="declined",
        invoice=paid.invoice,
        decline=Decline.DIFFERS,
        code="amount_differs",
        advice="",
        card="",
        invoice_url="",
        detail=detail,
    )


async def look_into(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, declined: Declined
) -> tuple[OpenCharge, bool]:
    """Record a finding about a charge; return whether the charge is to be voided.

    A purchase somebody asked for is voided, because they were told so. A period or auto-purchase
    stays open: if refused, it is retried on a new invoice; if paid with a wrong amount, it is not.
    """
    is_refused = declined.decline is Decline.REFUSED
    final = charge.kind in ASKED_FOR or state.ended
    pauses = not final and state.period is not None
    charge = replace(
        charge,
        step=Step.DECLINED if is_refused else Step.REVIEW,
        invoice="",  # its link leads nowhere
        refused=is_refused,
        pay_at=None,
        retry_at=workflow.now() + BETWEEN_TRIES if is_refused and not final else None,
        ends_at=None,
    )
    state.put(charge)
    if pauses:
        state.pause(Pause.PAYMENT_FAILED)
        if charge.kind is ChargeKind.AUTO and not is_refused:
            state.await_card()  # a paid renewal does not end the pause
    story = f"{demanded(charge.charge)} {STORIES[declined.decline]}: {declined.code}"
    state.charge_was(story)
    await workflow.execute_activity_method(
        DeclineActivities.note_decline,
        FailedCharge(
            buyer=buyer,
            charge=charge.charge,
            declined=declined,
            attempt=charge.attempt,
            status=state.status,
            pause=pauses,
            retry_at=charge.retry_at,
            serves_until=_serves_until(charge, buyer.at) if pauses else None,
            first_declined_at=charge.first_declined_at,
            declines=charge.declines,
            answer=declined_answer(charge.charge, declined) if final else None,
        ),
        summary=short(story),
        **LEDGER,
    )
    return charge, final


def _serves_until(charge: OpenCharge, at: datetime) -> datetime | None:
    """Return until when purchased credits serve during an unpaid renewal, as after a decline."""
    plan = charge.plan
    if plan is None or plan.while_unpaid is not WhileUnpaid.SERVE_PURCHASED:
        return None
    return patience_ends(charge, charge.first_declined_at or at)

"""Money on its way: bank debits take days, some cards wait for their holder's confirmation."""

from dataclasses import replace
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.findings import FindingActivities
    from activities.payments.processing import ChargeOnItsWay, MoneyWaits, ProcessingActivities
    from activities.purchases.buyers import Buyer
    from domain.messages.answers import tax_told
    from domain.payments.charge_fates import Fate, Happened, fate, is_void
    from domain.payments.charges import ChargeKind, Paid, Processing
    from domain.payments.findings import Finding, FindingKind
    from domain.payments.processor_states import ADVICE, Remark
    from domain.plan_calendar import period_at
    from domain.pricing.policies import WhileUnpaid
    from domain.subscription import OpenCharge, Pause, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.mailbox import Answer
from workflows.subscription.operator_view import demanded

ANOTHER_METHOD = "another-method-is-tried-after-a-debit"
MONEY_WAITS = "money-waits-in-the-ledger"  # older runs record nothing in the ledger
BETWEEN_LOOKS = timedelta(days=1)  # usually an event comes first; this covers a lost one


def waiting(charge: OpenCharge, processing: Processing | None) -> OpenCharge:
    """Return the charge as processing: not retried or voided until its money came or failed."""
    elsewhere = charge.step is Step.DECLINED  # paid on the invoice's own page: one more attempt
    return replace(
        charge,
        step=Step.PROCESSING,
        attempt=charge.attempt + 1 if elsewhere else charge.attempt,
        pay_at=None,
        retry_at=None,
        ends_at=None,
        look_at=workflow.now() + BETWEEN_LOOKS,
        expected_by=processing.expected_by if processing else None,
    )


async def keep_waiting(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, processing: Processing | None
) -> OpenCharge:
    """Record that the processor decides later; the ledger mails once that money is coming.

    With None its state there is unclear: nobody is mailed, and an operator looks.
    """
    charge = waiting(charge, processing)
    state.put(charge)
    what = "on its way" if processing else "unclear at the processor"
    state.charge_was(f"{demanded(charge.charge)} {what}")
    await workflow.execute_activity_method(
        ProcessingActivities.note,
        ChargeOnItsWay(
            buyer,
            charge.charge,
            charge.invoice,
            processing,
            serves_until=serves_until(state, charge) if processing else None,
        ),
        summary=short(f"{demanded(charge.charge)} is {what}"),
        **LEDGER,
    )
    return charge


def serves_until(state: SubscriptionState, charge: OpenCharge) -> datetime | None:
    """Return until when a patient plan serves what was bought while its renewal is on its way."""
    plan, period = charge.plan, charge.period
    if charge.kind is not ChargeKind.PERIOD or plan is None or period is None:
        return None
    patient = plan.while_unpaid is WhileUnpaid.SERVE_PURCHASED and state.period is not None
    # What paused it before is not cured by money that may not come.
    return period.end if patient and Pause.PAYMENT_FAILED not in state.pauses else None


async def let_operators_look(state: SubscriptionState, charge: OpenCharge, remark: str) -> None:
    """Record a finding about a charge at the processor; repeats are recorded once."""
    charge_id = charge.charge.charge_id
    advice = ADVICE[Remark(remark)]
    await workflow.execute_activity_method(
        FindingActivities.record,
        Finding(
            key=f"state:{charge_id}:{remark}",
            kind=FindingKind.PROCESSOR_STATE,
            customer_id=state.start.customer_id,
            subscription_id=state.subscription_id,
            charge_id=charge_id,
            processor_id=charge.invoice or None,
            detail=f"{demanded(charge.charge)}, invoice {charge.invoice or 'unknown'}: {advice}",
            at=workflow.now(),
        ),
        summary=short(f"{demanded(charge.charge)}: {remark}"),
        **LEDGER,
    )


async def wait_for_window(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, paid: Paid
) -> Answer:
    """Keep a paid purchase until a window opens; return its buyer's answer."""
    state.put(replace(charge, step=Step.PAID, paid=paid))
    if workflow.patched(MONEY_WAITS):
        await workflow.execute_activity_method(
            ProcessingActivities.note_received,
            MoneyWaits(buyer, charge.charge, paid),
            summary=short(f"{demanded(charge.charge)} is paid, and waits for the next window"),
            **LEDGER,
        )
    return {
        "status": "paid",
        "charge_id": charge.charge.charge_id,
        "amount_minor": paid.amount_minor,
        "currency": charge.charge.currency,
        **tax_told(charge.charge.taxed, charge.charge.amount_minor),
        "granted": "with_the_next_window",
    }


async def other_way_found(state: SubscriptionState, method: str) -> None:
    """Record a finding: something other than a card became the default at the processor."""
    await workflow.execute_activity_method(
        FindingActivities.record,
        Finding(
            key=f"state:{method}:{Remark.NOT_A_CARD}",
            kind=FindingKind.PROCESSOR_STATE,
            customer_id=state.start.customer_id,
            subscription_id=state.subscription_id,
            charge_id=None,
            processor_id=method,
            detail=ADVICE[Remark.NOT_A_CARD],
            at=workflow.now(),
        ),
        summary=short(f"{method} is not a card"),
        **LEDGER,
    )


def paid_late(state: SubscriptionState, charge: OpenCharge) -> OpenCharge:
    """Return the charge of a period paid after its end: it pays the running period instead."""
    plan, period, now = charge.plan, charge.period, workflow.now()
    late = period is not None and period.end <= now
    anchor = charge.anchor or state.anchor
    if not late or plan is None or period is None or anchor is None:
        return charge
    zone = charge.time_zone or state.time_zone
    running = period_at(plan=plan, anchor=anchor, zone=zone, at=now, since=period.end)
    return replace(charge, period=running, window_end=running.end)


def processing_answer(charge: OpenCharge) -> Answer:
    """Return the answer to a buyer whose money is on its way, or who was sent an invoice."""
    sent = charge.sent
    expected_by = sent.due_at if sent else charge.expected_by
    return {
        "status": "processing",
        "charge_id": charge.charge.charge_id,
        "amount_minor": charge.charge.total_minor,
        "currency": charge.charge.currency,
        **tax_told(charge.charge.taxed, charge.charge.amount_minor),
        "expected_by": expected_by.isoformat() if expected_by else None,
        **({"pay_at": sent.page_url} if sent else {}),
    }


def has_another_method(state: SubscriptionState, charge: OpenCharge) -> bool:
    """Return whether a charge, wanted still, was put to another method than is chosen now."""
    if is_void(state, replace(charge, step=Step.DECLINED), workflow.now()):
        return False
    again = fate(charge.kind, Step.DECLINED, Happened.CARD_SIGN) is Fate.RETRIED
    changed = charge.tried_with not in ("", state.payment_method)
    return again and changed and workflow.patched(ANOTHER_METHOD)

"""Invoices that are sent: their customer pays them by transfer, and is reminded until then."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.sent_invoices import ChargeSent, SentInvoiceActivities
    from activities.purchases.buyers import Buyer
    from domain.payments.charges import ChargeKind, Declined, Sent
    from domain.payments.sent_invoices import (
        Notice,
        chased,
        first_chase,
        grace_ends,
        overdue_late,
        unpaid,
        within,
    )
    from domain.subscription import OpenCharge, Step
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.operator_view import demanded, money_for
from workflows.subscription.payments.processing import BETWEEN_LOOKS, serves_until

OVERDUE_FIRST = "overdue-is-told-first"
IN_ITS_PERIOD = "an-upgrade-is-given-up-in-its-period"
LATE_ONES = "late-transfers-are-looked-for"
LATE_PARTS = "late-parts-are-recorded"
SENT_ANEW = "a-void-invoice-is-sent-anew"
SENT_LATE = "a-void-invoice-is-sent-anew-after-its-grace"
BY_DAY = "invoices-are-due-when-a-day-is-over"


def with_another_day(state: SubscriptionState, charge: OpenCharge) -> OpenCharge:
    """Return a charge for which another invoice is made: one that is sent is due later, too."""
    if charge.charge.due_at is None or charge.plan is None:
        return charge
    takes, now = charge.plan.takes, workflow.now()
    if charge.kind in (ChargeKind.PERIOD, ChargeKind.UPGRADE):
        due_at = takes.due_at(now, state.time_zone)
    else:
        due_at = takes.purchase_due_at(now, state.time_zone)
    return replace(charge, charge=replace(charge.charge, due_at=due_at))


def begins_when_sent(charge: OpenCharge, sent: Sent) -> bool:
    """Return whether a period may begin when its invoice is sent: if it is given up within it."""
    first = charge.kind is ChargeKind.PERIOD and charge.sent is None
    return first and charge.period is not None and grace_ends(charge, sent) < charge.period.end


async def keep_sent(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, sent: Sent
) -> OpenCharge:
    """Wait for the transfer of an invoice and mail it once; later looks note what has come."""
    before, now = charge.sent, workflow.now()
    charge = replace(charge, sent=sent)
    if charge.step is Step.DECLINED:  # it was given up: it can still be paid, and is not chased
        state.put(charge)
        if before is not None and before.paid_minor != sent.paid_minor:
            await _note_part(state, buyer, charge, sent)
        return charge
    charge = replace(charge, step=Step.SENT, pay_at=None, look_at=now + BETWEEN_LOOKS)
    if before is None or before.invoice != sent.invoice:
        chase_at = first_chase(sent, now, by_day=workflow.patched(BY_DAY))
        charge = replace(charge, chase_at=chase_at, overdue=False)
        state.put(charge)
        state.charge_was(f"{demanded(charge.charge)} sent, due {sent.due_at:%Y-%m-%d}")
        await _note(state, buyer, charge, Notice.SENT)
        return charge
    state.put(charge)
    if before.paid_minor != sent.paid_minor:
        state.charge_was(f"{money_for(sent.paid_minor, charge.charge)} of an invoice came")
        await _note(state, buyer, charge, None)
    return charge


async def _note_part(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, sent: Sent
) -> None:
    """Record a part that came for an invoice which was given up."""
    if workflow.patched(LATE_PARTS):
        state.charge_was(f"{money_for(sent.paid_minor, charge.charge)} of an invoice came")
        await _note(state, buyer, charge, None)


async def chase(state: SubscriptionState, buyer: Buyer, charge: OpenCharge) -> bool:
    """Remind of an invoice, or say that it is overdue; return whether it is given up instead."""
    if charge.sent is None:
        raise LookupError(f"{charge.charge.charge_id} was not sent")
    notice, again = chased(charge, charge.sent, workflow.now())
    if notice is Notice.UNPAID and not charge.overdue and workflow.patched(OVERDUE_FIRST):
        notice, again = overdue_late(charge, workflow.now())
    if charge.kind is ChargeKind.UPGRADE and state.period and workflow.patched(IN_ITS_PERIOD):
        notice, again = within(state.period.end, notice, again, workflow.now())
    if notice is Notice.UNPAID:
        return True
    charge = replace(charge, chase_at=again, overdue=notice is Notice.OVERDUE)
    state.put(charge)
    await _note(state, buyer, charge, notice)
    return False


def given_up(charge: OpenCharge) -> tuple[OpenCharge, Declined]:
    """Return a charge and the refusal of its invoice: patience has counted since its day."""
    if charge.sent is None:
        raise LookupError(f"{charge.charge.charge_id} was not sent")
    first = charge.first_declined_at or charge.sent.due_at
    look_at = workflow.now() + BETWEEN_LOOKS if workflow.patched(LATE_ONES) else None
    given = replace(charge, first_declined_at=first, chase_at=None, look_at=look_at)
    return given, unpaid(charge.sent)


def is_sent_anew(charge: OpenCharge) -> bool:
    """Return whether a period whose invoice is void elsewhere has one more sent: it is still owed.

    After its days of grace, too: its customer has the page of the void one only.
    """
    if charge.step is Step.SENT:
        return workflow.patched(SENT_ANEW)
    late = charge.step is Step.DECLINED and charge.sent is not None and bool(charge.invoice)
    return late and workflow.patched(SENT_LATE)


async def _note(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, notice: Notice | None
) -> None:
    if charge.sent is None:
        raise LookupError(f"{charge.charge.charge_id} was not sent")
    what = f"invoice is {notice}" if notice else "part of it came"
    await workflow.execute_activity_method(
        SentInvoiceActivities.note,
        ChargeSent(
            buyer,
            charge.charge,
            charge.sent,
            notice,
            status=state.status,
            given_up=charge.step is Step.DECLINED,
            serves_until=serves_until(state, charge),
        ),
        summary=short(f"{demanded(charge.charge)}: {what}"),
        **LEDGER,
    )

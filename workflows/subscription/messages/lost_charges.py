"""Paid invoices of this subscription whose charge the ledger lost."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.lost_charges import (
        FoundMoney,
        LostChargeActivities,
        LostChargeReading,
        MoneyFound,
        TakenUp,
    )
    from domain.messages.invoices import parse_invoice
    from domain.outcomes import Outcome
    from domain.payments.charges import Charge, ChargeKind, Paid
    from domain.subscription import OpenCharge, Step
from workflows.options import LEDGER, PROCESSOR
from workflows.subscription.context import Context
from workflows.subscription.mailbox import Answer
from workflows.subscription.messages.message import Signal
from workflows.subscription.operator_view import money_for


async def _money_found(context: Context, invoice: str, _ticket: int) -> Answer | None:
    """Grant what an invoice paid for, once, if the price list sells it so."""

    async def read(found: FoundMoney) -> None:
        await _take_up(context, found)

    context.pending_calls.start(
        workflow.start_activity_method(
            LostChargeReading.read,
            invoice,
            summary=f"read {invoice}, whose charge is lost",
            **PROCESSOR,
        ),
        read,
    )
    return None


async def _take_up(context: Context, found: FoundMoney) -> None:
    """Let the ledger decide; a known charge, or one left to operators, changes nothing here."""
    state = context.state
    if found.claim is None or state.ended:
        return
    taken: TakenUp = await workflow.execute_activity_method(
        LostChargeActivities.take_up,
        MoneyFound(context.settler.buyer(), found.claim, found.paid, found.why),
        summary=f"take up what {found.claim.invoice} paid for",
        **LEDGER,
    )
    if taken.charge is None or found.paid is None:
        return
    _count(context, taken.charge)
    state.charge_was(f"{money_for(found.paid.amount_minor, taken.charge)} found")
    if taken.status == Outcome.OPENED:
        if state.charge_named(taken.charge.charge_id) is None:
            await _settle(context, taken, taken.charge, found.paid)
        return
    state.credits_came(taken.available_micro, workflow.now())


def _count(context: Context, charge: Charge) -> None:
    """Reserve this purchase's number, so that no later auto-purchase reuses it."""
    number = charge.charge_id.rpartition(":")[2]
    if charge.kind is ChargeKind.AUTO and number.isdecimal():
        context.state.purchases_reach(int(number))


async def _settle(context: Context, taken: TakenUp, charge: Charge, paid: Paid) -> None:
    """Settle a purchase that needs a window like any charge paid between two windows."""
    buyer = context.settler.buyer()
    waits = OpenCharge(
        charge,
        Step.PREPARED,
        workflow.now(),
        quantity_micro=taken.quantity_micro,
        plan=buyer.plan,
        window_end=buyer.window.end,
        invoice=paid.invoice,
        needs_window=not taken.lasting,
    )
    for needless in await context.settler.paid(waits, paid):
        await context.collector.give_up(needless)


MESSAGES = (
    Signal(
        "money_found",
        "Internal: an invoice is paid whose charge the ledger lost.",
        parse_invoice,
        _money_found,
    ),
)

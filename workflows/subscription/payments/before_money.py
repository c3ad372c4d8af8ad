"""Credits granted before the money of their charge has come, where the plan says so."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.before_money import BeforeMoneyActivities, ComingPeriod
    from activities.payments.processing import ChargeOnItsWay
    from activities.purchases.buyers import Buyer
    from domain.messages.answers import credit_text
    from domain.payments.charge_fates import PURCHASES, waits_for_window
    from domain.payments.charges import ChargeKind, Paid, Processing
    from domain.pricing.policies import GrantOn
    from domain.subscription import OpenCharge, Pause
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, of_a_period, short
from workflows.subscription.mailbox import Answer
from workflows.subscription.operator_view import demanded
from workflows.subscription.payments.periods import period_began, period_of
from workflows.subscription.payments.processing import processing_answer, serves_until, waiting


def grants_before_money(state: SubscriptionState, charge: OpenCharge) -> bool:
    """Return whether a charge is granted while its money is on its way.

    Once a charge, not after a decline, and not while another charge is unpaid; what waits for a
    window waits for its money, too, and so does an upgrade, which could not be taken back. The
    ledger decides again under its lock.
    """
    if charge.granted or charge.declines or state.over or Pause.PAYMENT_FAILED in state.pauses:
        return False
    if charge.kind is ChargeKind.PERIOD:
        return _begins_before_money(state, charge)
    trusted = state.plan_in_force().grant_on is GrantOn.PROCESSING
    waits = waits_for_window(state, charge, workflow.now())
    return trusted and charge.kind in PURCHASES and not waits


def _begins_before_money(state: SubscriptionState, charge: OpenCharge) -> bool:
    plan, period = charge.plan, charge.period
    if plan is None or period is None or state.held:
        return False
    return plan.grant_on is GrantOn.PROCESSING and workflow.now() < period.end


async def grant_before_money(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, processing: Processing | None
) -> OpenCharge:
    """Grant a charge whose money is on its way, in one transaction with its mail.

    Without `processing` its money comes in another way: nobody is mailed that a bank decides.
    """
    charge = waiting(charge, processing)
    state.put(charge)
    granted = await workflow.execute_activity_method(
        BeforeMoneyActivities.grant_purchase,
        ChargeOnItsWay(buyer, charge.charge, charge.invoice, processing),
        summary=short(f"grant {demanded(charge.charge)} before its money"),
        **LEDGER,
    )
    charge = replace(charge, granted=granted.granted)
    state.put(charge)
    told = "on its way, granted" if charge.granted else "on its way"
    state.charge_was(f"{demanded(charge.charge)} {told}")
    state.credits_came(granted.available_micro, workflow.now())
    return charge


async def begin_before_money(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, processing: Processing | None
) -> OpenCharge:
    """Begin a period whose money is on its way, in one transaction with its mails.

    Without `processing` as in `grant_before_money`.
    """
    until = serves_until(state, charge)
    charge = waiting(charge, processing)
    state.put(charge)
    period = period_of(state, charge, None, before_money=True)
    begun = await workflow.execute_activity_method(
        BeforeMoneyActivities.open_period,
        ComingPeriod(
            ChargeOnItsWay(buyer, charge.charge, charge.invoice, processing, serves_until=until),
            period,
        ),
        summary=short(f"begin before its money: {demanded(charge.charge)}"),
        **of_a_period(state.start.customer_id, first=state.period is None),
    )
    if begun.serving is None:
        state.charge_was(f"{demanded(charge.charge)} on its way")
        return charge
    charge = replace(charge, granted=True)
    state.put(charge)
    state.charge_was(f"{demanded(charge.charge)} on its way, granted")
    period_began(state, period, begun.serving)
    return charge


async def settle_period(state: SubscriptionState, charge: OpenCharge, paid: Paid) -> None:
    """Book the money of a period that began before it."""
    available = await workflow.execute_activity_method(
        BeforeMoneyActivities.settle_period,
        period_of(state, charge, paid),
        summary=short(f"{demanded(charge.charge)} has come"),
        **LEDGER,
    )
    state.drop(charge)
    state.credits_came(available, workflow.now())


def coming_answer(state: SubscriptionState, charge: OpenCharge) -> Answer:
    """Return the answer to a buyer whose money is on its way, and what is available already."""
    answer = processing_answer(charge)
    if not charge.granted:
        return answer
    return answer | {
        "granted": "before_its_money",
        "available": credit_text(state.available_micro),
    }


async def look_again(state: SubscriptionState, buyer: Buyer, charge: OpenCharge) -> None:
    """Look what is available after a charge failed that was granted before its money."""
    if not charge.granted:
        return
    available = await workflow.execute_activity_method(
        BeforeMoneyActivities.available,
        buyer,
        summary=short(f"{demanded(charge.charge)} failed: what is left"),
        **LEDGER,
    )
    state.balance_is(available, workflow.now())

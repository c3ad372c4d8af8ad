"""Credits granted before the money of their charge has come, where the plan says so."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.payments.before_money import BeforeMoneyActivities
    from activities.payments.processing import ChargeOnItsWay
    from activities.purchases.buyers import Buyer
    from domain.messages.answers import credit_text
    from domain.payments.charge_fates import PURCHASES, waits_for_window
    from domain.payments.charges import Processing
    from domain.pricing.policies import GrantOn
    from domain.subscription import OpenCharge, Pause
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.mailbox import Answer
from workflows.subscription.operator_view import demanded
from workflows.subscription.payments.processing import processing_answer, waiting


def grants_before_money(state: SubscriptionState, charge: OpenCharge) -> bool:
    """Return whether a charge is granted while its money is on its way.

    Once a charge, not after a decline, and not while another charge is unpaid; what waits for a
    window waits for its money, too. The ledger decides again under its lock.
    """
    if charge.granted or charge.declines or charge.kind not in PURCHASES:
        return False
    if state.over or Pause.PAYMENT_FAILED in state.pauses:
        return False
    trusted = state.plan_in_force().grant_on is GrantOn.PROCESSING
    return trusted and not waits_for_window(state, charge, workflow.now())


async def grant_before_money(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, processing: Processing
) -> OpenCharge:
    """Grant a charge whose money is on its way, in one transaction with its mail."""
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

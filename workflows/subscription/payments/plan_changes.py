"""Puts plan changes in force: paid or waived, in the running period or in a new one."""

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.plans.changes import ChangeActivities
    from activities.plans.restarts import RestartActivities
    from activities.plans.upgrades import Upgrade, keyed_by
    from activities.purchases.buyers import Buyer
    from domain.messages import answers
    from domain.payments.charges import Paid
    from domain.subscription import OpenCharge
    from domain.subscription_state import SubscriptionState
from workflows.options import LEDGER, short
from workflows.subscription.mailbox import Answer


def no_upgrade(state: SubscriptionState) -> str | None:
    """Return why a subscription cannot be upgraded now, or None."""
    if state.pauses:
        return f"paused:{state.pauses[0].value}"
    if state.period is None:
        return "no_subscription"
    # The price of a period whose money is on its way is what an upgrade is counted against.
    unpaid = any(charge.is_of_running_period for charge in state.charges)
    return "payment_processing" if unpaid else None


async def put_in_force(state: SubscriptionState, upgrade: Upgrade) -> bool:
    """Put a paid or waived upgrade in force; return whether a new period began with it."""
    if upgrade.quote.restarts is not None:
        await _restart(state, upgrade)
        return True
    available = await workflow.execute_activity_method(
        ChangeActivities.complete_upgrade,
        upgrade,
        summary=f"upgrade to {upgrade.plan.plan_id}",
        **LEDGER,
    )
    state.schedule_plan(None)
    state.serve_under(upgrade.plan)
    state.credits_came(available, workflow.now())
    return False


async def _restart(state: SubscriptionState, upgrade: Upgrade) -> None:
    began = await workflow.execute_activity_method(
        RestartActivities.complete_restart,
        replace(upgrade, status=state.status),
        summary=short(f"begin a period of {upgrade.plan.plan_id}"),
        **LEDGER,
    )
    state.serve_under(upgrade.plan)
    state.open_period(began.period, began.serving.window, by=began.calendar, pauses=state.pauses)
    state.next_takes(began.serving.coupon)
    state.credits_came(began.serving.available_micro, workflow.now())


def paid_upgrade(
    state: SubscriptionState, buyer: Buyer, charge: OpenCharge, paid: Paid
) -> tuple[Upgrade, Answer]:
    """Return the upgrade that a paid charge is for, and what its sender is answered."""
    if charge.plan is None or charge.quote is None or state.anchor is None:
        raise LookupError(f"{charge.charge.charge_id} is no charge of an upgrade")
    answer: Answer = {
        "status": "changed",
        "plan": charge.plan.plan_id,
        "charge_id": charge.charge.charge_id,
        "amount_minor": paid.amount_minor,
        "currency": charge.charge.currency,
        **answers.tax_told(charge.charge.taxed, charge.charge.amount_minor),
    }
    upgrade = Upgrade(
        buyer=buyer,
        plan=charge.plan,
        quote=charge.quote,
        charge_id=charge.charge.charge_id,
        anchor=state.anchor,
        time_zone=state.time_zone,
        paid=paid,
        keyed=keyed_by(state.subscription_id, charge.charge.charge_id, charge.plan, answer),
        charge=charge.charge,
    )
    return upgrade, answer

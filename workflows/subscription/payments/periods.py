"""A period that begins: what the ledger is told of it, and what the workflow remembers."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.periods.paid_periods import PaidPeriod, Serving
    from domain.payments.charges import Paid
    from domain.plan_calendar import Calendar
    from domain.pricing.policies import ResumeOn
    from domain.subscription import OpenCharge, Pause
    from domain.subscription_state import SubscriptionState


def period_of(
    state: SubscriptionState, charge: OpenCharge, paid: Paid | None, *, before_money: bool = False
) -> PaidPeriod:
    """Return the period of a charge; not `paid` it is free, or begins `before_money`."""
    if charge.plan is None or charge.period is None:
        raise LookupError(f"{charge.charge.charge_id} is no charge of a period")
    mild = charge.plan.resume_on is ResumeOn.ANY_SUCCESSFUL_PAYMENT
    stays = paid is not None and state.awaits_card and not mild
    return PaidPeriod(
        subscription_id=state.subscription_id,
        account_id=state.account_id,
        plan=charge.plan,
        anchor=charge.anchor or state.anchor_under(charge.plan),
        time_zone=charge.time_zone or state.time_zone,
        period=charge.period,
        charge=charge.charge if paid or before_money else None,
        paid=paid,
        first=state.period is None,
        status=state.serving_status(_pauses(state, stays=stays), charge.period),
        at=workflow.now(),
        stays_paused=stays,
    )


def period_began(state: SubscriptionState, began: PaidPeriod, serving: Serving) -> None:
    """Take the period that began, with its window, its coupon and the balance."""
    pauses = _pauses(state, stays=began.stays_paused)
    state.serve_under(began.plan)
    calendar = Calendar(began.anchor, began.time_zone)
    state.open_period(began.period, serving.window, by=calendar, pauses=pauses)
    state.await_card(wanted=began.stays_paused)
    state.next_takes(serving.coupon)
    state.credits_came(serving.available_micro, workflow.now())


def _pauses(state: SubscriptionState, *, stays: bool) -> tuple[Pause, ...]:
    if stays:
        return state.pauses
    return tuple(one for one in state.pauses if one is not Pause.PAYMENT_FAILED)

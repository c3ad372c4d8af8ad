"""What a period grants when it begins."""

import json

from sqlalchemy import Connection

from activities.periods.paid_periods import PaidPeriod
from domain.burn import tie_keys
from domain.money import Ratio, allocate
from domain.plan_calendar import TRIAL, Stretch, allowances_of
from domain.pricing.catalog import Allowance, Extras, Plan, gift_ends
from ledger import grants
from ledger.grants import GrantOrder, RollTerms

WHOLE = 1_000_000  # the weight of a whole window in the period's price


def roll_terms(plan: Plan, credit_type: str) -> RollTerms | None:
    """Return how unused credits of a type roll over; None if they do not."""
    for allowance in plan.allowances:
        rollover = allowance.rollover
        if allowance.credit_type == credit_type and rollover is not None:
            return RollTerms(
                rollover.times,
                rollover.share or Ratio(1, 1),
                rollover.amount_micro,
                plan.priorities.rollover,
            )
    return None


def give_starters(connection: Connection, paid: PaidPeriod, windows: tuple[Stretch, ...]) -> None:
    """Give a customer's starter credits that it was not given yet."""
    for order in starter_orders(connection, paid, windows):
        grants.give(connection, paid.account_id, order, paid.at)


def starter_orders(
    connection: Connection, paid: PaidPeriod, windows: tuple[Stretch, ...]
) -> list[GrantOrder]:
    """Return starter credits to give; the keys name no subscription, so each comes only once."""
    plan = paid.plan
    current = next((one.part for one in windows if one.part.end > paid.at), windows[-1].part)
    ends = {
        Extras.WINDOW_END: current.end,
        Extras.PERIOD_END: paid.period.end,
        Extras.NEVER: None,
    }
    return [
        GrantOrder(
            key=key,
            source="bonus",
            credit_type=starter.credit_type,
            quantity_micro=starter.quantity_micro,
            priority=plan.priorities.bonus,
            effective_at=paid.at,
            expires_at=gift_ends(starter, paid.at, ends),
            ties=tie_keys(plan.tie_break, 0, starter.quantity_micro, paid.at),
            currency=plan.currency,
            scope=starter.scope,
            tags=json.dumps({"bonus": "starter"}),
        )
        for starter in plan.starter
        if not grants.given(connection, paid.account_id, key := f"starter:{starter.credit_type}")
    ]


def allowance_orders(paid: PaidPeriod, windows: tuple[Stretch, ...]) -> list[GrantOrder]:
    """Return a period's grants, each named (charge, part), with cost shares that sum to the charge.

    A partial window is granted its share of the allowance and bears its share of the price.
    """
    plan = paid.plan
    source = "trial" if paid.period.k == TRIAL else "allowance"
    planned = [
        (window, allowance, _granted(paid, quantity, window, allowance))
        for window in windows
        for allowance in allowances_of(plan, paid.period)
        if (quantity := window.of(allowance.quantity_micro))
    ]
    total = paid.charge.net_minor if paid.charge else 0
    weights = [_weight(window, allowance) for window, allowance, _ in planned]
    shares = allocate(total, weights) if planned else ()
    return [
        GrantOrder(
            key=_key(paid, source, window, part),
            source=source,
            credit_type=allowance.credit_type,
            quantity_micro=quantity,
            priority=plan.priorities.allowance,
            effective_at=window.part.start,
            expires_at=window.part.end,
            ties=tie_keys(plan.tie_break, share, quantity, window.part.start),
            currency=plan.currency,
            cost_minor=share,
            charge_id=paid.charge.charge_id if paid.charge else None,
            part=part if paid.charge else None,
            scope=allowance.scope,
            rolls=None if source == "trial" else roll_terms(plan, allowance.credit_type),
        )
        for part, ((window, allowance, quantity), share) in enumerate(
            zip(planned, shares, strict=True)
        )
    ]


def _granted(paid: PaidPeriod, quantity: int, window: Stretch, allowance: Allowance) -> int:
    if window.part.start > paid.period.start:
        return quantity
    own = {one.credit_type: one.quantity_micro for one in paid.first_window}
    return own.get(allowance.credit_type, quantity)


def _key(paid: PaidPeriod, source: str, window: Stretch, part: int) -> str:
    if paid.grants_named:
        return f"{paid.grants_named}:{part}"
    return f"{paid.subscription_id}:{source}:{window.part.start:%Y%m%dT%H%M%SZ}:{part}"


def _weight(window: Stretch, allowance: Allowance) -> int:
    return allowance.share * max(1, window.of(WHOLE))

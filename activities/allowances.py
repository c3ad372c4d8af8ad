"""What a period grants when it begins."""

import json

from sqlalchemy import Connection

from activities.paid_periods import PaidPeriod
from domain.burn import tie_keys
from domain.catalog import Extras
from domain.money import allocate
from domain.periods import Window
from ledger import grants
from ledger.grants import GrantOrder


def give_starters(connection: Connection, paid: PaidPeriod, windows: tuple[Window, ...]) -> None:
    """Give what a customer gets once, with its first period ever: the keys name no subscription."""
    plan = paid.plan
    current = next((one for one in windows if one.end > paid.at), windows[-1])
    ends = {
        Extras.WINDOW_END: current.end,
        Extras.PERIOD_END: paid.period.end,
        Extras.NEVER: None,
    }
    for starter in plan.starter:
        key = f"starter:{starter.credit_type}"
        if grants.given(connection, paid.account_id, key):
            continue
        order = GrantOrder(
            key=key,
            source="bonus",
            credit_type=starter.credit_type,
            quantity_micro=starter.quantity_micro,
            priority=plan.priorities.bonus,
            effective_at=paid.at,
            expires_at=ends[starter.expires],
            ties=tie_keys(plan.tie_break, 0, starter.quantity_micro, paid.at),
            currency=plan.currency,
            scope=starter.scope,
            tags=json.dumps({"bonus": "starter"}),
        )
        grants.give(connection, paid.account_id, order, paid.at)


def allowance_orders(paid: PaidPeriod, windows: tuple[Window, ...]) -> list[GrantOrder]:
    """Return a period's grants, each named (charge, part), with shares that sum to the charge."""
    plan = paid.plan
    planned = [(one, allowance) for one in windows for allowance in plan.allowances]
    total = paid.charge.amount_minor if paid.charge else 0
    shares = allocate(total, [allowance.share for _, allowance in planned]) if planned else ()
    return [
        GrantOrder(
            key=f"{paid.subscription_id}:allowance:{one.start:%Y%m%dT%H%M%SZ}:{part}",
            source="allowance",
            credit_type=allowance.credit_type,
            quantity_micro=allowance.quantity_micro,
            priority=plan.priorities.allowance,
            effective_at=one.start,
            expires_at=one.end,
            ties=tie_keys(plan.tie_break, share, allowance.quantity_micro, one.start),
            currency=plan.currency,
            cost_minor=share,
            charge_id=paid.charge.charge_id if paid.charge else None,
            part=part if paid.charge else None,
            scope=allowance.scope,
        )
        for part, ((one, allowance), share) in enumerate(zip(planned, shares, strict=True))
    ]

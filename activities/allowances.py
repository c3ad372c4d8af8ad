"""What a period grants when it begins."""

from activities.paid_periods import PaidPeriod
from domain.burn import tie_keys
from domain.money import allocate
from domain.periods import Window
from ledger.grants import GrantOrder


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

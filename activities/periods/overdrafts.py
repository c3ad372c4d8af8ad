"""A period's overdraft: credits served before they are paid for."""

from sqlalchemy import Connection

from activities.periods.paid_periods import PaidPeriod
from domain.burn import tie_keys
from ledger import grants
from ledger.grants import GrantOrder
from ledger.teams import limits


def give_overdraft(connection: Connection, paid: PaidPeriod) -> None:
    """Grant a period its overdraft: the plan's limit less what is already owed.

    One grant covers the whole period, because windows granted ahead cannot know what will be owed.
    Must run after the allowance, which repays the debt first.
    """
    plan, overdraft = paid.plan, paid.plan.overdraft
    key = f"{paid.subscription_id}:overdraft:{paid.period.start:%Y%m%dT%H%M%SZ}"
    if overdraft is None or grants.given(connection, paid.account_id, key):
        return
    owed = limits.debt(connection, paid.account_id, overdraft.credit_type)
    quantity = overdraft.limit_micro - owed
    if quantity <= 0:
        return
    order = GrantOrder(
        key=key,
        source="overdraft",
        credit_type=overdraft.credit_type,
        quantity_micro=quantity,
        priority=plan.priorities.overdraft,
        effective_at=paid.period.start,
        expires_at=paid.period.end,
        ties=tie_keys(plan.tie_break, 0, quantity, paid.period.start),
        currency=plan.currency,
        scope=overdraft.scope,
    )
    grants.give(connection, paid.account_id, order, paid.at)

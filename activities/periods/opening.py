"""How a period begins in the ledger: its windows, its money, its grants, its place in the rows."""

from datetime import datetime

from sqlalchemy import Connection

from activities.periods.allowances import allowance_orders, give_starters
from activities.periods.overdrafts import give_overdraft
from activities.periods.paid_periods import PaidPeriod, Serving
from domain.periods import Window
from domain.plan_calendar import Calendar, window_at, windows_of
from domain.pricing.catalog import Plan
from domain.subscription import Pause
from ledger import accounts, balances, checkpoints, grants, subscriptions
from ledger.payments import charges, coupons
from ledger.usage import policies


def begin_paid(connection: Connection, paid: PaidPeriod) -> bool:
    """Begin a period that is paid or free; return whether that ended a payment pause."""
    # Freeze first: frozen credits must not count towards the new window's alert base.
    grants.set_frozen(connection, paid.account_id, paid.at, frozen=not paid.plan.paid)
    windows = windows_of(paid.plan, paid.anchor, paid.time_zone, paid.period)
    grants.open_windows(
        connection,
        account_id=paid.account_id,
        subscription_id=paid.subscription_id,
        windows=[(one.part.start, one.part.end) for one in windows],
        at=paid.at,
    )
    # Only after the window is open: unused credits roll over into it.
    grants.expire_due(connection, paid.account_id, paid.at)
    if paid.charge is not None and paid.paid is not None:
        charges.mark_paid(
            connection,
            account_id=paid.account_id,
            charge_id=paid.charge.charge_id,
            invoice=paid.paid.invoice or None,
            amount_minor=paid.paid.amount_minor,
            at=paid.at,
        )
    for order in allowance_orders(paid, windows):
        grants.give(connection, paid.account_id, order, paid.at)
    if paid.first:
        give_starters(connection, paid, windows)
    give_overdraft(connection, paid)
    subscriptions.begin_period(
        connection,
        subscription_id=paid.subscription_id,
        plan=paid.plan,
        anchor=paid.anchor,
        period=paid.period,
        at=paid.at,
    )
    subscriptions.write(connection, paid.subscription_id, paid.at, time_zone=paid.time_zone)
    policies.set_policy(connection, paid.account_id, paid.plan)
    subscriptions.write(connection, paid.subscription_id, paid.at, status=paid.status)
    resumed = not paid.stays_paused and accounts.set_paused(
        connection, paid.account_id, Pause.PAYMENT_FAILED, paid.at, paused=False
    )
    if not paid.stays_paused:
        checkpoints.card_may_work(connection, paid.account_id)
    return resumed


def serving(
    connection: Connection,
    *,
    account_id: int,
    subscription_id: str,
    plan: Plan,
    calendar: Calendar,
    period: Window,
    at: datetime,
) -> Serving:
    """Return the period's window at an instant, and the available micro-credits."""
    window = window_at(
        plan=plan, anchor=calendar.anchor, zone=calendar.time_zone, period=period, at=at
    )
    available = balances.available(connection, account_id, plan.credit_type, at)
    coupon = coupons.of_period(connection, account_id, subscription_id)
    return Serving(window.part, available, coupon)

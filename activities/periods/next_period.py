"""The period that comes next, and what it costs before any coupon."""

from dataclasses import dataclass
from datetime import datetime

from domain.payments.charges import Charge, ChargeKind, ChargeLine
from domain.periods import Window
from domain.plan_calendar import Calendar, period_at, period_price, period_stretch
from domain.pricing.catalog import Plan


@dataclass(frozen=True, slots=True)
class NextPeriod:
    """A period to charge: the one under way, but none that begins before `since`."""

    subscription_id: str
    customer_id: str
    account_id: int
    payer: str
    plan: Plan
    anchor: datetime
    time_zone: str
    since: datetime
    at: datetime
    revision: int = 0


def charge_of_period(wanted: NextPeriod, calendar: Calendar) -> tuple[Window, Charge | None]:
    """Return the period and its charge, None where it costs nothing."""
    plan, anchor, zone = wanted.plan, calendar.anchor, calendar.time_zone
    period = period_at(plan=plan, anchor=anchor, zone=zone, at=wanted.at, since=wanted.since)
    price = period_price(plan, period_stretch(plan, anchor, zone, period))
    if not price:
        return period, None
    revision = f":{wanted.revision}" if wanted.revision else ""
    name = f"{wanted.subscription_id}:period:{period.start:%Y%m%dT%H%M%SZ}{revision}"
    return period, Charge(
        charge_id=name,
        kind=ChargeKind.PERIOD,
        customer_id=wanted.customer_id,
        subscription_id=wanted.subscription_id,
        payer=wanted.payer,
        currency=plan.currency,
        lines=(ChargeLine(_describe(plan, period), price),),
        takes=plan.takes.plan,
        due_at=plan.takes.due_at(max(wanted.at, period.start), zone),
        tax=plan.tax,
    )


def _describe(plan: Plan, period: Window) -> str:
    return f"{plan.name}, {period.start:%Y-%m-%d} to {period.end:%Y-%m-%d}"

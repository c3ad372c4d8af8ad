"""A plan change that begins a new period at once, from its quote to its grants."""

from dataclasses import dataclass

from sqlalchemy import Connection

from activities.context import BillingContext
from activities.periods.opening import begin_paid, serving
from activities.periods.paid_periods import PaidPeriod, Serving
from activities.plans.changed import Ended, tell_changed
from activities.plans.upgrades import PlanRequest, Upgrade
from activities.uninterrupted import uninterrupted
from domain.periods import Window
from domain.plan_calendar import Calendar, period_stretch, restarted, window_at
from domain.pricing.catalog import Plan
from domain.pricing.proration import ChangeQuote
from domain.pricing.restarts import Restart, granted_now, quote_restart
from ledger import accounts, grants, subscriptions


@dataclass(frozen=True, slots=True)
class Restarted:
    """The period that began, what it is counted by, and where the subscription stands in it."""

    period: Window
    calendar: Calendar
    serving: Serving


def quoted_restart(connection: Connection, request: PlanRequest, plan: Plan) -> ChangeQuote:
    """Return what a new period that begins now costs and gives. Raises `needs_next_period`."""
    buyer = request.buyer
    zone = accounts.details_of(connection, buyer.account_id).time_zone  # where the customer is now
    calendar, begins = restarted(plan, buyer.at, zone)
    restart = Restart(
        running=period_stretch(buyer.plan, request.anchor, request.time_zone, buyer.period),
        begins=begins,
        window=window_at(
            plan=plan, anchor=calendar.anchor, zone=zone, period=begins.part, at=buyer.at
        ),
        unused=grants.unused_allowance(connection, buyer.account_id, buyer.at),
    )
    return quote_restart(buyer.plan, plan, restart, buyer.at)


class RestartActivities:
    """Plan changes that begin a new period. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="complete_restart")
    def complete_restart(self, upgrade: Upgrade) -> Restarted:
        """Put the plan in force: give up what is left of the old period, begin the new, mail it."""
        buyer = upgrade.buyer
        with self._context.engine.begin() as connection:
            accounts.lock(connection, buyer.account_id, buyer.at)
            if grants.given(connection, buyer.account_id, f"{upgrade.charge_id}:0"):
                stored = subscriptions.stored(connection, buyer.subscription_id)
                calendar, period = Calendar(stored.anchor, stored.time_zone), stored.period()
            else:
                zone = accounts.details_of(connection, buyer.account_id).time_zone
                begins = accounts.not_before(connection, buyer.account_id, buyer.at)
                calendar, stretch = restarted(upgrade.plan, begins, zone)
                period = stretch.part
                self._begin(connection, upgrade, calendar, period)
            stand = serving(
                connection,
                account_id=buyer.account_id,
                subscription_id=buyer.subscription_id,
                plan=upgrade.plan,
                calendar=calendar,
                period=period,
                at=max(buyer.at, period.start),
            )
        return Restarted(period, calendar, stand)

    def _begin(
        self, connection: Connection, upgrade: Upgrade, calendar: Calendar, period: Window
    ) -> None:
        buyer, late = upgrade.buyer, upgrade.quote.effective_at < upgrade.buyer.period.start
        left = grants.unused_allowance(connection, buyer.account_id, period.start)
        granted = granted_now(upgrade.quote, left, late=late)
        # A later period than the one that was quoted is paid for in full: its credits are kept.
        grants.cut_windows(connection, buyer.account_id, period.start, kept=late)
        paid = PaidPeriod(
            subscription_id=buyer.subscription_id,
            account_id=buyer.account_id,
            plan=upgrade.plan,
            anchor=calendar.anchor,
            time_zone=calendar.time_zone,
            period=period,
            charge=upgrade.charge if upgrade.paid else None,
            paid=upgrade.paid,
            first=False,
            status=upgrade.status,
            at=period.start,
            stays_paused=True,
            grants_named=upgrade.charge_id,
            first_window=granted,
        )
        begin_paid(connection, paid)
        ended = () if late else left.credits
        tell_changed(self._context, connection, upgrade, granted, ended=Ended(period.end, ended))

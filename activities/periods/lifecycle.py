"""A subscription's periods: each begins once paid, with all the grants its charge promises."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from activities.answers import Keyed, keep
from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.notifications.period_mails import tell_period
from activities.periods.activation import Beginning, Begun, begin, code_to_ask
from activities.periods.checkpoints import keep_note
from activities.periods.discounts import opened_with_coupon
from activities.periods.next_period import NextPeriod, charge_of_period
from activities.periods.opening import begin_paid, serving
from activities.periods.paid_periods import PaidPeriod, Serving
from activities.uninterrupted import uninterrupted
from domain.mails.plans import Canceled
from domain.payments.charges import Charge
from domain.payments.kinds import PaymentKind
from domain.periods import Window, share_of
from domain.plan_calendar import (
    Calendar,
    first_anchor,
)
from domain.pricing.catalog import Plan
from domain.pricing.promotions import CodeWanted
from domain.subscription import LeftBehind, Start, Status
from ledger import accounts, balances, grants, starts, subscriptions
from ledger.payments import charges
from ledger.usage import policies

MOST_SPREAD = 100  # a renewal is late by at most this part of its period


@dataclass(frozen=True, slots=True)
class KnownPayer:
    """The processor's id of a customer, and whether there is a card to charge."""

    customer_id: str
    payer: str
    has_card: bool
    method: str = ""  # the card to charge
    kind: str = PaymentKind.CARD


@dataclass(frozen=True, slots=True)
class PeriodCharge:
    """The period and its charge, None if nothing is due; `pay_at` None: when the period begins.

    `calendar` is what the period's boundaries are counted by; None: by what was asked for.
    """

    period: Window
    charge: Charge | None
    pay_at: datetime | None = None
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant in a subscription's life under a plan; `period` None: it has not begun."""

    subscription_id: str
    account_id: int
    plan: Plan
    anchor: datetime
    time_zone: str
    at: datetime
    period: Window | None


@dataclass(frozen=True, slots=True)
class Ending:
    """A subscription that ends at an instant; a preview writes nothing."""

    moment: Moment
    effective_at: datetime
    preview: bool = False
    keyed: Keyed | None = None


class PeriodActivities:
    """Periods and windows, for workflows. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="begin_subscription")
    def begin(self, beginning: Beginning) -> Begun:
        """Create customer, wallet and a pending subscription, or return it if it exists.

        Raises `unknown_catalog`, `unknown_plan`, `unknown_time_zone`, `unknown_locale`,
        `already_subscribed`, `subscription_ended`.
        """
        catalog = self._context.catalog(beginning.start.catalog)
        with self._context.engine.begin() as connection:
            return begin(catalog, connection, beginning)

    @uninterrupted(name="code_to_ask")
    def code_to_ask(self, start: Start) -> CodeWanted | None:
        """Return what the processor is asked about a start's coupon before it begins, or None."""
        catalog = self._context.catalog(start.catalog)
        with self._context.engine.begin() as connection:
            return code_to_ask(catalog, connection, start)

    @uninterrupted(name="abandon_start")
    def abandon(self, subscription_id: str, at: datetime) -> bool:
        """Undo a failed start: it must not block the customer's next one."""
        with self._context.engine.begin() as connection:
            return starts.abandon(connection, subscription_id, at)

    @uninterrupted(name="know_payer")
    def know_payer(self, known: KnownPayer) -> None:
        """Remember the processor's id of the customer and whether it has a card."""
        with self._context.engine.begin() as connection:
            accounts.set_payer(connection, known.customer_id, known.payer, known.method)
            account_id = accounts.account_of(connection, known.customer_id)
            policies.set_card_usable(connection, account_id, usable=known.has_card, kind=known.kind)

    @uninterrupted(name="open_period_charge")
    def open_charge(self, wanted: NextPeriod) -> PeriodCharge:
        """Open the charge of a period; a repeat returns the same charge."""
        calendar = self._calendar(wanted)
        period, charge = charge_of_period(wanted, calendar)
        if charge is None:
            return PeriodCharge(period, None, calendar=calendar)
        with self._context.engine.begin() as connection:
            accounts.lock(connection, wanted.account_id, wanted.at)
            charge = opened_with_coupon(
                connection, wanted.account_id, charge, begins=period.start, at=wanted.at
            )
            keep_note(
                connection,
                wanted.account_id,
                charge,
                plan=wanted.plan,
                period=period,
                anchor=calendar.anchor,
                time_zone=calendar.time_zone,
            )
        return PeriodCharge(period, charge, self._pay_at(wanted, period), calendar)

    def _calendar(self, wanted: NextPeriod) -> Calendar:
        """Return the calendar that was asked for, or one of the customer's new time zone.

        That one is counted from where the running period ends, which is where it takes over.
        """
        with self._context.engine.connect() as connection:
            zone = accounts.details_of(connection, wanted.account_id).time_zone
        if zone == wanted.time_zone:
            return Calendar(wanted.anchor, zone)
        return Calendar(first_anchor(wanted.plan, wanted.since, zone), zone)

    def _pay_at(self, wanted: NextPeriod, period: Window) -> datetime | None:
        """Spread renewals that are due at one instant: the processor takes only some a second.

        What is late already is paid at once.
        """
        spread = min(self._context.renewal_spread, (period.end - period.start) / MOST_SPREAD)
        if not spread or wanted.at >= period.start:
            return None
        return period.start + share_of(spread, wanted.subscription_id)

    @uninterrupted(name="open_period")
    def open_period(self, paid: PaidPeriod) -> Serving:
        """Begin a paid period: book the money, expire the old, grant the new, mail a receipt."""
        with self._context.engine.begin() as connection:
            resumed = begin_paid(connection, paid)
            now = _serving(connection, paid)
            desk = Desk(self._context, connection, paid.account_id, paid.subscription_id)
            tell_period(desk, paid, now, resumed=resumed)
        return now

    @uninterrupted(name="close_window")
    def close_window(self, moment: Moment) -> Serving:
        """Book what the finished window leaves; the next one was paid for with the period."""
        with self._context.engine.begin() as connection:
            grants.expire_due(connection, moment.account_id, moment.at)
            return _serving(connection, moment)

    @uninterrupted(name="end_subscription")
    def end(self, moment: Moment) -> None:
        """End the subscription: expire what is due and freeze what never expires."""
        with self._context.engine.begin() as connection:
            accounts.end(connection, moment.account_id, moment.at)
            # Only after the end: nothing may roll over any more.
            grants.expire_due(connection, moment.account_id, moment.at)
            subscriptions.write(connection, moment.subscription_id, moment.at, status=Status.ENDED)

    @uninterrupted(name="schedule_cancel")
    def schedule_cancel(self, ending: Ending) -> LeftBehind:
        """Store that the subscription ends, and mail what is lost and what is kept."""
        moment = ending.moment
        with self._context.engine.begin() as connection:
            accounts.lock(connection, moment.account_id, moment.at)
            left = balances.left_behind(connection, moment.account_id, moment.at)
            if ending.preview:
                return left
            subscriptions.write(
                connection,
                moment.subscription_id,
                moment.at,
                cancel_at_end=True,
                status=Status.CANCELED,
                next_plan=None,
            )
            keep(
                connection,
                account_id=moment.account_id,
                at=moment.at,
                keyed=ending.keyed,
                more=left.told(),
            )
            plan = moment.plan
            mine = [one for one in left.credits if one.credit_type == plan.credit_type]
            desk = Desk(self._context, connection, moment.account_id, moment.subscription_id)
            desk.post(
                # Taken back and said again, it is told again.
                f"canceled:{ending.effective_at.isoformat()}/{moment.at.isoformat()}",
                Canceled(
                    reader=desk.reader(plan),
                    requested_at=moment.at,
                    effective_at=ending.effective_at,
                    lost_micro=sum(one.lost_micro for one in mine),
                    frozen_micro=sum(one.kept_micro for one in mine),
                    currency=plan.currency,
                    unpaid_minor=charges.given_up_on(
                        connection, moment.account_id, moment.subscription_id, moment.at
                    ),
                    lost_also=desk.others(
                        plan, [(one.credit_type, one.lost_micro) for one in left.credits]
                    ),
                    frozen_also=desk.others(
                        plan, [(one.credit_type, one.kept_micro) for one in left.credits]
                    ),
                ),
            )
        return left


def _serving(connection: Connection, moment: Moment | PaidPeriod) -> Serving:
    if moment.period is None:
        raise LookupError(f"subscription {moment.subscription_id} has not begun")
    return serving(
        connection,
        account_id=moment.account_id,
        subscription_id=moment.subscription_id,
        plan=moment.plan,
        calendar=Calendar(moment.anchor, moment.time_zone),
        period=moment.period,
        at=moment.at,
    )

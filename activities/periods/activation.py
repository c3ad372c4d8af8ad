"""How a subscription begins: new, or from its rows if its workflow was lost."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from activities.periods.discounts import next_price, redeem_for_plan
from activities.periods.recovery import open_charges, restored
from domain.errors import InvalidInput
from domain.payments.taxes import PRICE_CHANGED, is_as_shown
from domain.periods import Window, checked_zone
from domain.plan_calendar import (
    TRIAL,
    first_anchor,
    period_at,
    period_price,
    period_stretch,
    trial_period,
)
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.discounts import CouponFor
from domain.pricing.in_currency import currencies_of, plan_in
from domain.pricing.promotions import CodeWanted, LookedUp, Periods, Redeemer, is_asked
from domain.subscription import OpenCharge, Start
from domain.subscription_state import SubscriptionState
from gateways.letter_formats import Formats
from ledger import accounts, checkpoints, starts, subscriptions
from ledger.accounts import CustomerDetails
from ledger.subscriptions import StoredSubscription


@dataclass(frozen=True, slots=True)
class Beginning:
    """A subscription that begins at one instant and was decided at another.

    `looked_up` is what the processor said about its coupon; None: it was not asked.
    """

    start: Start
    begins_at: datetime
    at: datetime
    looked_up: LookedUp | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The account, plan version and clocks that a subscription runs on.

    `trial` is its first period if it has one. `restored` is the state of a subscription whose first
    period had already begun when its workflow was lost.
    """

    account_id: int
    plan: Plan
    time_zone: str
    begun_at: datetime
    anchor: datetime
    trial: Window | None = None
    renewals_dropped: int = 0
    restored: SubscriptionState | None = None
    charges: tuple[OpenCharge, ...] = ()  # of a first period whose workflow was lost
    lapsed: bool = False  # the first charge was declined, and its period is over
    payer: str = ""  # the processor's id of the customer, if it has one


def begin(catalog: Catalog, connection: Connection, beginning: Beginning) -> Begun:
    """Create customer, wallet and a pending subscription, or return it if it exists.

    Raises `unknown_plan`, `unknown_currency`, `other_currency`, `unknown_time_zone`,
    `unknown_locale`, `already_subscribed`, `subscription_ended`, why its coupon cannot be had, and
    `price_changed` where its first charge is not what the customer was shown.
    """
    start = beginning.start
    paid_in = starts.paid_in(connection, start.customer_id)
    plan = plan_in(catalog, start.plan_id, currency=start.currency or _usual(catalog, paid_in))
    zone = start.time_zone or catalog.time_zone
    checked_zone(zone)
    Formats.of(start.locale, zone)  # refuse a locale that no mail can be written in
    customer = CustomerDetails(
        customer_id=start.customer_id,
        name=start.name,
        email=start.email,
        locale=start.locale,
        time_zone=zone,
    )
    account_id = accounts.open_wallet(connection, customer, plan.currency)
    accounts.lock(connection, account_id, beginning.at)
    repeated = starts.is_live(connection, start.subscription_id)  # or its workflow was lost
    if repeated:
        moved_to = accounts.details_of(connection, account_id).time_zone
        customer = replace(customer, time_zone=moved_to)
    elif paid_in not in (None, plan.currency):
        raise InvalidInput("other_currency", f"{start.customer_id!a:.60} has paid in {paid_in}")
    accounts.describe(connection, customer)
    trial = trial_period(plan, beginning.begins_at, zone)
    if trial is not None and subscriptions.had_trial(connection, account_id):
        trial = None
    subscriptions.create(
        connection,
        start.subscription_id,
        account_id,
        plan,
        begins_at=beginning.begins_at,
        anchor=first_anchor(plan, trial.end if trial else beginning.begins_at, zone),
        trial_ends_at=trial.end if trial else None,
        time_zone=zone,
        at=beginning.at,
    )
    if start.coupon and not repeated:
        begins = trial.end if trial else beginning.begins_at
        anchor = first_anchor(plan, begins, zone)
        periods = Periods(plan.interval, begins, anchor, zone)
        _redeem(connection, catalog, beginning, account_id=account_id, plan=plan, periods=periods)
    stored = subscriptions.stored(connection, start.subscription_id)
    begun = _begun(connection, start, stored, beginning.at)
    if not repeated:
        _require_as_shown(connection, start, begun)
    return replace(begun, payer=accounts.details_of(connection, account_id).payer or "")


def _redeem(
    connection: Connection,
    catalog: Catalog,
    beginning: Beginning,
    *,
    account_id: int,
    plan: Plan,
    periods: Periods,
) -> None:
    """Keep the coupon of a start with its subscription. Raises `InvalidInput`."""
    start = beginning.start
    redeem_for_plan(
        connection,
        catalog,
        (account_id, start.subscription_id),
        plan=plan,
        code=start.coupon or "",
        looked_up=beginning.looked_up,
        who=Redeemer(
            sold=CouponFor.PLANS,
            price_minor=plan.price_minor,
            currency=plan.currency,
            payer=accounts.details_of(connection, account_id).payer or "",
            at=beginning.at,
            periods=periods,
        ),
    )


def _require_as_shown(connection: Connection, start: Start, begun: Begun) -> None:
    """Refuse to begin at another price than the customer was shown (`price_changed`).

    Tax that is added comes to it: only the processor knows how much.
    """
    price, plan = 0, begun.plan
    if begun.trial is None:
        since, anchor, zone = begun.begun_at, begun.anchor, begun.time_zone
        period = period_at(plan=plan, anchor=anchor, zone=zone, at=since, since=since)
        whole = period_price(plan, period_stretch(plan, anchor, zone, period))
        named = (begun.account_id, start.subscription_id)
        price = next_price(connection, *named, whole, plan.currency)
    if not is_as_shown(price, plan.tax, start.expected_minor):
        shown = f"{start.expected_minor} was shown, and the price is {price}"
        raise InvalidInput(PRICE_CHANGED, f"{plan.plan_id}: {shown}, in minor units")


def code_to_ask(catalog: Catalog, connection: Connection, start: Start) -> CodeWanted | None:
    """Return what the processor is asked about a start's coupon first; None: it is not.

    A repeated start keeps what the first was promised.
    """
    code = start.coupon or ""
    if not is_asked(catalog.coupons, catalog.door, code):
        return None
    if starts.is_live(connection, start.subscription_id):
        return None
    return CodeWanted(code, starts.payer_of(connection, start.customer_id))


def _usual(catalog: Catalog, paid_in: str | None) -> str:
    """Return the currency of a customer who chooses none; "": the price list's first."""
    return paid_in if paid_in in currencies_of(catalog) else ""


def _begun(connection: Connection, start: Start, stored: StoredSubscription, at: datetime) -> Begun:
    """Return an existing subscription: what a repeat, or a lost workflow, goes on with."""
    plan: Plan = value_to_type(Plan, stored.plan)
    begun = Begun(
        account_id=stored.account_id,
        plan=plan,
        time_zone=stored.time_zone,
        begun_at=stored.begins_at,
        anchor=stored.anchor,
        renewals_dropped=checkpoints.void_renewals(
            connection, stored.account_id, stored.subscription_id
        ),
    )
    if stored.period_start is None or stored.period_end is None:
        if stored.trial_ends_at is None:
            return _unpaid(connection, start, stored, begun)
        return replace(begun, trial=Window(TRIAL, stored.begins_at, stored.trial_ends_at))
    return replace(
        begun, restored=restored(connection, start=start, stored=stored, plan=plan, at=at)
    )


def _unpaid(
    connection: Connection, start: Start, stored: StoredSubscription, begun: Begun
) -> Begun:
    """Return a subscription whose first period is unpaid, with its open charges."""
    state = SubscriptionState(start, account_id=begun.account_id, plan=begun.plan)
    unpaid = checkpoints.unpaid_period(connection, begun.account_id, stored.subscription_id)
    return replace(begun, charges=open_charges(connection, state), lapsed=unpaid is not None)

"""A new period in place of the running one costs its price less what is unused of the old."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.plan_calendar import TRIAL, period_price, restarted, window_at
from domain.pricing.policies import UpgradeMode
from domain.pricing.proration import ChangeKind, ExtraCredits, is_upgrade, quote_change
from domain.pricing.restarts import Restart, Unused, granted_now, quote_restart, restarts

CATALOGS = Path(__file__).parents[2] / "catalogs"
PLANS = [
    *read_catalog(CATALOGS / "make.yaml").plans,
    *read_catalog(CATALOGS / "salestools.yaml").plans,
    *read_catalog(CATALOGS / "examples" / "fair_upgrades.yaml").plans,
]
FAIR = read_catalog(CATALOGS / "examples" / "fair_upgrades.yaml")
BEGAN = datetime(2027, 6, 1, tzinfo=UTC)
plans = st.sampled_from([plan for plan in PLANS if plan.paid])
upgrades = st.sampled_from(
    [(old, new) for old in PLANS for new in PLANS if old.paid and is_upgrade(old, new)]
)
shares = st.integers(0, 999_999)
costs = st.integers(0, 10**6)


def restart(old, new, at, unused):
    _, running = restarted(old, BEGAN, "UTC")
    calendar, begins = restarted(new, at, "UTC")
    window = window_at(new, calendar.anchor, "UTC", begins.part, at)
    return Restart(running, begins, window, unused)


def instant(plan, share):
    """Return an instant of the period that began in June."""
    period = restarted(plan, BEGAN, "UTC")[1].part
    return period.start + (period.end - period.start) * share // 1_000_000


def all_of(plan):
    """Return all of a period's credits, unused."""
    allowances = [ExtraCredits(one.credit_type, one.quantity_micro) for one in plan.allowances]
    return Unused(tuple(allowances), tuple(allowances), plan.price_minor)


@given(plans, plans, shares, costs)
def test_it_costs_the_new_price_less_what_is_unused_of_the_old_or_is_refused(old, new, share, cost):
    at = instant(old, share)
    wanted = restart(old, new, at, replace(all_of(old), cost_minor=cost))
    of_time = wanted.running.rest(at).price(old.price_minor, old.currency)
    price = period_price(new, wanted.begins)
    if price < min(of_time, cost) and not is_upgrade(old, new):
        with pytest.raises(InvalidInput, match="worth more"):
            quote_restart(old, new, wanted, at)
        return
    quote = quote_restart(old, new, wanted, at)
    assert quote.unused_minor == min(of_time, cost)
    assert quote.difference_minor == max(0, price - quote.unused_minor)
    assert quote.waived == (0 < quote.difference_minor < 50)
    assert quote.amount_minor == (0 if quote.waived else quote.difference_minor)
    assert quote.restarts == wanted.begins.part
    assert quote.restarts.start == at


@given(plans, plans, shares)
def test_who_has_nothing_left_pays_the_whole_price(old, new, share):
    at = instant(old, share)
    wanted = restart(old, new, at, Unused((), (), 0))
    quote = quote_restart(old, new, wanted, at)
    assert quote.unused_minor == 0
    assert quote.difference_minor == period_price(new, wanted.begins)


@given(plans, plans, st.booleans())
def test_only_a_paid_plan_begins_a_new_period_and_never_in_a_trial(old, new, at_once):
    assert not restarts(old, new, TRIAL, at_once=at_once)
    assert not restarts(old, replace(new, price_minor=0), 0, at_once=at_once)
    begins = restarts(old, new, 0, at_once=at_once)
    same_clocks = (old.interval, old.window) == (new.interval, new.window)
    assert begins == (
        (new.upgrade is UpgradeMode.RESTART and is_upgrade(old, new)) if same_clocks else at_once
    )


def test_professional_to_a_year_in_the_middle_of_june_is_1_019_70():
    sales = read_catalog(CATALOGS / "salestools.yaml")
    old, new = sales.plan("professional"), sales.plan("professional_yearly")
    at = datetime(2027, 6, 16, tzinfo=UTC)
    quote = quote_restart(old, new, restart(old, new, at, all_of(old)), at)
    assert (quote.unused_minor, quote.amount_minor) == (4950, 101_970)
    assert quote.restarts.end == datetime(2028, 6, 16, tzinfo=UTC)


@given(st.integers(0, 50_000), st.integers(0, 50_000), st.booleans())
def test_what_was_used_before_the_money_came_counts_in_the_new_period(then, now, late):
    old, new = FAIR.plan("team"), FAIR.plan("company_anew")
    quote = quote_restart(old, new, restart(old, new, BEGAN, left_of(then)), BEGAN)

    (given_now,) = granted_now(quote, left_of(now), late=late)

    used = then if late else max(0, then - now)
    assert given_now.quantity_micro == max(1, 40_000 * MICRO - used)
    assert granted_now(quote, left_of(then), late=False) == quote.extra


def left_of(micro):
    """Return so many micro-credits left, in windows of which the present one has none."""
    return Unused((), (ExtraCredits("credits", micro),), 8_000)


@given(shares)
def test_prorated_credits_cost_what_they_cost_a_whole_period(share):
    old, new = FAIR.plan("team"), FAIR.plan("company")
    _, running = restarted(old, BEGAN, "UTC")
    at = instant(old, share)
    quote = quote_change(old, new, period=running.part, at=at, window=running)

    assert quote.kind is ChangeKind.UPGRADE
    gained = sum(one.quantity_micro for one in quote.extra)
    # 32,000 credits for $320.00: one credit for one cent, to the nearest cent.
    assert abs(gained - quote.difference_minor * MICRO) <= MICRO // 2


def test_the_farm_of_forty_minutes_gains_nothing_worth_a_cent():
    old, new = FAIR.plan("team"), FAIR.plan("company")
    _, running = restarted(old, BEGAN, "UTC")
    at = running.part.end - timedelta(minutes=40)
    farmed = quote_change(
        old, replace(new, upgrade=UpgradeMode.PRORATE), period=running.part, at=at, window=running
    )
    fair = quote_change(old, new, period=running.part, at=at, window=running)
    assert (farmed.amount_minor, farmed.extra[0].quantity_micro) == (0, 32_000 * MICRO)
    assert (fair.amount_minor, fair.extra[0].quantity_micro) == (0, 29_629_630)


@pytest.mark.parametrize(
    ("name", "gives"),
    [
        *((name, {UpgradeMode.PRORATE}) for name in ("make", "salestools", "scalenut", "zaplify")),
        ("schematic", {UpgradeMode.PRORATE, UpgradeMode.PRORATE_CREDITS}),
    ],
)
def test_every_shipped_list_says_what_an_upgrade_gives(name, gives):
    plans = read_catalog(CATALOGS / f"{name}.yaml").plans
    assert {plan.upgrade for plan in plans} == gives


@given(upgrades, shares, st.integers(0, 10**6))
def test_only_what_was_paid_with_a_coupon_is_taken_off(upgrade, share, discount):
    old, new = upgrade
    at = instant(old, share)
    whole = restart(old, new, at, all_of(old))
    less = replace(whole, unused=replace(whole.unused, discount_minor=discount))
    paid = max(0, old.price_minor - discount)
    unused = quote_restart(old, new, less, at).unused_minor
    assert unused <= paid
    assert unused <= quote_restart(old, new, whole, at).unused_minor

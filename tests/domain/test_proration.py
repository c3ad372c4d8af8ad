"""A plan change costs the rest of the period, and its preview says the same."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.money import half_up
from domain.periods import Interval, Unit, Window, window
from domain.pricing.catalog import Allowance, Plan
from domain.pricing.proration import (
    ChangeKind,
    is_upgrade,
    quote_change,
    quote_version,
    upgrade_price,
)

ANCHOR = datetime(2027, 1, 31, 10, tzinfo=UTC)
PERIOD = window(ANCHOR, "Europe/Berlin", Interval(Unit.MONTH), 0)
MAKE = read_catalog(Path(__file__).parents[2] / "catalogs" / "make.yaml")
TIERS = [plan for plan in MAKE.plans if plan.interval == plan.window == Interval(Unit.MONTH)]

tiers = st.sampled_from(TIERS)
plans = st.sampled_from(MAKE.plans)
moments = st.timedeltas(timedelta(), PERIOD.end - PERIOD.start - timedelta(microseconds=1)).map(
    lambda passed: PERIOD.start + passed
)


def core(thousands):
    return MAKE.plan(f"core_{thousands}k")


@given(tiers, tiers, moments)
def test_an_upgrade_costs_at_most_the_difference_and_less_the_later_it_is(old, new, at):
    difference = new.price_minor - old.price_minor
    later = at + (PERIOD.end - at) / 2

    price = upgrade_price(old.price_minor, new.price_minor, PERIOD, at, currency="USD")

    assert abs(price) <= abs(difference)
    assert abs(
        upgrade_price(old.price_minor, new.price_minor, PERIOD, later, currency="USD")
    ) <= abs(price)
    assert upgrade_price(new.price_minor, old.price_minor, PERIOD, at, currency="USD") == -price


def test_an_upgrade_is_priced_by_exact_time():
    period = Window(0, ANCHOR, ANCHOR + timedelta(days=30))

    assert upgrade_price(900, 7200, period, period.start, currency="USD") == 6300
    assert upgrade_price(900, 7200, period, ANCHOR + timedelta(days=15), currency="USD") == 3150
    assert upgrade_price(
        900, 7200, period, ANCHOR + timedelta(days=29, hours=23), currency="USD"
    ) == half_up(6300, 720)
    assert (
        upgrade_price(900, 7200, period, period.end - timedelta(microseconds=1), currency="USD")
        == 0
    )


@pytest.mark.parametrize("at", [PERIOD.end, PERIOD.start - timedelta(seconds=1)])
def test_a_change_outside_its_period_is_refused(at):
    with pytest.raises(InvalidInput) as refusal:
        upgrade_price(900, 2900, PERIOD, at, currency="USD")

    assert refusal.value.reason == "outside_period"


@given(plans, plans)
def test_no_two_plans_are_upgrades_of_each_other(one, other):
    assert not (is_upgrade(one, other) and is_upgrade(other, one))


@given(plans, plans, moments)
def test_only_an_upgrade_takes_effect_now_and_costs_something(old, new, at):
    quote = quote_change(old, new, period=PERIOD, at=at)

    if quote.kind is ChangeKind.UPGRADE:
        assert quote.effective_at == at
        assert quote.amount_minor == (0 if quote.waived else quote.difference_minor)
    else:
        assert (quote.amount_minor, quote.difference_minor, quote.waived) == (0, 0, False)
        assert quote.extra == ()
        assert quote.effective_at == (at if quote.kind is ChangeKind.NONE else PERIOD.end)


@given(tiers, tiers, moments)
def test_an_upgrade_is_waived_exactly_when_the_processor_could_not_charge_it(old, new, at):
    quote = quote_change(old, new, period=PERIOD, at=at)

    assert quote.waived == (0 < quote.difference_minor < 50)
    assert quote.amount_minor == 0 or quote.amount_minor >= 50
    assert (quote.why == "below_minimum") == quote.waived


@given(tiers, tiers, moments)
def test_an_upgrade_adds_the_difference_of_the_allowances(old, new, at):
    quote = quote_change(old, new, period=PERIOD, at=at)

    if quote.kind is ChangeKind.UPGRADE:
        before, now = old.allowance_micro("credits"), new.allowance_micro("credits")
        assert [each.quantity_micro for each in quote.extra] == [now - before]


def test_m04_an_upgrade_raises_the_cap_to_the_new_allowance():
    quote = quote_change(core(10), core(80), period=PERIOD, at=PERIOD.start)

    assert quote.kind is ChangeKind.UPGRADE
    assert (quote.amount_minor, quote.price_minor) == (6300, 7200)
    assert quote.cap_micro == 80_000 * MICRO
    assert [each.quantity_micro for each in quote.extra] == [70_000 * MICRO]


def test_a_downgrade_waits_for_the_next_period():
    quote = quote_change(core(80), core(10), period=PERIOD, at=ANCHOR)

    assert (quote.kind, quote.why) == (ChangeKind.DOWNGRADE, "next_period")
    assert (quote.price_minor, quote.cap_micro) == (900, 10_000 * MICRO)


def test_the_same_plan_is_no_change_but_another_version_is():
    plan = core(10)
    larger = larger_version(plan, price_minor=1000)

    assert quote_change(plan, plan, period=PERIOD, at=ANCHOR).why == "same_plan"
    assert quote_change(plan, larger, period=PERIOD, at=ANCHOR).kind is ChangeKind.UPGRADE


@pytest.mark.parametrize("now", [True, False])
def test_a_version_that_was_rated_anew_is_not_the_one_that_was_sold(now):
    plan = core(10)
    anew = replace(plan, allowances=(Allowance("credits", 15_000 * MICRO),))

    quote = quote_version(plan, anew, period=PERIOD, at=ANCHOR, now=now)

    assert (quote.why, quote.plan_version) == ("new_version", plan.version)
    assert [one.quantity_micro for one in quote.extra] == ([5_000 * MICRO] if now else [])
    renamed = replace(plan, name="Another name")
    assert quote_version(plan, renamed, period=PERIOD, at=ANCHOR, now=now).why == "same_plan"


def test_a_dearer_plan_that_includes_no_more_waits_for_the_next_period():
    plan = core(10)
    dearer = replace(plan, version=2, price_minor=1000)

    quote = quote_change(plan, dearer, period=PERIOD, at=ANCHOR)

    assert (quote.kind, quote.amount_minor) == (ChangeKind.DOWNGRADE, 0)


def test_another_billing_interval_waits_for_the_next_period():
    yearly = MAKE.plan("core_10k_yearly")

    assert quote_change(core(10), yearly, period=PERIOD, at=ANCHOR).kind is ChangeKind.DOWNGRADE


def test_at_an_equal_price_more_credits_are_an_upgrade_without_a_charge():
    plan = core(10)
    more = replace(plan, version=2, allowances=(Allowance("credits", 12_000 * MICRO),))

    quote = quote_change(plan, more, period=PERIOD, at=ANCHOR)

    assert (quote.kind, quote.amount_minor, quote.waived) == (ChangeKind.UPGRADE, 0, False)
    assert quote_change(more, plan, period=PERIOD, at=ANCHOR).kind is ChangeKind.DOWNGRADE


def test_a_plan_without_auto_purchase_has_no_cap():
    assert quote_change(core(10), MAKE.plan("free"), period=PERIOD, at=ANCHOR).cap_micro == 0


def test_a_plan_in_another_currency_is_refused():
    with pytest.raises(InvalidInput) as refusal:
        quote_change(core(10), replace(core(40), currency="EUR"), period=PERIOD, at=ANCHOR)

    assert refusal.value.reason == "not_in_plan"


def larger_version(plan: Plan, *, price_minor: int) -> Plan:
    """Return a version that includes a fifth more credits."""
    more = (Allowance("credits", 12_000 * MICRO),)
    return replace(plan, version=2, price_minor=price_minor, allowances=more)


@pytest.mark.parametrize(("more", "waived"), [(49, True), (50, False)])
def test_the_least_charge_itself_is_charged(more, waived):
    plan = core(10)
    larger = larger_version(plan, price_minor=plan.price_minor + more)

    quote = quote_change(plan, larger, period=PERIOD, at=PERIOD.start)

    assert (quote.waived, quote.amount_minor) == (waived, 0 if waived else more)


def test_a_cheaper_plan_is_no_upgrade_whatever_it_includes():
    plan = core(10)
    generous = replace(core(80), price_minor=plan.price_minor - 1)

    assert not is_upgrade(plan, generous)


def test_at_an_equal_price_a_mere_exchange_of_credits_is_no_upgrade():
    some = replace(core(10), version=2, allowances=(Allowance("credits", 2), Allowance("quota", 1)))
    other = replace(some, version=3, allowances=(Allowance("credits", 1), Allowance("quota", 2)))

    assert not is_upgrade(some, other)
    assert not is_upgrade(other, some)

"""Money is rounded once, splits sum to the whole, and the processor's tables are followed."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.money import (
    Ratio,
    allocate,
    credits_price,
    format_money,
    half_up,
    minimum_charge_minor,
    minor_exponent,
    recognised,
    surcharged,
)

MAKE_UNIT = Ratio(900, 10_000 * MICRO)  # $9 for 10,000 credits
THIRTY_PERCENT = Ratio(30, 1)

amounts = st.integers(-(10**12), 10**12)
ratios = st.builds(Ratio, st.integers(0, 10**6), st.integers(1, 10**12))
quantities = st.integers(0, 10**15)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=20).filter(any)


@given(amounts, st.integers(1, 10**9))
def test_half_up_is_the_nearest_integer(numerator, denominator):
    rounded = half_up(numerator, denominator)

    assert 2 * abs(rounded * denominator - numerator) <= denominator
    assert half_up(-numerator, denominator) == -rounded


@given(st.integers(-(10**6), 10**6))
def test_halves_go_away_from_zero(tenths):
    expected = (Decimal(tenths) / 10).quantize(Decimal(1), ROUND_HALF_UP)

    assert half_up(tenths, 10) == expected


@given(ratios, st.integers(1, 1000))
def test_equal_ratios_are_equal_values(ratio, factor):
    assert Ratio(ratio.num * factor, ratio.den * factor) == ratio


@pytest.mark.parametrize(
    ("quantity", "minor"), [(1_000, 90), (10_000, 900), (3_000, 270), (5_000, 450)]
)
def test_m07_credits_by_hand_cost_the_plans_own_price(quantity, minor):
    assert credits_price(quantity * MICRO, MAKE_UNIT, "USD") == minor


def test_m04_an_auto_purchase_costs_thirty_percent_more():
    assert surcharged(10_000 * MICRO, MAKE_UNIT, THIRTY_PERCENT, "USD") == (900, 270)


def test_m04_eight_purchases_and_the_plan_make_165_60():
    unit = Ratio(7200, 80_000 * MICRO)

    assert 7200 + 8 * sum(surcharged(10_000 * MICRO, unit, THIRTY_PERCENT, "USD")) == 16560


def test_m04_ten_thousand_at_nine_dollars_make_23_40_for_23_000():
    by_hand = credits_price(3_000 * MICRO, MAKE_UNIT, "USD")
    auto = sum(surcharged(10_000 * MICRO, MAKE_UNIT, THIRTY_PERCENT, "USD"))

    assert (by_hand, auto, 900 + by_hand + auto) == (270, 1170, 2340)


@given(quantities, ratios, ratios)
def test_a_surcharged_total_is_rounded_once(quantity, unit, percent):
    base, surcharge = surcharged(quantity, unit, percent, "USD")
    exact_num = quantity * unit.num * (100 * percent.den + percent.num)

    assert base == credits_price(quantity, unit, "USD")
    assert base + surcharge == half_up(exact_num, unit.den * 100 * percent.den)
    assert surcharge >= 0


def test_two_roundings_would_be_a_cent_off():
    base, surcharge = surcharged(50 * MICRO, Ratio(1, 100 * MICRO), THIRTY_PERCENT, "USD")

    assert (base, surcharge) == (1, 0)  # 0.5 → 1 and 0.65 → 1; apart they were 1 + 0.15


@given(amounts, weights)
def test_shares_sum_to_the_whole(total, parts):
    assert sum(allocate(total, parts)) == total


@given(amounts, weights)
def test_a_share_is_less_than_one_unit_from_exact(total, parts):
    whole = sum(parts)

    for share, weight in zip(allocate(total, parts), parts, strict=True):
        assert abs(share * whole - total * weight) < whole


@given(amounts, weights)
def test_a_share_of_no_weight_is_nothing_and_debts_mirror_credits(total, parts):
    shares = allocate(total, parts)

    assert all(share == 0 for share, weight in zip(shares, parts, strict=True) if weight == 0)
    assert allocate(-total, parts) == tuple(-share for share in shares)


def test_a_year_splits_into_twelve_shares():
    assert allocate(10800, [1] * 12) == (900,) * 12
    assert allocate(100, [1, 1, 1]) == (34, 33, 33)


@pytest.mark.parametrize("parts", [[], [0], [0, 0], [1, -1], [3, -1]])
def test_shares_without_weight_are_refused(parts):
    with pytest.raises(InvalidInput) as refusal:
        allocate(1, parts)

    assert refusal.value.reason == "invalid_weights"


def test_m16_revenue_and_breakage_of_an_auto_purchase():
    revenue = recognised(1170, 4_000 * MICRO, 10_000 * MICRO)

    assert revenue == 468
    assert 1170 - revenue == 702


@given(st.integers(0, 10**9), st.integers(1, 10**12), st.data())
def test_revenue_in_steps_sums_to_the_cost(cost, granted, data):
    steps = sorted(data.draw(st.lists(st.integers(0, granted), max_size=10)))
    totals = [recognised(cost, used, granted) for used in (0, *steps, granted)]

    assert totals == sorted(totals)
    assert (totals[0], totals[-1]) == (0, cost)


@pytest.mark.parametrize(("used", "granted"), [(-1, 10), (11, 10), (0, 0)])
def test_revenue_of_impossible_use_is_refused(used, granted):
    with pytest.raises(InvalidInput) as refusal:
        recognised(100, used, granted)

    assert refusal.value.reason == "invalid_use"


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [("USD", 2), ("JPY", 0), ("KRW", 0), ("ISK", 2), ("UGX", 2), ("HUF", 2), ("KWD", 3)],
)
def test_the_processors_exponents_are_used(currency, exponent):
    assert minor_exponent(currency) == exponent


@pytest.mark.parametrize(
    ("currency", "minor"),
    [("USD", 50), ("GBP", 30), ("DKK", 250), ("HUF", 17500), ("JPY", 50), ("CZK", 1500)],
)
def test_the_processors_least_charges_are_used(currency, minor):
    assert minimum_charge_minor(currency) == minor


@pytest.mark.parametrize("ask", [minor_exponent, minimum_charge_minor])
@pytest.mark.parametrize("currency", ["XXX", "usd", "", "US$"])
def test_an_unknown_currency_is_refused(ask, currency):
    with pytest.raises(InvalidInput) as refusal:
        ask(currency)

    assert refusal.value.reason == "unknown_currency"


@pytest.mark.parametrize(
    "make", [lambda: Ratio(1, 0), lambda: Ratio(-1, 2), lambda: Ratio(1, -2), lambda: half_up(1, 0)]
)
def test_a_fraction_that_is_none_is_refused(make):
    with pytest.raises(InvalidInput) as refusal:
        make()

    assert refusal.value.reason == "invalid_ratio"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (1170, "USD", "$11.70"),
        (-5, "EUR", "-€0.05"),
        (123_456_789, "CAD", "CAD 1,234,567.89"),
        (500, "JPY", "¥500"),
        (1005, "KWD", "KWD 1.005"),
    ],
)
def test_money_is_written_with_the_currency_s_own_decimals(amount_minor, currency, text):
    assert format_money(amount_minor, currency) == text


@given(amounts, st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_written_for_people_loses_nothing(amount_minor, currency):
    digits = "".join(sign for sign in format_money(amount_minor, currency) if sign in "-0123456789")

    assert int(digits) == amount_minor

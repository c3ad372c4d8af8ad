"""Rates are exact: many small debits sum to one large one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits import MICRO, MOST, parse_credits
from domain.errors import InvalidInput
from domain.money import Ratio
from domain.pricing.rates import Rate, Rounding, cost

quantities = st.integers(1, 10**12)
rates = st.builds(Rate, st.integers(1, 10**5), st.integers(1, 10**12))
started = st.builds(
    Rate, st.integers(1, 10**5), st.integers(1, 10**12), st.just(Rounding.STARTED_UNIT)
)
A_MINUTE = (10 * MICRO, 60 * MICRO)


@pytest.mark.parametrize(
    ("quantity", "rate", "expected"),
    [
        (12_345, Rate(1 * MICRO, 10_000 * MICRO), "1.2345"),
        (1_234, Rate(1 * MICRO, 1_000 * MICRO), "1.234"),
        (95, Rate(*A_MINUTE), "15.833333"),
        (95, Rate(*A_MINUTE, Rounding.STARTED_UNIT), "20"),
    ],
)
def test_m14_rates_of_every_shape(quantity, rate, expected):
    assert cost(quantity * MICRO, rate) == parse_credits(expected)


def test_m14_three_singles_at_a_third_sum_to_one():
    third = Rate(1 * MICRO, 3 * MICRO)

    singles = [cost(MICRO, third, used_before_micro=used * MICRO) for used in range(3)]

    assert singles == [333_333, 333_334, 333_333]


def test_m15_words_and_documents_cost_micro_dollars():
    word, document = Rate(parse_credits("0.002"), MICRO), Rate(2 * MICRO, MICRO)

    left = [10 * MICRO]
    for quantity, rate in ((1_000, word), (1, document), (1, word), (2_999, word)):
        left.append(left[-1] - cost(quantity * MICRO, rate))

    assert left[1:] == [parse_credits(text) for text in ("8", "6", "5.998", "0")]


@given(rates, st.lists(quantities, min_size=1, max_size=20))
def test_debits_sum_to_the_rounded_total(rate, parts):
    used, total = 0, 0
    for part in parts:
        total += cost(part, rate, used)
        used += part

    assert total == cost(used, rate)


@given(rates, quantities, quantities)
def test_a_debit_is_within_one_millionth_of_exact(rate, before, quantity):
    charged = cost(quantity, rate, before)

    assert abs(charged * rate.per_micro - quantity * rate.credits_micro) <= rate.per_micro
    assert charged >= 0


@given(started, quantities, quantities)
def test_started_units_are_counted_per_event(rate, before, quantity):
    charged = cost(quantity, rate, before)

    units, rest = divmod(charged, rate.credits_micro)
    assert rest == 0
    assert (units - 1) * rate.per_micro < quantity <= units * rate.per_micro


def test_a_rate_is_also_a_ratio():
    assert Rate(*A_MINUTE).ratio == Ratio(1, 6)


@pytest.mark.parametrize(("credits_micro", "per_micro"), [(0, 1), (1, 0), (-1, 1), (1, -1)])
def test_a_rate_of_nothing_is_refused(credits_micro, per_micro):
    with pytest.raises(InvalidInput) as refusal:
        Rate(credits_micro, per_micro)

    assert refusal.value.reason == "invalid_rate"


@pytest.mark.parametrize("rounding", list(Rounding))
def test_what_costs_more_than_a_wallet_holds_is_refused(rounding):
    dear = Rate(10 * MICRO, MICRO, rounding)
    assert cost(MOST * MICRO // 10, dear) == MOST * MICRO
    with pytest.raises(InvalidInput) as caught:
        cost(MOST * MICRO // 10 + 1, dear)
    assert caught.value.reason == "invalid_quantity"

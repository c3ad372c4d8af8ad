"""An order is bounded, and customers are as evenly spread as they are many."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.pricing.simulation import (
    MOST_CUSTOMERS,
    MOST_SOURCE,
    SimulationOrder,
    Tried,
    checked,
    volume_of,
)

ORDER = SimulationOrder(
    sides=(Tried("name: make", "core_10k"),),
    begins=date(2027, 1, 1),
    months=24,
    customers=5,
    shape="steady",
    seed=1,
)


def test_what_is_within_the_bounds_is_taken():
    assert checked(ORDER) == ORDER


@pytest.mark.parametrize(
    "beyond",
    [
        {"months": 0},
        {"months": 25},
        {"customers": 0},
        {"customers": 6},
        {"seed": 0},
        {"shape": "<script>"},
        {"volume_micro": 0},
        {"volume_micro": 10**16},
        {"sides": ()},
        {"sides": ORDER.sides * 3},
        {"sides": (Tried("x" * (MOST_SOURCE + 1), "core_10k"),)},
    ],
    ids=lambda beyond: next(iter(beyond)),
)
def test_what_is_beyond_is_refused(beyond):
    with pytest.raises(InvalidInput) as refused:
        checked(replace(ORDER, **beyond))
    assert refused.value.reason == "invalid_simulation"


@given(
    st.integers(min_value=1, max_value=10**15), st.integers(min_value=1, max_value=MOST_CUSTOMERS)
)
def test_customers_use_what_was_chosen_on_average(volume, customers):
    each = [volume_of(volume, number, customers) for number in range(customers)]
    assert each == sorted(each)
    assert volume * customers - customers < sum(each) <= volume * customers
    assert each[0] >= volume // 2

"""Bars of charts stand in their slots, side by side, as high as what they stand for."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from api.pages.bars import HIGH, LEAST, WIDE, height_of, place_of


@given(st.integers(1, 400), st.integers(1, 2))
def test_bars_follow_each_other_inside_the_picture(count, sides):
    ends = Decimal(0)
    for number in range(count):
        for side in range(sides):
            begins, wide = map(Decimal, place_of(number, count, side=side, sides=sides))
            assert begins >= ends
            assert wide > 0
            ends = begins + wide
    assert ends <= WIDE


@given(st.integers(-5, 10**18), st.integers(0, 10**18))
def test_a_bar_is_seen_as_soon_as_there_is_anything_and_ends_below_the_top(amount, most):
    high = height_of(amount, max(amount, most))
    assert LEAST <= high <= HIGH if amount > 0 else high == 0

"""Days to empty and the suggested pack: exact, on the cautious side, and never a surprise."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.pricing.catalog import Extras, Pack
from domain.pricing.forecast import LONG_DAYS, burn_rate, forecast

DAY = 10 * MICRO


def a_pack(amount: int, price_minor: int) -> Pack:
    return Pack(
        pack_id=f"pack_{amount}",
        name=f"{amount}",
        credit_type="credits",
        quantity_micro=amount * MICRO,
        price_minor=price_minor,
        expires=Extras.NEVER,
    )


SALESTOOLS = (a_pack(500, 2500), a_pack(1000, 4500), a_pack(2500, 10000), a_pack(5000, 17500))

burns_of_days = st.lists(st.integers(0, 10**12), max_size=60)
balances = st.integers(0, 10**13)
pack_lists = st.lists(st.builds(a_pack, st.integers(1, 10**6), st.integers(1, 10**6)), max_size=5)


def test_nothing_used_never_empties_and_suggests_nothing():
    assert forecast(5 * MICRO, [], SALESTOOLS) == forecast(5 * MICRO, [0] * 40, SALESTOOLS)
    assert forecast(0, [], SALESTOOLS).days_left is None
    assert forecast(0, [], SALESTOOLS).suggested is None


def test_a_steady_burn_lasts_what_is_left_divided_by_it():
    found = forecast(95 * MICRO, [DAY] * 30, SALESTOOLS)

    assert (found.days_left, found.per_day_micro) == (9, DAY)
    assert found.suggested == SALESTOOLS[0]  # 300 needed in 30 days, 205 missing


def test_the_busier_of_week_and_month_decides():
    busy_week = [0] * 23 + [DAY] * 7
    quiet_week = [DAY] * 23 + [0] * 7

    assert burn_rate(busy_week) == DAY
    assert burn_rate(quiet_week) == Fraction(DAY * 23, LONG_DAYS)
    assert burn_rate([*[10**15] * 10, *busy_week]) == DAY  # older days do not count


def test_the_cheapest_pack_that_is_enough_is_suggested_and_else_the_largest():
    offer = (a_pack(500, 2500), a_pack(600, 2400), a_pack(100, 900))

    assert forecast(0, [DAY] * 30, offer).suggested == offer[1]
    assert forecast(0, [100 * DAY] * 30, offer).suggested == offer[1]
    assert forecast(0, [DAY] * 30, offer, cover_days=10).suggested == offer[2]
    assert forecast(0, [DAY] * 30, ()).suggested is None


def test_credits_that_last_until_the_next_allowance_need_no_pack():
    assert forecast(5 * DAY, [DAY] * 30, SALESTOOLS, cover_days=5).suggested is None
    assert forecast(5 * DAY - 1, [DAY] * 30, SALESTOOLS, cover_days=5).suggested == SALESTOOLS[0]


def test_a_negative_burn_is_refused():
    with pytest.raises(InvalidInput, match="net out corrections"):
        forecast(0, [DAY, -1], ())


@given(available=balances, burns=burns_of_days, packs=pack_lists)
def test_the_days_left_are_covered_and_one_more_is_not(available, burns, packs):
    found = forecast(available, burns, packs)
    rate = burn_rate(burns)

    assert found.per_day_micro - 1 < rate <= found.per_day_micro
    if found.days_left is None:
        assert rate == 0
    else:
        assert found.days_left * rate <= available < (found.days_left + 1) * rate


@given(available=balances, burns=burns_of_days, packs=pack_lists, more=st.integers(1, 10**12))
def test_more_credits_never_empty_sooner_nor_ask_for_a_dearer_pack(available, burns, packs, more):
    less, with_more = (forecast(one, burns, packs) for one in (available, available + more))

    if less.days_left is not None:
        assert with_more.days_left >= less.days_left
    if less.suggested is None:
        assert with_more.suggested is None


@given(available=balances, burns=burns_of_days, packs=pack_lists)
def test_a_suggested_pack_covers_what_is_missing_where_any_does(available, burns, packs):
    found = forecast(available, burns, packs)
    missing = burn_rate(burns) * LONG_DAYS - available
    enough = [pack for pack in packs if pack.quantity_micro >= missing > 0]

    if enough:
        assert found.suggested in enough
        assert found.suggested.price_minor == min(pack.price_minor for pack in enough)
    assert (found.suggested is None) == (missing <= 0 or not packs)

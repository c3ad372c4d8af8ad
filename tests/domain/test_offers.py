"""The price of a purchase: by the tier it reaches, rounded once."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits import MICRO
from domain.money import Ratio
from domain.pricing.catalog import Extras, ManualPurchase, Pack
from domain.pricing.policies import Companion, VolumeTier
from domain.pricing.purchase_price import companion_micro, manual_price, pack_price, percent_off

TIERS = (VolumeTier(1_000 * MICRO, Ratio(10, 1)), VolumeTier(5_000 * MICRO, Ratio(25, 2)))
BLOCK = Pack(
    pack_id="block",
    name="Block",
    credit_type="credits",
    quantity_micro=500 * MICRO,
    price_minor=2_500,
    expires=Extras.NEVER,
    volume=TIERS,
)
BY_HAND = ManualPurchase(MICRO, Ratio(9, 100 * MICRO), volume=TIERS)


@st.composite
def tiers(draw):
    steps = draw(st.lists(st.integers(1, 10_000), unique=True, max_size=4))
    offs = draw(
        st.lists(st.integers(1, 9_999), unique=True, min_size=len(steps), max_size=len(steps))
    )
    return tuple(
        VolumeTier(step * MICRO, Ratio(off, 100))
        for step, off in zip(sorted(steps), sorted(offs), strict=True)
    )


@pytest.mark.parametrize(
    ("count", "minor"), [(1, 2_500), (2, 4_500), (9, 20_250), (10, 21_875), (100, 218_750)]
)
def test_a_discount_is_off_all_the_packs_from_its_tier_on(count, minor):
    assert pack_price(BLOCK, count, "USD").amount_minor == minor


@pytest.mark.parametrize(("count", "minor"), [(999, 90), (1_000, 81), (5_000, 394)])
def test_a_discount_is_off_all_credits_bought_by_hand_rounded_once(count, minor):
    assert manual_price(BY_HAND, count * MICRO, "USD").amount_minor == minor


@given(tiers(), st.integers(1, 20_000))
def test_the_highest_tier_that_is_reached_counts(volume, quantity):
    off = percent_off(volume, quantity * MICRO)

    reached = [tier for tier in volume if tier.from_micro <= quantity * MICRO]
    assert off == (
        max(reached, key=lambda tier: tier.from_micro).percent_off if reached else Ratio(0, 1)
    )


@given(tiers(), st.integers(1, 1_000), st.integers(1, 10**6))
def test_a_price_is_the_exact_one_rounded_half_up_and_never_above_the_undiscounted(
    volume, count, price_minor
):
    pack = Pack(
        pack_id="p",
        name="P",
        credit_type="credits",
        quantity_micro=7 * MICRO,
        price_minor=price_minor,
        expires=Extras.NEVER,
        volume=volume,
    )
    price = pack_price(pack, count, "USD")

    off = Fraction(price.percent_off.num, price.percent_off.den)
    exact = count * price_minor * (100 - off) / 100
    assert Fraction(-1, 2) <= exact - price.amount_minor < Fraction(1, 2)
    assert price.amount_minor <= count * price_minor


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_companions_come_in_proportion(quantity, per_credit):
    came = companion_micro(Companion("traffic", per_credit), quantity)

    assert abs(Fraction(quantity * per_credit, MICRO) - came) <= Fraction(1, 2)


def test_ten_thousand_credits_bring_five_gigabytes():
    bytes_each = Companion("data_transfer", 524_288 * MICRO)

    assert companion_micro(bytes_each, 10_000 * MICRO) == 5_242_880_000 * MICRO

"""What a coupon takes off is exact, never more than all of it, and never leaves too little."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.money import Ratio
from domain.payments.charges import Charge, ChargeKind, ChargeLine
from domain.pricing.discounts import Coupon, CouponFor, Discount, coupon_named, off, refusal

PACKS = (CouponFor.PACKS,)
LEAST = 50
ENDS = datetime(2027, 2, 1, tzinfo=UTC)
prices = st.integers(LEAST, 99_999_999)
percents = st.fractions(Fraction(1, 100), 100).map(lambda one: Ratio(*one.as_integer_ratio()))
shares = st.builds(
    Coupon,
    code=st.just("SHARE"),
    applies_to=st.just(PACKS),
    percent=percents,
    most_minor=st.none() | st.integers(1, 10_000),
)
amounts = st.builds(
    Coupon, code=st.just("AMOUNT"), applies_to=st.just(PACKS), amount_minor=st.integers(1, 10**8)
)


@given(coupon=shares | amounts, price=prices)
def test_what_is_left_can_be_charged_or_is_nothing(coupon, price):
    taken = off(coupon, price, "USD")

    assert 0 <= taken <= price
    assert price - taken == 0 or price - taken >= LEAST


@given(coupon=shares, price=prices)
def test_a_percentage_is_rounded_once_half_up_unless_too_little_is_left(coupon, price):
    left = price - Fraction(price * coupon.percent.num, 100 * coupon.percent.den)
    rounded = price - (2 * left + 1) // 2
    limited = min(rounded, coupon.most_minor or rounded)
    taken = off(coupon, price, "USD")

    assert taken == (price if limited and price - limited < LEAST else limited)


@given(coupon=amounts, price=prices)
def test_an_amount_is_taken_whole_or_as_much_of_it_as_there_is(coupon, price):
    taken = off(coupon, price, "USD")

    assert taken in (coupon.amount_minor, price)


@given(coupon=shares | amounts, price=prices)
def test_what_a_person_reads_sums_to_what_is_charged(coupon, price):
    taken = off(coupon, price, "USD")
    discount = Discount(coupon.code, taken)
    charge = Charge(
        charge_id="sub:pack:1",
        kind=ChargeKind.PACK,
        customer_id="acme",
        subscription_id="sub",
        payer="cus_1",
        currency="USD",
        lines=(ChargeLine(f"Basket{discount.remark}", price - taken),),
        discount=discount,
    )
    first, second = charge.itemised

    assert (first, second) == (
        ChargeLine("Basket", price),
        ChargeLine(f"Coupon {coupon.code}", -taken),
    )
    assert charge.amount_minor == price - taken


@pytest.mark.parametrize(
    ("coupon", "price", "taken"),
    [
        (Coupon("ALL", PACKS, percent=Ratio(100, 1)), 500, 500),
        (Coupon("ALL", PACKS, percent=Ratio(100, 1), most_minor=500), 1_500, 500),
        (Coupon("FIFTH", PACKS, percent=Ratio(20, 1)), 502, 100),
        (Coupon("FIFTH", PACKS, percent=Ratio(20, 1)), 503, 101),
        (Coupon("HALF", PACKS, percent=Ratio(25, 2)), 500, 62),  # 437.5 are left
        (Coupon("MOST", PACKS, percent=Ratio(90, 1)), 494, 494),  # 49 cents would be left
        (Coupon("MOST", PACKS, percent=Ratio(90, 1)), 499, 449),
        (Coupon("FIVE", PACKS, amount_minor=500), 500, 500),
        (Coupon("FIVE", PACKS, amount_minor=500), 549, 549),
        (Coupon("FIVE", PACKS, amount_minor=500), 550, 500),
        (Coupon("FIVE", PACKS, amount_minor=500), 90, 90),
        (Coupon("HAIR", PACKS, percent=Ratio(1, 10)), 50, 0),
    ],
)
def test_worked_numbers(coupon, price, taken):
    assert off(coupon, price, "USD") == taken


@given(
    coupon=shares,
    price=st.integers(20, 10**6).map(lambda tens: 10 * tens),
    currency=st.sampled_from(["KWD", "BHD"]),
)
def test_dinars_are_left_in_tens(coupon, price, currency):
    if coupon.most_minor is not None:
        coupon = replace(coupon, most_minor=10 * coupon.most_minor)
    left = price - off(coupon, price, currency)

    assert left % 10 == 0
    assert left == 0 or left >= 200


@pytest.mark.parametrize(("price", "left"), [(1_000, 800), (1_003, 802), (62, 50), (61, 0)])
def test_yen_are_whole(price, left):
    fifth = Coupon("FIFTH", PACKS, percent=Ratio(20, 1))

    assert price - off(fifth, price, "JPY") == left


def test_an_amount_is_of_its_own_currency():
    coupon = Coupon("FIVE", PACKS, amount_minor=500, currency="USD")

    assert refusal(coupon, CouponFor.PACKS, "USD", ENDS) is None
    assert refusal(coupon, CouponFor.PACKS, "EUR", ENDS) == "coupon_not_applicable"
    assert refusal(replace(coupon, currency=""), CouponFor.PACKS, "EUR", ENDS) is None


def test_it_counts_before_its_end_and_for_what_it_is_for():
    coupon = Coupon("JANUARY", PACKS, percent=Ratio(50, 1), until=ENDS)

    assert refusal(coupon, CouponFor.PACKS, "USD", ENDS - timedelta(microseconds=1)) is None
    assert refusal(coupon, CouponFor.PACKS, "USD", ENDS) == "coupon_expired"
    assert (
        refusal(coupon, CouponFor.MANUAL, "USD", ENDS - timedelta(days=1))
        == "coupon_not_applicable"
    )


def test_a_code_that_is_none_names_no_other():
    known = (Coupon("SECRET", PACKS, percent=Ratio(50, 1)),)

    assert coupon_named(known, "SECRET", "USD") is known[0]
    with pytest.raises(InvalidInput, match="NOBODY") as refused:
        coupon_named(known, "NOBODY", "USD")
    assert refused.value.reason == "unknown_coupon"
    assert "SECRET" not in str(refused.value)

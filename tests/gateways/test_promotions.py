"""Promotion codes, read from the processor exactly, and never as more than they promise."""

import copy
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import Ratio
from domain.pricing.promotions import PromotionCode
from gateways.payments import ProcessorUnavailable
from tests.gateways.generated import full, listed, processor, variations

SOON = 1_900_000_000


@pytest.fixture
def coupon(anywhere):
    def made(**fields):
        wanted = {"percent_off": 20} | fields
        if "amount_off" in fields:
            del wanted["percent_off"]
        return anywhere.client.coupons.create(wanted).id

    return made


@pytest.fixture
def code(anywhere, coupon):
    def made(coupon_id=None, **fields):
        spelt = anywhere.name("code").upper()
        promotion = {"type": "coupon", "coupon": coupon_id or coupon()}
        fields = {"code": spelt, "promotion": promotion} | fields
        return spelt, anywhere.client.promotion_codes.create(fields)

    return made


def read(anywhere, spelt, payer="cus_nobody"):
    return anywhere.payments.promotion(spelt, payer)


def test_a_percentage_is_read_exactly(anywhere, coupon, code):
    name = coupon(percent_off=33.33)
    spelt, made = code(name)
    assert read(anywhere, spelt) == PromotionCode(
        promotion=made.id, coupon=name, code=spelt, usable=True, percent=Ratio(3333, 100)
    )


def test_amounts_limits_and_restrictions_are_read(anywhere, coupon, code):
    name = coupon(
        amount_off=500,
        currency="usd",
        currency_options={"eur": {"amount_off": 450}},
        duration="repeating",
        duration_in_months=3,
        max_redemptions=10,
        redeem_by=SOON,
    )
    restrictions = {
        "first_time_transaction": True,
        "minimum_amount": 2_000,
        "minimum_amount_currency": "usd",
        "currency_options": {"eur": {"minimum_amount": 1_800}},
    }
    spelt, made = code(name, max_redemptions=4, expires_at=SOON - 60, restrictions=restrictions)
    assert read(anywhere, spelt) == PromotionCode(
        promotion=made.id,
        coupon=name,
        code=spelt,
        usable=True,
        amounts={"USD": 500, "EUR": 450},
        lasts="repeating",
        months=3,
        until=datetime.fromtimestamp(SOON - 60, UTC),
        left=4,
        coupon_left=10,
        first_purchase=True,
        least={"USD": 2_000, "EUR": 1_800},
    )


def test_nobody_has_it(anywhere):
    assert read(anywhere, anywhere.name("none").upper()) is None


def test_a_code_that_was_switched_off_is_not_usable(anywhere, code):
    spelt, made = code()
    anywhere.client.promotion_codes.update(made.id, {"active": False})
    assert not read(anywhere, spelt).usable


def test_a_code_whose_coupon_was_deleted_is_not_usable(anywhere, coupon, code):
    name = coupon()
    spelt, _ = code(name)
    anywhere.client.coupons.delete(name)
    found = read(anywhere, spelt)
    assert found is None or not found.usable


def test_a_spelling_that_is_used_again_is_the_new_code(anywhere, code):
    spelt, old = code()
    anywhere.client.promotion_codes.update(old.id, {"active": False})
    promotion = {"type": "coupon", "coupon": old.promotion.coupon}
    new = anywhere.client.promotion_codes.create({"code": spelt, "promotion": promotion})
    assert read(anywhere, spelt).promotion == new.id


def test_a_code_of_one_customer_is_nobody_elses(anywhere, code):
    mine, other = anywhere.payer(None), anywhere.payer(None)
    spelt, _ = code(customer=mine)
    assert read(anywhere, spelt, mine).payer == mine
    assert read(anywhere, spelt, other) is None


def test_some_products_only_are_seen(here):
    name = here.client.coupons.create(
        {"percent_off": 20, "applies_to": {"products": ["prod_1"]}}
    ).id
    spelt = here.name("code").upper()
    promotion = {"type": "coupon", "coupon": name}
    here.client.promotion_codes.create({"code": spelt, "promotion": promotion})
    assert read(here, spelt).limited


def test_what_was_redeemed_there_is_taken_off_both_limits(here, standin):
    name = here.client.coupons.create({"percent_off": 20, "max_redemptions": 5}).id
    spelt = here.name("code").upper()
    made = here.client.promotion_codes.create(
        {"code": spelt, "promotion": {"type": "coupon", "coupon": name}, "max_redemptions": 2}
    )
    standin.post("/_redeem", promotion_code=made.id)
    found = read(here, spelt)
    assert (found.left, found.coupon_left, found.usable) == (1, 4, True)
    standin.post("/_redeem", promotion_code=made.id)
    found = read(here, spelt)
    assert (found.left, found.coupon_left, found.usable) == (0, 3, False)


@pytest.mark.parametrize("fault", ["drop", "429", "500"])
def test_while_the_processor_does_not_answer_nothing_is_said_of_a_code(here, standin, fault):
    standin.post("/_fault", fault=fault, path="/v1/promotion_codes", method="GET")
    with pytest.raises(ProcessorUnavailable):
        read(here, "SUMMER")


COUPON = full(
    "coupon",
    id="SUMMER",
    percent_off=20,
    amount_off=None,
    currency=None,
    currency_options={},
    duration="once",
    duration_in_months=None,
    redeem_by=None,
    max_redemptions=None,
    times_redeemed=7,
    valid=True,
)
COUPON.pop("applies_to")
PROMOTION = full(
    "promotion_code",
    id="promo_1",
    code="Summer",
    active=True,
    customer=None,
    customer_account=None,
    expires_at=None,
    max_redemptions=None,
    promotion={"type": "coupon", "coupon": COUPON},
    restrictions={
        "first_time_transaction": False,
        "minimum_amount": None,
        "minimum_amount_currency": None,
    },
)
PLAIN = PromotionCode("promo_1", "SUMMER", "SUMMER", usable=True, percent=Ratio(20, 1))


def answered(*codes):
    return processor({"promotion_codes": listed(*codes)}).promotion("SUMMER", "cus_1")


def changed(**fields):
    """Make the code with these fields of its coupon."""
    return PROMOTION | {"promotion": {"type": "coupon", "coupon": COUPON | fields}}


def test_what_says_nothing_restricts_nothing():
    assert answered(PROMOTION) == PLAIN


@pytest.mark.parametrize(
    ("case", "thing"), [pytest.param(*one, id=one[0]) for one in variations("coupon", COUPON)]
)
def test_each_field_of_a_coupon_may_be_missing_or_null(case, thing):
    found = answered(PROMOTION | {"promotion": {"type": "coupon", "coupon": thing}})
    nothing = {"percent": None} if "percent_off" in case else {}
    assert found == replace(PLAIN, **nothing)


@pytest.mark.parametrize(
    ("case", "thing"),
    [pytest.param(*one, id=one[0]) for one in variations("promotion_code", PROMOTION)],
)
def test_each_field_of_a_code_may_be_missing_or_null(case, thing):
    assert answered(thing) == PLAIN, case


def test_no_coupon_is_no_promise():
    found = answered(PROMOTION | {"promotion": {"type": "coupon", "coupon": None}})
    assert (found.usable, found.percent, found.amounts) == (False, None, {})


percents = st.integers(1, 10_000).map(lambda hundredths: hundredths / 100)
limits = st.none() | st.integers(1, 10**6)
moments = st.none() | st.integers(1, 4_000_000_000)
made = st.fixed_dictionaries(
    {
        "percent_off": st.none() | percents,
        "amount_off": st.none() | st.integers(1, 10**8),
        "currency": st.sampled_from(["usd", "eur", "jpy"]),
        "duration": st.sampled_from(["once", "repeating", "forever"]),
        "duration_in_months": st.none() | st.integers(1, 36),
        "max_redemptions": limits,
        "times_redeemed": st.integers(0, 10**6),
        "redeem_by": moments,
        "valid": st.booleans(),
    }
)


@given(coupon=made, active=st.booleans(), expires=moments, most=limits, times=st.integers(0, 10))
def test_any_code_of_the_description_is_read_as_it_is(coupon, active, expires, most, times):
    thing = changed(**coupon) | {
        "active": active,
        "expires_at": expires,
        "max_redemptions": most,
        "times_redeemed": times,
    }
    found = answered(thing)
    percent, ends = coupon["percent_off"], [expires, coupon["redeem_by"]]
    ends = [one for one in ends if one is not None]
    exact = None if percent is None else Fraction(str(percent))
    assert (found.percent and Fraction(found.percent.num, found.percent.den)) == exact
    amount, currency = coupon["amount_off"], coupon["currency"].upper()
    assert found.amounts == ({} if amount is None else {currency: amount})
    assert found.left == (None if most is None else max(0, most - times))
    inside = coupon["max_redemptions"]
    assert found.coupon_left == (
        None if inside is None else max(0, inside - coupon["times_redeemed"])
    )
    assert found.until == (datetime.fromtimestamp(min(ends), UTC) if ends else None)
    assert (found.lasts, found.months) == (coupon["duration"], coupon["duration_in_months"])
    assert found.usable == (active and coupon["valid"])


rubbish = st.one_of(
    st.text(max_size=5), st.floats(), st.booleans(), st.lists(st.integers(), max_size=2)
)


@given(
    name=st.sampled_from(
        ["percent_off", "amount_off", "duration_in_months", "max_redemptions", "redeem_by"]
    ),
    said=rubbish | st.integers(-(10**20), -1),
)
def test_what_nobody_published_is_no_answer_or_no_more_than_a_share(name, said):
    thing = copy.deepcopy(changed(**{"currency": "usd", name: said}))
    try:
        found = answered(thing)
    except ProcessorUnavailable:
        return
    assert name == "percent_off"
    assert 0 < Fraction(found.percent.num, found.percent.den) <= 100

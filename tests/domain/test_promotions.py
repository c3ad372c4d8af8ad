"""What a promotion code promises is what its coupon takes off, or it is refused by a reason."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count, dropwhile, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.money import Ratio, charge_step_minor
from domain.periods import Interval, Unit, boundary
from domain.pricing.discounts import CouponFor, Source, lasts, off, refusal
from domain.pricing.promotions import Door, Periods, PromotionCode, Redeemer, coupon_of, is_spelt

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)
ALL = tuple(CouponFor)
DOOR = Door(ALL)
CODE = PromotionCode("promo_1", "SUMMER", "SUMMER-27", usable=True, percent=Ratio(20, 1))
BUYER = Redeemer(CouponFor.PACKS, 2_500, "USD", "cus_1", NOW)
MONTHLY = Periods(Interval(Unit.MONTH), NOW, NOW, "UTC")
PLAN = replace(BUYER, sold=CouponFor.PLANS, periods=MONTHLY)


def reason(code, door=DOOR, who=BUYER):
    with pytest.raises(InvalidInput) as refused:
        coupon_of(code, door, who)
    return refused.value.reason


def test_a_percentage_is_of_any_currency():
    coupon = coupon_of(CODE, DOOR, BUYER)
    assert off(coupon, 2_500, "USD") == 500
    assert (coupon.code, coupon.currency, coupon.periods) == ("SUMMER-27", "", 1)
    assert coupon.source == Source("SUMMER", "promo_1")


def test_an_amount_is_that_of_the_currency_that_is_charged():
    code = replace(CODE, percent=None, amounts={"USD": 500, "EUR": 450})
    euros = coupon_of(code, DOOR, replace(BUYER, currency="EUR"))
    assert (coupon_of(code, DOOR, BUYER).amount_minor, euros.amount_minor) == (500, 450)
    assert refusal(euros, CouponFor.PACKS, "USD", NOW) == "coupon_not_applicable"
    assert reason(code, who=replace(BUYER, currency="JPY")) == "coupon_not_applicable"


@given(amount=st.integers(1, 10**8), currency=st.sampled_from(["USD", "ISK", "UGX", "JPY", "HUF"]))
def test_what_an_amount_leaves_can_be_charged(amount, currency):
    step = charge_step_minor(currency)
    who = replace(BUYER, currency=currency)
    code = replace(CODE, percent=None, amounts={currency: amount})
    if amount < step / 2:
        assert reason(code, who=who) == "coupon_not_applicable"
    else:
        taken = coupon_of(code, DOOR, who).amount_minor
        assert taken % step == 0
        assert 2 * abs(taken - amount) <= step


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"usable": False}, "unknown_coupon"),
        ({"until": NOW}, "coupon_expired"),
        ({"until": NOW, "usable": False}, "coupon_expired"),
        ({"left": 0, "usable": False}, "coupon_used_up"),
        ({"coupon_left": 0}, "coupon_used_up"),
        ({"payer": "cus_2"}, "unknown_coupon"),
        ({"limited": True}, "coupon_not_applicable"),
        ({"percent": None}, "coupon_not_applicable"),
        ({"lasts": "eternal"}, "coupon_not_applicable"),
        ({"lasts": "repeating"}, "coupon_not_applicable"),
        ({"least": {"USD": 2_501}}, "coupon_not_applicable"),
        ({"least": {"EUR": 1}}, "coupon_not_applicable"),
    ],
)
def test_what_cannot_be_redeemed_says_why(change, why):
    assert reason(replace(CODE, **change)) == why


def test_there_is_no_such_code():
    assert reason(None) == "unknown_coupon"


@pytest.mark.parametrize(
    "change",
    [
        {"until": NOW + timedelta(microseconds=1)},
        {"left": 1, "coupon_left": 2},
        {"payer": "cus_1"},
        {"least": {"USD": 2_500, "EUR": 9_999}},
        {"first_purchase": True},
    ],
)
def test_what_can_be_redeemed_keeps_its_bounds(change):
    coupon = coupon_of(replace(CODE, **change), DOOR, BUYER)
    kept = {"until": coupon.until, "first_purchase": coupon.first_purchase}
    kept |= {"left": coupon.source.promotion_left, "coupon_left": coupon.source.coupon_left}
    assert kept == {name: change.get(name, default) for name, default in DEFAULTS.items()}


DEFAULTS = {"until": None, "first_purchase": False, "left": None, "coupon_left": None}


def test_it_is_taken_for_what_the_list_opens_only():
    coupon = coupon_of(CODE, Door((CouponFor.MANUAL,)), BUYER)
    assert refusal(coupon, CouponFor.PACKS, "USD", NOW) == "coupon_not_applicable"
    assert refusal(coupon, CouponFor.MANUAL, "USD", NOW) is None


def test_all_of_a_purchase_is_had_up_to_what_the_list_says_or_not_at_all():
    whole = replace(CODE, percent=Ratio(100, 1))
    assert reason(whole) == "coupon_not_applicable"
    coupon = coupon_of(whole, Door(ALL, {"USD": 2_000}), BUYER)
    assert off(coupon, 2_500, "USD") == 2_000
    assert refusal(coupon, CouponFor.PACKS, "EUR", NOW) == "coupon_not_applicable"
    assert off(coupon_of(whole, DOOR, PLAN), 2_500, "USD") == 2_500


@pytest.mark.parametrize(
    ("months", "interval", "periods"),
    [
        (3, Interval(Unit.MONTH), 3),
        (3, Interval(Unit.YEAR), 1),
        (13, Interval(Unit.YEAR), 2),
        (12, Interval(Unit.YEAR), 1),
        (4, Interval(Unit.QUARTER), 2),
        (1, Interval(Unit.WEEK), 4),  # 28 days from January 31st
        (2, Interval(Unit.WEEK), 9),  # 59 days
        (2_000, Interval(Unit.MONTH), None),
    ],
)
def test_months_are_the_periods_that_begin_in_them(months, interval, periods):
    code = replace(CODE, lasts="repeating", months=months)
    plan = replace(PLAN, periods=replace(MONTHLY, interval=interval))
    assert coupon_of(code, DOOR, plan).periods == periods


@given(
    months=st.integers(1, 60),
    interval=st.builds(Interval, st.sampled_from(Unit), st.integers(1, 14)),
    day=st.integers(0, 800),
    late=st.integers(0, 40),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "America/New_York"]),
)
def test_periods_are_counted_as_they_will_begin(months, interval, day, late, zone):
    anchor = NOW + timedelta(days=day)
    begins = anchor + timedelta(days=late)
    plan = replace(PLAN, periods=Periods(interval, begins, anchor, zone))
    coupon = coupon_of(replace(CODE, lasts="repeating", months=months), DOOR, plan)
    end = boundary(begins, zone, Interval(Unit.MONTH, months), 1)
    assert coupon.ends == end
    boundaries = (boundary(anchor, zone, interval, k) for k in count())
    later = takewhile(lambda one: one < end, dropwhile(lambda one: one <= begins, boundaries))
    assert coupon.periods == 1 + len(list(later))


def test_its_months_end_whatever_the_interval_is_by_then():
    coupon = coupon_of(replace(CODE, lasts="repeating", months=3), DOOR, PLAN)
    assert coupon.ends is not None
    assert lasts(coupon, 0, coupon.ends)  # the first, in any case
    assert lasts(coupon, 1, coupon.ends - timedelta(days=1))
    assert not lasts(coupon, 1, coupon.ends)
    assert not lasts(coupon, 3, NOW)


def test_a_part_of_a_month_is_a_period_of_its_own():
    begins = datetime(2027, 1, 20, tzinfo=UTC)
    cut = Periods(Interval(Unit.MONTH), begins, datetime(2027, 1, 1, tzinfo=UTC), "UTC")
    code = replace(CODE, lasts="repeating", months=3)  # to April 20th
    assert coupon_of(code, DOOR, replace(PLAN, periods=cut)).periods == 4


def test_what_lasts_for_ever_lasts_for_ever():
    assert coupon_of(replace(CODE, lasts="forever"), DOOR, PLAN).periods is None


@given(st.text(max_size=45))
def test_only_what_the_processor_could_have_is_asked_of_it(code):
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
    assert is_spelt(code) == (2 <= len(code) <= 40 and set(code) <= allowed)

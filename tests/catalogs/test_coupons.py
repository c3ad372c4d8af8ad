"""Coupons of a price list are read exactly, or refused at their line."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalogs.kept import told
from catalogs.reader import read_list
from domain.money import Ratio
from domain.pricing.discounts import Coupon, CouponFor
from domain.pricing.promotions import Door
from domain.pricing.published import compare, items_of
from tests.catalogs.sound import faults_of

ROOT = Path(__file__).parents[2]
ORCHARD = (ROOT / "catalogs" / "examples" / "orchard.yaml").read_text(encoding="utf-8")
READ = read_list(ORCHARD, "list.yaml")
NOW = datetime(2027, 1, 1, tzinfo=UTC)
LINE = ORCHARD[: ORCHARD.index("{code: FIFTH")].count("\n") + 1
FIFTH = "{code: FIFTH, percent: 20, applies_to: [packs, manual]}"


def test_what_is_written_is_read():
    welcome, fifth, three, january, *_ = READ.catalog.coupons

    assert welcome == Coupon(
        code="WELCOME",
        applies_to=(CouponFor.PACKS,),
        percent=Ratio(100, 1),
        most_minor=500,
        first_purchase=True,
        redemptions=500,
        per_customer=1,
        currency="USD",
    )
    assert fifth == Coupon("FIFTH", (CouponFor.PACKS, CouponFor.MANUAL), percent=Ratio(20, 1))
    assert (three.amount_minor, three.percent, three.per_customer) == (300, None, 2)
    assert january.until == datetime(2027, 2, 1, tzinfo=UTC)
    named = {one.code: one for one in READ.catalog.coupons}
    assert named["GOLDEN"].redemptions == 1
    assert [named[code].periods for code in ("TRYIT", "QUARTER", "FRIEND")] == [1, 3, None]
    assert named["TRYIT"].most_minor is None  # a period has one price


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("{code: fifth, percent: 20, applies_to: [packs]}", "is no code"),
        ("{code: A, percent: 20, applies_to: [packs]}", "is no code"),
        ('{code: "A B", percent: 20, applies_to: [packs]}', "is no code"),
        ("{percent: 20, applies_to: [packs]}", "code: is missing"),
        ("{code: WELCOME, percent: 20, applies_to: [packs]}", "used twice"),
        ("{code: FIFTH, applies_to: [packs]}", "with `percent` or with `amount`"),
        ('{code: FIFTH, percent: 20, amount: "1.00", applies_to: [packs]}', "not both"),
        ("{code: FIFTH, percent: 0, applies_to: [packs]}", "above 0 and at most 100"),
        ('{code: FIFTH, percent: "100.5", most: "5.00", applies_to: [packs]}', "at most 100"),
        ("{code: FIFTH, percent: -5, applies_to: [packs]}", "plain decimal"),
        ("{code: FIFTH, percent: 100, applies_to: [packs]}", "say `most`"),
        ('{code: FIFTH, amount: "0.00", applies_to: [packs]}', "greater than zero"),
        ('{code: FIFTH, amount: "0.001", applies_to: [packs]}', "more than 2 decimals"),
        ('{code: FIFTH, percent: 20, most: "0", applies_to: [packs]}', "greater than zero"),
        ('{code: FIFTH, amount: "1.00", most: "1.00", applies_to: [packs]}', "its own limit"),
        ("{code: FIFTH, percent: 20}", "applies_to: is missing"),
        ("{code: FIFTH, percent: 20, applies_to: []}", "names nothing"),
        ("{code: FIFTH, percent: 20, applies_to: [credits]}", "one of: packs, manual, plans"),
        ("{code: FIFTH, percent: 100, applies_to: [plans, packs]}", "say `most`"),
        ("{code: FIFTH, percent: 20, applies_to: [packs], duration: once}", "is of plans"),
        ("{code: FIFTH, percent: 20, applies_to: [plans], duration: 0 periods}", "no duration"),
        ("{code: FIFTH, percent: 20, applies_to: [plans], duration: ever}", "no duration"),
        ("{code: FIFTH, percent: 20, applies_to: [packs], until: 2027-02-01}", "has no offset"),
        ("{code: FIFTH, percent: 20, applies_to: [packs], colour: red}", "unknown key 'colour'"),
        ("{code: FIFTH, percent: 20, applies_to: [packs], redemptions: 5}", "must be a mapping"),
        (
            "{code: FIFTH, percent: 20, applies_to: [packs], redemptions: {in_all: 0}}",
            "greater than zero",
        ),
        (
            "{code: FIFTH, percent: 20, applies_to: [packs], redemptions: {in_all: 1000001}}",
            "at most 1,000,000",
        ),
        (
            "{code: FIFTH, percent: 20, applies_to: [packs], redemptions: {in_all: 2, per_customer: 3}}",  # noqa: E501
            "cannot be more than `in_all`",
        ),
    ],
)
def test_a_faulty_coupon_is_refused_at_its_line(changed, words):
    (fault,) = faults_of(ORCHARD.replace(FIFTH, changed))

    assert fault.startswith(f"list.yaml:{LINE}: ")
    assert words in fault


def edited(changed):
    read = read_list(ORCHARD.replace(FIFTH, changed), "list.yaml")
    return told(read, compare(items_of(READ.catalog), read.catalog, NOW, frozenset()).refused)


def test_what_a_coupon_promises_is_published_once():
    (fault,) = edited(FIFTH.replace("20", "15"))
    assert fault == (
        f"list.yaml:{LINE}: coupons[1].percent: coupon FIFTH in version 1 of the list was"
        " published with 20, not with 15"
    )
    assert len(edited(FIFTH.replace("[packs, manual]", "[packs]"))) == 1
    assert len(edited(FIFTH.replace("20", '20, most: "1.00"'))) == 1


@pytest.mark.parametrize(
    "changed",
    [
        FIFTH.replace("}", ", until: 2027-03-01T00:00:00Z}"),
        FIFTH.replace("}", ", redemptions: {in_all: 5, per_customer: 1}}"),
        FIFTH + "\n  - {code: ANOTHER, percent: 5, applies_to: [packs]}",
    ],
)
def test_how_often_and_until_when_may_change_and_others_may_come(changed):
    assert edited(changed) == ()


def test_a_coupon_may_be_withdrawn():
    without = replace(READ.catalog, coupons=())

    assert compare(items_of(READ.catalog), without, NOW, frozenset()).refused == ()


DOOR = '{applies_to: [packs, manual, plans], most: "5.00"}'
DOOR_LINE = ORCHARD[: ORCHARD.index(DOOR)].count("\n") + 1


def opened(changed):
    return read_list(ORCHARD.replace(f"promotion_codes: {DOOR}", changed), "list.yaml").catalog


def test_what_a_list_takes_codes_of_the_processor_for_is_read():
    assert READ.catalog.door == Door(tuple(CouponFor), {"USD": 500})
    assert opened("").door is None
    assert opened("promotion_codes: {applies_to: [plans]}").door == Door((CouponFor.PLANS,))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("{}", "applies_to: is missing"),
        ("{applies_to: []}", "names nothing"),
        ("{applies_to: [credits]}", "one of: packs, manual, plans"),
        ('{applies_to: [packs], most: "0"}', "greater than zero"),
        ('{applies_to: [packs], most: "0.001"}', "more than 2 decimals"),
        ('{applies_to: [plans], most: "5.00"}', "names plans only"),
        ("{applies_to: [packs], least: 5}", "unknown key 'least'"),
        ("true", "must be a mapping"),
    ],
)
def test_a_faulty_door_is_refused_at_its_line(changed, words):
    (fault,) = faults_of(ORCHARD.replace(DOOR, changed))

    assert fault.startswith(f"list.yaml:{DOOR_LINE}: ")
    assert words in fault


@pytest.mark.parametrize("changed", ["", "promotion_codes: {applies_to: [plans]}"])
def test_the_door_to_the_processors_codes_may_change_at_any_time(changed):
    published = items_of(READ.catalog)

    assert compare(published, opened(changed), NOW, frozenset()).refused == ()

"""What a coupon takes off may be said for each currency of a list; a percentage is of any."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalogs.kept import told
from catalogs.reader import read_catalog, read_list
from domain.errors import InvalidCatalog
from domain.pricing.discounts import NOT_APPLICABLE, CouponFor, coupon_named, off, refusal
from domain.pricing.published import compare, items_of

WORLD = (Path(__file__).parents[2] / "catalogs" / "examples" / "make_world.yaml").read_text("utf-8")
NOW = datetime(2027, 1, 1, tzinfo=UTC)
FIVE = '{code: FIVE, amount: {USD: "5.00", EUR: "4.50", KWD: "1.500"}, applies_to: [packs]}'
OTHERS = """
  - {code: HALF, percent: 50, most: {USD: "2.00", EUR: "1.80"}, applies_to: [packs]}
  - {code: THREE, amount: "3.00", applies_to: [packs]}
  - {code: TENTH, percent: 10, applies_to: [packs]}
"""


def text(first: str = FIVE) -> str:
    return f"{WORLD}\ncoupons:\n  - {first}{OTHERS}"


COUPONS = read_catalog(text()).coupons


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("FIVE", {"USD": 500, "EUR": 450, "KWD": 1_500}),
        ("HALF", {"USD": 200, "EUR": 180}),
        ("THREE", {"USD": 300}),
        ("TENTH", {"USD": 100, "EUR": 100, "JPY": 100, "KWD": 1_000}),
    ],
)
def test_a_coupon_takes_off_its_amount_in_the_currency_that_is_paid(code, taken):
    prices = {"USD": 1_000, "EUR": 1_000, "JPY": 1_000, "KWD": 10_000}
    for currency, price in prices.items():
        coupon = coupon_named(COUPONS, code, currency)
        refused = refusal(coupon, CouponFor.PACKS, currency, NOW)
        assert refused == (None if currency in taken else NOT_APPLICABLE)
        if refused is None:
            assert off(coupon, price, currency) == taken[currency]


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ('{EUR: "4.50"}', "coupons[0].amount: is missing in USD"),
        ('{USD: "5.00", GBP: "4.00"}', "coupons[0].amount: 'GBP' is not among the currencies"),
        ('{USD: "5.00", JPY: "70.5"}', "coupons[0].amount.JPY: 70.5 JPY has more than 0 decimals"),
        ('{USD: "5.00", EUR: "0"}', "coupons[0].amount: must be greater than zero"),
        ('{USD: "5.00", EUR: [1]}', "coupons[0].amount.EUR: must be one value"),
    ],
)
def test_a_wrong_amount_is_refused_at_its_line(amount, words):
    wrong = FIVE.replace('{USD: "5.00", EUR: "4.50", KWD: "1.500"}', amount)
    with pytest.raises(InvalidCatalog) as refused:
        read_catalog(text(wrong), "world.yaml")
    line = WORLD.count("\n") + 3
    (fault,) = refused.value.faults
    assert fault.startswith(f"world.yaml:{line}: {words}")


def test_an_amount_that_was_published_stays_and_another_currency_may_come():
    published = items_of(read_catalog(text()))
    other = read_list(text(FIVE.replace("4.50", "4.00")), "world.yaml")
    line = WORLD.count("\n") + 3
    (fault,) = told(other, compare(published, other.catalog, NOW, frozenset()).refused)
    assert fault == (
        f"world.yaml:{line}: coupons[0].amount.EUR: coupon FIVE in EUR in version 1 of the list was"
        " published with €4.50, not with €4.00"
    )
    more = read_catalog(text(FIVE.replace('KWD: "1.500"', 'KWD: "1.500", JPY: 700')))
    assert compare(published, more, NOW, frozenset()).refused == ()


def test_what_a_code_of_the_processor_takes_off_credits_has_a_limit_in_each_currency():
    door = 'promotion_codes: {applies_to: [packs], most: {USD: "5.00", JPY: 700}}\n'
    assert read_catalog(f"{WORLD}\n{door}").door.most == {"USD": 500, "JPY": 700}

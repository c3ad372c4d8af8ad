"""A list in several currencies: every price is written for each, and each is published."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalogs.kept import told
from catalogs.reader import read_catalog, read_list
from domain.credits import MICRO
from domain.errors import InvalidCatalog, InvalidInput
from domain.money import Ratio
from domain.pricing.in_currency import currencies_of, every_plan, plan_beside, plan_in
from domain.pricing.published import Edit, Item, Kind, compare, items_of

TEXT = (Path(__file__).parents[2] / "catalogs" / "examples" / "make_world.yaml").read_text("utf-8")
WORLD = read_catalog(TEXT)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
BLOCK = '{USD: "5.00", EUR: "4.50", JPY: 700, KWD: "1.500"}'
CORE = '{USD: "9.00", EUR: "8.50", JPY: 1480, KWD: "2.750"}'


def edited(old, new):
    assert TEXT.count(old) == 1, old
    return TEXT.replace(old, new)


def faults_of(text):
    with pytest.raises(InvalidCatalog) as refusal:
        read_catalog(text, "world.yaml")
    return refusal.value.faults


def test_each_plan_is_there_once_for_each_currency():
    assert currencies_of(WORLD) == ("USD", "EUR", "JPY", "KWD")
    prices = {plan.currency: plan.price_minor for plan in every_plan(WORLD) if plan.paid}
    assert prices == {"USD": 2900, "EUR": 2700, "JPY": 4480, "KWD": 8900}
    assert {one.currency for one in WORLD.plans} == {"USD"}


@pytest.mark.parametrize(
    ("currency", "price", "pack"),
    [("", 900, 500), ("USD", 900, 500), ("EUR", 850, 450), ("JPY", 1480, 700), ("KWD", 2750, 1500)],
)
def test_all_that_a_plan_sells_is_in_its_currency(currency, price, pack):
    plan = plan_in(WORLD, "core_10k", currency=currency)
    assert (plan.currency, plan.price_minor) == (currency or "USD", price)
    assert plan.pack("block").price_minor == pack
    assert plan.manual.unit_price == plan.auto.unit_price == Ratio(price, 10_000 * MICRO)


def test_a_currency_that_is_not_sold_is_refused():
    with pytest.raises(InvalidInput) as refusal:
        plan_in(WORLD, "core_10k", currency="GBP")
    assert refusal.value.reason == "unknown_currency"


def test_a_change_of_plan_stays_in_the_currency():
    sold = plan_in(WORLD, "core_10k", currency="JPY")
    assert plan_beside(WORLD, sold, "core_40k").price_minor == 4480


def test_a_unit_price_may_be_written_for_each():
    each = '{USD: "0.001", EUR: "0.0009", JPY: "0.15", KWD: "0.0003"}'
    text = edited("{type: credits, unit: 1000, unit_price: plan}", "M").replace(
        "manual: M", f"manual: {{type: credits, unit: 1000, unit_price: {each}}}"
    )
    units = {
        one.currency: one.manual.unit_price for one in every_plan(read_catalog(text)) if one.paid
    }
    assert units == {
        "USD": Ratio(1, 10 * MICRO),
        "EUR": Ratio(9, 100 * MICRO),
        "JPY": Ratio(15, 100 * MICRO),
        "KWD": Ratio(3, 10 * MICRO),
    }


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (", JPY: 700", "", "packs[0].price: is missing in JPY"),
        ("JPY: 700", "JPY: 700.5", "packs[0].price.JPY: 700.5 JPY has more than 0 decimals"),
        (BLOCK, '"5.00"', "packs[0].price: write one for each currency: USD, EUR, JPY, KWD"),
        (
            'USD: "5.00"',
            'USD: "5.00", GBP: "3.00"',
            "packs[0].price: 'GBP' is not among the currencies: USD, EUR, JPY, KWD",
        ),
        (
            '"2.750"',
            '"2.755"',
            "plans[1].price.KWD: 2.755 KWD cannot be charged: write a multiple of 0.010",
        ),
        ("[USD, EUR, JPY, KWD]", "[USD, EUR, JPY, KWD, USD]", "currency: name each once"),
        ("[USD, EUR, JPY, KWD]", "[]", "currency: name each once, and at least one"),
        ("[USD, EUR, JPY, KWD]", "[USD, EUR, JPY, VND]", "'VND' is not known"),
    ],
)
def test_a_price_that_is_missing_or_wrong_is_told_with_its_line(old, new, fault):
    assert [one for one in faults_of(edited(old, new)) if fault in one]


def test_a_price_under_the_same_version_is_told_in_its_currency_with_its_line():
    now = read_list(edited(CORE, CORE.replace("8.50", "8.90")), "world.yaml")
    found = compare(items_of(WORLD), now.catalog, NOW, frozenset())
    line = next(n for n, one in enumerate(TEXT.splitlines(), 1) if CORE in one)
    first, *derived = told(now, found.refused)
    assert first == (
        f"world.yaml:{line}: plans[1].price.EUR: plan core_10k version 1 in EUR was published with"
        " €8.50, not with €8.90"
    )
    assert all("unit_price: plan core_10k version 1 in EUR" in one for one in derived)


def test_a_currency_may_be_added_and_is_kept_while_somebody_pays_in_it():
    only = read_catalog(
        TEXT.replace("[USD, EUR, JPY, KWD]", "[USD, JPY, KWD]")
        .replace('EUR: "4.50", ', "")
        .replace('EUR: "8.50", ', "")
        .replace('EUR: "27.00", ', "")
    )
    assert compare(items_of(only), WORLD, NOW, frozenset()).refused == ()
    assert compare(items_of(WORLD), only, NOW, frozenset()).refused == ()
    euros = Item(Kind.PLAN, "core_10k", "1:EUR")
    (missed,) = compare(items_of(WORLD), only, NOW, frozenset({euros})).refused
    assert (missed.item, missed.edit, str(euros)) == (
        euros,
        Edit.REMOVED,
        "plan core_10k version 1 in EUR",
    )

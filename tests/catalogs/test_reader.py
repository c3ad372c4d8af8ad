"""A price list is read exactly; what could not be meant is refused."""

import re
from pathlib import Path

import pytest
from temporalio.converter import default as default_converter

from catalogs.reader import load_catalogs, read_catalog, read_list
from domain.credits import MICRO
from domain.errors import InvalidCatalog
from domain.money import Ratio, surcharged
from domain.periods import Interval, Unit
from domain.pricing.catalog import Catalog, Extras, Plan
from domain.pricing.policies import Late, LateUsage, ResumeOn
from domain.pricing.rates import Rounding
from tests.catalogs.sound import SOUND, faults_of, with_change
from tests.price_lists import shipped

FOLDER = Path(__file__).parents[2] / "catalogs"


def test_every_catalog_loads():
    assert [catalog.name for catalog in load_catalogs(FOLDER)] == [
        "make",
        "salestools",
        "scalenut",
        "schematic",
        "zaplify",
    ]


def test_a_text_is_read_once_and_one_that_differs_by_itself():
    assert read_list(SOUND).catalog is read_list(SOUND).catalog
    dearer = with_change("version: 1", "version: 2")
    assert [read_catalog(text).version for text in (dearer, SOUND)] == [2, 1]


def test_what_is_wrong_with_a_text_is_told_by_each_name_it_is_read_under():
    for name in ("one.yaml", "other.yaml", "one.yaml"):
        with pytest.raises(InvalidCatalog) as refused:
            read_list(SOUND.replace("currency: USD", "currency: none"), name)
        assert [fault.partition(":")[0] for fault in refused.value.faults] == [name]


def test_a_sound_list_is_read_exactly():
    catalog = read_catalog(SOUND)

    core = catalog.plan("core")
    assert (core.price_minor, core.windows_per_period, core.extras_expire) == (
        900,
        12,
        Extras.WINDOW_END,
    )
    assert core.manual.unit_price == Ratio(9, 100 * MICRO)
    assert core.auto.unit_price == Ratio(900, 120_000 * MICRO)
    assert core.auto.cap_micro == 10_000 * MICRO
    assert core.renewal_dunning_days == (1, 3)
    assert core.late_usage == LateUsage(Late.REOPEN, 3)
    assert (core.priorities.pack, core.priorities.allowance) == (25, 20)
    assert core.pack("small").price_minor == 2500
    assert core.resume_on is ResumeOn.PAYMENT_METHOD_UPDATE
    first, second = catalog.action("call").rates
    assert first.ways[1].rate.rounding is Rounding.STARTED_UNIT
    assert second.free


def test_make_sells_ten_thousand_more_for_11_70():
    auto = read_catalog(FOLDER / "make.yaml").plan("core_10k").auto

    assert sum(surcharged(auto.unit_micro, auto.unit_price, auto.surcharge_percent, "USD")) == 1170
    assert auto.dunning_days == ()


@pytest.mark.parametrize("catalog", shipped().values(), ids=lambda catalog: catalog.name)
async def test_a_catalog_survives_temporals_own_converter(catalog):
    converter = default_converter()

    payloads = await converter.encode([catalog, *catalog.plans])
    decoded = await converter.decode(payloads, [Catalog, *[Plan] * len(catalog.plans)])

    assert decoded == [catalog, *catalog.plans]


FREE = "    allowances: []\n"


def test_a_cap_may_count_in_windows_of_its_own():
    text = with_change("cap: window_allowance", "cap: 20000, cap_window: quarter")
    assert read_catalog(text).plan("core").auto.cap_window == Interval(Unit.QUARTER)
    same = with_change("cap: window_allowance", "cap: window_allowance, cap_window: month")
    assert read_catalog(same).plan("core").auto.cap_window is None  # the allowance's own


@pytest.mark.parametrize(
    ("cap", "words"),
    [
        ("cap: 20000, cap_window: 5 months", "whole number of cap windows"),
        ("cap: 20000, cap_window: week", "whole number of cap windows"),
        ("cap: window_allowance, cap_window: year", "write the credits"),
        ("cap: 20000, cap_window: moon", "is not an interval"),
    ],
)
def test_a_cap_window_that_cannot_be_counted_in_is_refused_with_its_line(cap, words):
    (fault,) = faults_of(with_change("cap: window_allowance", cap))

    assert fault.startswith("list.yaml:40: ")
    assert words in fault


OF_A_FREE_PLAN = [
    'manual: {type: credits, unit: 1000, unit_price: "1.00"}',
    "auto: {type: credits, unit: 1, unit_price: 1, surcharge_percent: 0, cap: 10, dunning: []}",
]


@pytest.mark.parametrize("offer", OF_A_FREE_PLAN)
def test_a_free_plan_sells_no_credits(offer):
    (fault,) = faults_of(with_change(FREE, f"{FREE}    {offer}\n"))

    assert "free is free" in fault


def test_a_plans_own_price_needs_one_allowance_of_that_credit_type():
    (fault,) = faults_of(
        with_change("quantity: 10000}]", "quantity: 10000}, {type: quota, quantity: 5}]")
    )

    assert "core does not have exactly one allowance of credits" in fault


def test_a_cap_below_one_unit_is_allowed_and_leaves_no_unit():
    auto = read_catalog(with_change("quantity: 10000}]", "quantity: 5000}]")).plan("core").auto

    assert auto.units_per_window == 0


def test_the_surcharge_counts_towards_the_least_charge():
    text = with_change("auto: {type: credits, unit: 10000", "auto: {type: credits, unit: 6000")
    auto = read_catalog(text).plan("core").auto

    assert surcharged(auto.unit_micro, auto.unit_price, auto.surcharge_percent, "USD") == (45, 14)


def test_a_scope_may_only_name_actions_that_accept_the_credits():
    text = SOUND.replace("with: quota, cost: 1}, {with: credits", "with: credits")
    text = text.replace("type: credits, quantity: 500", "type: quota, quantity: 500")

    (fault,) = faults_of(text)

    assert "'call' is never paid with 'quota'" in fault


@pytest.mark.parametrize("catalog", shipped().values(), ids=lambda catalog: catalog.name)
def test_no_invented_price_goes_unmarked(catalog):
    """What the sellers publish; every other price in the files must say `assumed: true`."""
    published = {
        "make": {"0.00", "9.00", "29.00", "72.00", "108.00"},
        "salestools": {"25.00", "45.00", "100.00", "175.00"},
        "scalenut": {"0.00"},
        "schematic": {"0.00"},
    }
    text = (FOLDER / f"{catalog.name}.yaml").read_text(encoding="utf-8")
    prices = re.findall(r"^ +(?:price|[A-Z]{3}): +(\S.*)", text, re.MULTILINE)

    assert len(prices) >= len(catalog.plans)
    for price in prices:
        plain = price.strip('"')
        assert "assumed: true" in price or plain in published.get(catalog.name, set())

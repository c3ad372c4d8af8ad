"""Currencies of 0, 2 and 3 decimals: nothing is lost in writing, what is asked can be charged.

The processor takes amounts of three-decimal currencies in tens, and those of some others in
hundreds: https://docs.stripe.com/currencies.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.pages.operator.customer.charge import minor_of
from catalogs.reader import read_catalog
from catalogs.values import price_in
from domain.credits import MICRO
from domain.errors import InvalidCatalog, InvalidInput
from domain.money import (
    MOST_CHARGE_MINOR,
    Ratio,
    charge_step_minor,
    credits_price,
    format_money,
    half_up,
    minimum_charge_minor,
    minor_exponent,
    surcharged,
    to_charge,
)
from domain.periods import Window
from domain.plan_calendar import Stretch, period_price
from domain.pricing.catalog import Extras, ManualPurchase, Pack
from domain.pricing.policies import VolumeTier
from domain.pricing.proration import quote_change, upgrade_price
from domain.pricing.purchase_price import manual_price, pack_price
from gateways.letter_formats import Formats
from ledger.reports.tables import money_text

EXAMPLES = Path(__file__).parents[2] / "catalogs" / "examples"
JAPAN = read_catalog(EXAMPLES / "make_japan.yaml")
KUWAIT = read_catalog(EXAMPLES / "make_kuwait.yaml")
SHOW = Formats.of("en_US", "UTC")
JANUARY = Window(0, datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))

# One of each class: decimals, and what amounts must be a multiple of.
CLASSES = {"USD": (2, 1), "JPY": (0, 1), "KWD": (3, 10), "TND": (3, 10), "HUF": (2, 1)}
currencies = st.sampled_from(sorted(CLASSES))
ratios = st.builds(Ratio, st.integers(0, 10**6), st.integers(1, 10**9))
quantities = st.integers(1, 10**12)
moments = st.integers(0, 31 * 24 * 3600 - 1).map(lambda passed: timedelta(seconds=passed))


@st.composite
def prices(draw, currency):
    """A price that a list may have: from the least to the most, in steps."""
    least, step = minimum_charge_minor(currency), charge_step_minor(currency)
    return draw(st.integers(-(-least // step), MOST_CHARGE_MINOR // step)) * step


@pytest.mark.parametrize("currency", sorted(CLASSES))
def test_a_currency_has_the_processors_decimals_and_steps(currency):
    assert (minor_exponent(currency), charge_step_minor(currency)) == CLASSES[currency]
    assert minimum_charge_minor(currency) % charge_step_minor(currency) == 0


@pytest.mark.parametrize("currency", ["ISK", "UGX"])
def test_whole_kronur_and_shillings_are_sent_with_two_zeros(currency):
    assert (minor_exponent(currency), charge_step_minor(currency)) == (2, 100)


@given(st.data(), currencies)
def test_what_is_written_is_read_back(data, currency):
    price = data.draw(prices(currency))
    text = money_text(price, currency)

    assert price_in(currency)(text) == price
    assert minor_of(text, currency) == price
    for shown in (SHOW.money(price, currency), format_money(price, currency)):
        digits = "".join(sign for sign in shown if sign in "0123456789.")
        assert Decimal(digits).scaleb(minor_exponent(currency)) == price


@given(st.integers(0, 10**15), st.integers(1, 10**9), currencies)
def test_an_amount_is_the_nearest_that_can_be_charged(numerator, denominator, currency):
    step = charge_step_minor(currency)
    amount = to_charge(numerator, denominator, currency)

    assert amount % step == 0
    assert 2 * abs(amount * denominator - numerator) <= step * denominator
    assert amount == step * half_up(numerator, denominator * step)


def test_an_amount_is_rounded_once():
    assert to_charge(46, 10, "KWD") == 0  # 4.6 is nearer to 0; rounded twice it were 5, and 10


@given(quantities, ratios, ratios, ratios, currencies)
def test_what_purchases_come_to_can_be_charged(quantity, unit, percent, off, currency):
    step = charge_step_minor(currency)
    assume(0 < off.num < 100 * off.den)
    tiers = (VolumeTier(1, off),)
    base, more = surcharged(quantity, unit, percent, currency)

    assert base % step == 0
    assert more % step == 0
    assert base == credits_price(quantity, unit, currency)
    by_hand = ManualPurchase(MICRO, unit, volume=tiers)
    assert manual_price(by_hand, quantity, currency).amount_minor % step == 0


@given(st.data(), currencies, ratios, st.integers(1, 1_000))
def test_what_packs_come_to_can_be_charged(data, currency, off, count):
    assume(0 < off.num < 100 * off.den)
    pack = Pack(
        pack_id="block",
        name="Block",
        credit_type="credits",
        quantity_micro=MICRO,
        price_minor=data.draw(prices(currency)),
        expires=Extras.NEVER,
        volume=(VolumeTier(1, off),),
    )
    assert pack_price(pack, count, currency).amount_minor % charge_step_minor(currency) == 0


@given(st.data(), currencies, moments)
def test_what_a_part_of_a_period_comes_to_can_be_charged(data, currency, passed):
    old, new = sorted((data.draw(prices(currency)), data.draw(prices(currency))))
    plan = replace(JAPAN.plan("core_10k"), currency=currency, price_minor=new)
    at, step = JANUARY.start + passed, charge_step_minor(currency)

    first = period_price(plan, Stretch(Window(0, at, JANUARY.end), JANUARY))
    assert first % step == 0
    assert first == 0 or first >= minimum_charge_minor(currency)
    assert upgrade_price(old, new, JANUARY, at, currency=currency) % step == 0


def test_a_thousand_yen_for_ten_of_31_days_are_323():
    at = JANUARY.end - timedelta(days=10)
    quote = quote_change(JAPAN.plan("core_10k"), JAPAN.plan("core_25k"), period=JANUARY, at=at)

    assert (quote.amount_minor, quote.currency) == (323, "JPY")


def test_dinars_are_charged_in_tens():
    plan = KUWAIT.plan("core_40k")
    at = JANUARY.end - timedelta(days=10)

    assert plan.price_minor == 18_600  # KWD 18.600
    assert manual_price(plan.manual, 1_000 * MICRO, "KWD").amount_minor == 470  # exactly 465
    quote = quote_change(KUWAIT.plan("core_10k"), plan, period=JANUARY, at=at)
    assert quote.amount_minor == 3_980  # exactly 3,983.87…


def with_price(price, currency="KWD"):
    text = (EXAMPLES / "make_kuwait.yaml").read_text(encoding="utf-8")
    assert text.count('price: "18.600"') == text.count("currency: KWD") == 1
    return text.replace('price: "18.600"', f'price: "{price}"').replace(
        "currency: KWD", f"currency: {currency}"
    )


@pytest.mark.parametrize(
    ("price", "fault"),
    [
        ("18.605", "18.605 KWD cannot be charged: write a multiple of 0.010"),
        ("18.6001", "18.6001 KWD has more than 3 decimals"),
        ("0.190", "0.190 KWD is below the processor's minimum charge"),
    ],
)
def test_a_price_that_cannot_be_charged_is_refused(price, fault):
    with pytest.raises(InvalidCatalog) as refusal:
        read_catalog(with_price(price))
    assert [one for one in refusal.value.faults if one.endswith(fault)]


def test_a_currency_of_which_no_minimum_is_known_is_refused():
    with pytest.raises(InvalidCatalog) as refusal:
        read_catalog(with_price("18.600", "VND"))
    assert [one for one in refusal.value.faults if "the least charge in 'VND' is not known" in one]


@pytest.mark.parametrize("typed", ["1.5", "0", "-1"])
def test_an_operator_types_no_half_yen(typed):
    with pytest.raises(InvalidInput):
        minor_of(typed, "JPY")

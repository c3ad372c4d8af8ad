"""How mails show money, credits, prices and days."""

from datetime import UTC, datetime

import pytest

from domain.money import Ratio
from gateways.letter_formats import Formats
from gateways.letters import render
from tests.mail.facts import CREDIT, NARROW, NO_BREAK, a_reader, a_receipt, plain


@pytest.mark.parametrize(
    ("locale", "currency", "amount", "shown"),
    [
        ("en_US", "usd", 1170, "$11.70"),
        ("en_US", "JPY", 5000, "¥5,000"),
        ("ja-JP", "JPY", 5000, "￥5,000"),
        ("en_US", "KWD", 1230, f"KWD{NO_BREAK}1.230"),
        ("de_DE", "EUR", 123450, f"1.234,50{NO_BREAK}€"),
        ("fr_FR", "USD", 1170, f"11,70{NO_BREAK}$US"),
        ("en_US", "ISK", 50000, f"ISK{NO_BREAK}500"),
        ("en_US", "usd", -630, "-$6.30"),
        ("en_US", "usd", 0, "$0.00"),
        ("en_US", "usd", 9_223_372_036_854_775_807, "$92,233,720,368,547,758.07"),
    ],
)
def test_money_has_the_decimals_of_the_processor(locale, currency, amount, shown):
    assert Formats.of(locale, "UTC").money(amount, currency) == shown


def test_a_german_receipt_is_written_the_german_way():
    reader = a_reader(locale="de_DE")

    letter = render(a_receipt(reader=reader, currency="eur", balance_micro=1_694_130_000))

    assert f"11,70{NO_BREAK}€" in letter.text
    assert f"11,70{NO_BREAK}€" in letter.html
    assert "20. November 2026" in plain(letter.text)
    assert "1.694,13" in letter.text


@pytest.mark.parametrize(
    ("micro", "shown"),
    [
        (1_694_130_000, "1,694.13"),
        (10_000 * CREDIT, "10,000"),
        (1, "0.000001"),
        (0, "0"),
        (500_000, "0.5"),
        (9_223_372_036_854_775_807, "9,223,372,036,854.775807"),
    ],
)
def test_credits_are_shown_exactly(micro, shown):
    assert Formats.of("en_US", "UTC").number(micro) == shown


def test_one_credit_is_singular():
    show = Formats.of("en_US", "UTC")

    assert show.credits(CREDIT) == f"1{NO_BREAK}credit"
    assert show.credits(2 * CREDIT) == f"2{NO_BREAK}credits"


@pytest.mark.parametrize(
    ("unit", "currency", "shown"),
    [
        (Ratio(9, 100 * CREDIT), "usd", "$0.0009"),
        (Ratio(29, 400 * CREDIT), "usd", "$0.000725"),
        (Ratio(200, CREDIT), "usd", "$2.00"),
        (Ratio(1, 3 * CREDIT), "usd", "≈ $0.00333333"),
        (Ratio(5, CREDIT), "jpy", "¥5"),
    ],
)
def test_a_price_per_credit_is_exact_or_says_that_it_is_not(unit, currency, shown):
    assert Formats.of("en_US", "UTC").price(unit, currency) == shown


def test_an_end_at_local_midnight_is_the_day_before():
    end = datetime(2026, 11, 30, 23, tzinfo=UTC)

    assert Formats.of("en_US", "Europe/Berlin").until(end) == "November 30, 2026"
    assert Formats.of("en_US", "UTC").until(end) == f"November 30, 2026, 11:00{NARROW}PM"


def test_a_period_over_new_year_names_both_years():
    show = Formats.of("en_US", "UTC")
    start, end = datetime(2026, 11, 22, tzinfo=UTC), datetime(2027, 11, 22, tzinfo=UTC)

    assert plain(show.span(start, end)) == "Nov 22, 2026 – Nov 21, 2027"  # noqa: RUF001

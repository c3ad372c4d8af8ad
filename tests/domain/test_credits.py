"""Credits and quantities are exact or refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits import MICRO, MOST, format_credits, parse_credits, parse_quantity
from domain.errors import InvalidInput

micro_credits = st.integers(-MOST * MICRO, MOST * MICRO)
BIGINT_MAX = 2**63 - 1


@given(micro_credits)
def test_credits_survive_being_written_and_read(micro):
    assert parse_credits(format_credits(micro)) == micro


@given(micro_credits)
def test_written_credits_are_the_exact_decimal(micro):
    assert Decimal(format_credits(micro)) * MICRO == micro


@given(st.integers(1, MOST * MICRO))
def test_a_quantity_reads_the_same_as_text_and_as_decimal(micro):
    text = format_credits(micro)

    assert parse_quantity(text) == parse_quantity(Decimal(text)) == micro


@given(st.integers(1, MOST))
def test_a_whole_quantity_is_a_million_times_as_many_parts(whole):
    assert parse_quantity(whole) == parse_quantity(str(whole)) == whole * MICRO


def test_the_largest_quantity_fits_the_ledger():
    assert parse_quantity(MOST) == MOST * MICRO <= BIGINT_MAX


@pytest.mark.parametrize(
    ("micro", "text"),
    [(1_694_130_000, "1694.13"), (0, "0"), (-500_000, "-0.5"), (1, "0.000001"), (10**7, "10")],
)
def test_credits_are_written_as_short_as_exact(micro, text):
    assert format_credits(micro) == text


NOT_POSITIVE = (0, "0", "0.000000", Decimal(0), -1, "-1", Decimal("-0.5"))
NOT_FINITE = ("NaN", "Infinity", *map(Decimal, ("NaN", "sNaN", "Infinity", "-Infinity")))
TOO_LARGE = (MOST + 1, f"{MOST}.000001", "1" + "0" * 30, Decimal("1E+30"), 10**5000)
TOO_EXACT = ("0.0000001", "1.0000000", Decimal("0.0000001"), Decimal("1E-999999"))
OTHER_TYPES = (True, False, 1.0, 1.5, None, [], {}, b"1")
NOT_PLAIN = ("", " 1", "1 ", "1\n", "1e3", "+1", "0x10", ".5", "5.", "1,000", "1_000", "\u0661")


@pytest.mark.parametrize(
    "value",
    [*NOT_POSITIVE, *NOT_FINITE, *TOO_LARGE, *TOO_EXACT, *OTHER_TYPES, *NOT_PLAIN],
    ids=lambda value: type(value).__name__,
)
def test_a_quantity_that_is_not_positive_and_exact_is_refused(value):
    with pytest.raises(InvalidInput) as refusal:
        parse_quantity(value)

    assert refusal.value.reason == "invalid_quantity"
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "value", ["", "one", "1e3", "0.0000001", "NaN", "1000000000001", None, 1, 1.5, "--1", "1\n"]
)
def test_text_that_is_no_exact_number_of_credits_is_refused(value):
    with pytest.raises(InvalidInput) as refusal:
        parse_credits(value)

    assert refusal.value.reason == "invalid_credits"

"""Taxes by month and place tie to the book of taxes, and deferred revenue moves without them."""

from dataclasses import replace
from datetime import date, timedelta

from domain.payments.taxes import TaxBehavior, Taxed, TaxLine
from ledger.reports.charged import taxes
from ledger.reports.movement import deferred_movement
from ledger.reports.scope import Scope
from tests.builders import MONTH_END, START
from tests.ledger.returns import books, dispute, refund, sound
from tests.ledger.taxed import bought

YEAR = timedelta(days=366)
STATE = TaxLine("Sales tax", "US-NY", "4", 1_170, 47, "standard_rated")
CITY = TaxLine("City tax", "US-NY", "4.5", 1_170, 53, "standard_rated")
TWO = Taxed(TaxBehavior.EXCLUSIVE, 100, (STATE, CITY))
NOTHING = Taxed(TaxBehavior.EXCLUSIVE, 0, (replace(STATE, place="SG", percent="0", tax_minor=0),))


def scope(wallet):
    return Scope(START - YEAR, START + YEAR, wallet.account_id)


def test_each_tax_of_a_place_has_its_part_of_what_went_back(ledger):
    wallet, charge = bought(ledger, TWO, used=4_000)
    refund(ledger, wallet, charge)
    city, state = taxes(ledger, scope(wallet))
    assert [
        (one.name, one.charges, one.charged_minor, one.returned_minor) for one in (state, city)
    ] == [
        ("Sales tax", 1, 47, 28),
        ("City tax", 1, 53, 32),
    ]
    assert state.taxable_minor == city.taxable_minor == 1_170
    assert -(state.kept_minor + city.kept_minor) == books(ledger, wallet)["tax"]
    assert sound(ledger)


def test_what_went_back_counts_in_its_own_month_and_may_come_again(ledger):
    wallet, charge = bought(ledger, TWO)
    later = MONTH_END + timedelta(days=3)
    dispute(ledger, wallet, charge, "open", 1_270, at=later)
    found = taxes(ledger, scope(wallet))
    january, february = date(START.year, START.month, 1), date(later.year, later.month, 1)
    assert [(one.month, one.kept_minor) for one in found] == [
        (january, 53),
        (january, 47),
        (february, -53),
        (february, -47),
    ]
    dispute(ledger, wallet, charge, "won", 1_270, at=later)
    assert sum(one.kept_minor for one in taxes(ledger, scope(wallet))) == 100


def test_what_went_back_whole_in_some_months_leaves_nothing_of_any_tax(ledger):
    wallet, charge = bought(ledger, TWO)
    for month in range(1, 4):
        at = START + timedelta(days=31 * month)
        assert refund(ledger, wallet, charge, 420, key=f"r{month}", at=at).status == "refunded"
    whole, split = scope(wallet), START + timedelta(days=80)
    assert refund(ledger, wallet, charge, key="rest", at=at).status == "refunded"
    parted = [
        *taxes(ledger, replace(whole, end=split)),
        *taxes(ledger, replace(whole, start=split)),
    ]
    for found in (taxes(ledger, whole), parted):
        for name in ("Sales tax", "City tax"):
            assert sum(one.kept_minor for one in found if one.name == name) == 0
    assert sound(ledger)


def test_charges_alike_are_added_up(ledger):
    here = "US-AK"  # where no other test's customers are
    there = replace(TWO, lines=tuple(replace(one, place=here) for one in TWO.lines))
    for _ in range(3):
        bought(ledger, there)
    whole = Scope(START - YEAR, START + YEAR, None)
    city, state = [one for one in taxes(ledger, whole) if one.place == here]
    assert (city.charges, city.taxable_minor, city.charged_minor) == (3, 3 * 1_170, 3 * 53)
    assert (state.charges, state.charged_minor) == (3, 3 * 47)


def test_a_place_without_tax_is_a_row_of_zero(ledger):
    wallet, _ = bought(ledger, NOTHING)
    (row,) = taxes(ledger, scope(wallet))
    assert (row.place, row.charges, row.taxable_minor, row.charged_minor) == ("SG", 1, 1_170, 0)


def test_deferred_revenue_moves_as_if_there_were_no_tax(ledger):
    wallet, charge = bought(ledger, TWO, used=4_000)
    refund(ledger, wallet, charge)
    whole = scope(wallet)
    (month,) = [one for one in deferred_movement(ledger, whole) if one.cash_minor]
    assert (month.cash_minor, month.refunds_minor, month.closing_minor) == (1_170, 702, 0)
    less = month.revenue_minor + month.breakage_minor + month.refunds_minor + month.disputes_minor
    assert month.opening_minor + month.cash_minor - less == month.closing_minor

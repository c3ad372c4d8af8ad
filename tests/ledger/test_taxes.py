"""Tax is kept apart from revenue, to the last minor unit, whatever goes back and in any order."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.payments.taxes import TaxBehavior, Taxed
from ledger import grants
from ledger.payments import charges
from ledger.payments.booked import charges_by_id
from models.base import connect
from tests.builders import MONTH_END, left, use
from tests.ledger.returns import books, dispute, refund, seen, sound
from tests.ledger.tax_laws import TAX_LAWS
from tests.ledger.taxed import ADDED, INSIDE, VAT, again, bought, opened, pay, taxed_with


def test_tax_that_is_added_is_a_book_of_its_own(ledger):
    wallet, charge = bought(ledger)
    assert books(ledger, wallet) == {"cash": 1_404, "deferred_revenue": -1_170, "tax": -234}
    record = charges.charge(ledger, wallet.account_id, charge)
    assert (record.amount_minor, record.total_minor, record.taxed) == (1_170, 1_404, ADDED)
    use(ledger, wallet, 10_000)
    assert books(ledger, wallet) == {"cash": 1_404, "revenue": -1_170, "tax": -234}
    assert sound(ledger)


def test_tax_inside_the_price_is_no_revenue(ledger):
    wallet, charge = bought(ledger, INSIDE)
    assert books(ledger, wallet) == {"cash": 1_170, "deferred_revenue": -975, "tax": -195}
    record = charges.charge(ledger, wallet.account_id, charge)
    assert (record.amount_minor, record.price_minor, record.total_minor) == (975, 1_170, 1_170)
    assert again(ledger, wallet, charge) == "repeated"
    assert sound(ledger)


def test_a_place_without_tax_books_none_and_the_charge_says_so(ledger):
    nothing = Taxed(TaxBehavior.EXCLUSIVE, 0, (replace(VAT, place="SG", tax_minor=0),))
    wallet, charge = bought(ledger, nothing)
    assert books(ledger, wallet) == {"cash": 1_170, "deferred_revenue": -1_170}
    assert charges.charge(ledger, wallet.account_id, charge).taxed == nothing
    assert sound(ledger)


def test_6_000_of_10_000_go_back_with_their_tax(ledger):
    wallet, charge = bought(ledger, used=4_000)

    above = refund(ledger, wallet, charge, 843)
    assert (above.status, above.most_minor) == ("above_refundable", 842)
    assert refund(ledger, wallet, charge).amount_minor == 842

    assert left(ledger, wallet) == 0
    assert books(ledger, wallet) == {"cash": 1_404, "refunds": -842, "revenue": -468, "tax": -94}
    assert sound(ledger)


@pytest.mark.long
@given(
    price=st.integers(1, 3_000),
    tax=st.integers(0, 700),
    used=st.integers(0, 100),
    parts=st.lists(st.integers(1, 900), max_size=5),
    inside=st.booleans(),
)
def test_whatever_goes_back_and_however_the_tax_of_it_goes_along(
    ledger, price, tax, used, parts, inside
):
    savepoint = ledger.begin_nested()
    behavior = TaxBehavior.INCLUSIVE if inside else TaxBehavior.EXCLUSIVE
    tax = min(tax, price - 1) if inside else tax
    taxed = Taxed(behavior, tax, (replace(VAT, tax_minor=tax),))
    wallet, charge = bought(ledger, taxed, price, 100, used=used)
    for number, part in enumerate(parts):
        refund(ledger, wallet, charge, part, key=f"r{number}")
        assert sound(ledger)
    refund(ledger, wallet, charge, key="rest")
    assert sound(ledger)
    assert refund(ledger, wallet, charge, key="more").status == "above_refundable"
    grants.expire_due(ledger, wallet.account_id, MONTH_END)
    if not used:
        assert books(ledger, wallet).get("tax", 0) == 0
    assert sound(ledger)
    savepoint.rollback()


@pytest.mark.parametrize("order", [("refund", "dispute"), ("dispute", "refund")])
def test_all_of_it_going_back_in_two_ways_leaves_no_tax_in_any_order(ledger, order):
    wallet, charge = bought(ledger, used=4_000)
    ways = {
        "refund": lambda: seen(ledger, wallet, charge, 404),
        "dispute": lambda: dispute(ledger, wallet, charge, "open", 1_000),
    }
    for way in order:
        assert ways[way]() == "noted"
        assert sound(ledger)
    assert books(ledger, wallet) == {"cash": 1_404, "refunds": -404, "disputes": -1_000}
    assert dispute(ledger, wallet, charge, "won", 1_000) == "noted"
    assert books(ledger, wallet)["tax"] == -(234 - 67)
    assert sound(ledger)


def test_only_the_total_pays_a_charge(ledger):
    wallet, charge = opened(ledger)
    taxed_with(ledger, wallet, charge, ADDED)
    with pytest.raises(InvalidInput, match="wrong_amount"):
        pay(ledger, wallet, charge, 1_170)
    assert pay(ledger, wallet, charge, 1_404)
    assert taxed_with(ledger, wallet, charge, INSIDE) == "paid"


def test_a_new_invoice_may_say_something_else_of_the_same_price(ledger):
    wallet, charge = opened(ledger)
    for taxed in (INSIDE, ADDED, INSIDE):
        assert taxed_with(ledger, wallet, charge, taxed) == "taxed"
        assert charges.charge(ledger, wallet.account_id, charge).price_minor == 1_170
    assert pay(ledger, wallet, charge, 1_170)


def test_a_price_that_is_all_tax_is_refused(ledger):
    wallet, charge = opened(ledger)
    with pytest.raises(InvalidInput, match="wrong_amount"):
        taxed_with(ledger, wallet, charge, replace(INSIDE, tax_minor=1_170))


def test_the_processor_is_compared_with_the_total(ledger):
    wallet, charge = bought(ledger)
    refund(ledger, wallet, charge, 842)
    found = charges_by_id(ledger, charge)[charge]
    assert found.amount_minor == 1_404
    (listed,) = charges.listed(ledger, wallet.account_id, limit=5)
    assert (listed.amount_minor, listed.returned_minor, listed.taxed) == (1_404, 842, ADDED)


@pytest.mark.parametrize("law", TAX_LAWS)
def test_the_laws_of_tax_hold(database, law):
    engine = connect(database.url)
    law(engine, database)
    engine.dispose()

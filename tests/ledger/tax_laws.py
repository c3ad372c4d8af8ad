"""Laws of tax, for the battery of laws.py: each notices a seeded fault."""

# ruff: noqa: E501 - one mutant a line

from sqlalchemy import func, select

from ledger import balances
from ledger.payments import charges
from tests.builders import START
from tests.ledger.returns import refund
from tests.ledger.taxed import ADDED, INSIDE, again, bought, opened, taxed_with
from tests.ledger.undone import undone


def tax_is_apart_from_what_is_earned_and_goes_back_in_its_share(engine, _):
    with undone(engine) as connection:
        wallet, charge = bought(connection, used=4_000)
        assert balances.books(connection, wallet.account_id)["tax"] == -234
        assert refund(connection, wallet, charge, 843).status == "above_refundable"
        assert refund(connection, wallet, charge, 5).status == "refunded"
        assert balances.violations(connection) == []
        assert balances.books(connection, wallet.account_id)["tax"] == -233
        assert refund(connection, wallet, charge, key="rest").amount_minor == 837
        assert balances.violations(connection) == []
        assert balances.books(connection, wallet.account_id)["tax"] == -94


def only_the_total_pays_and_the_price_stays(engine, _):
    with undone(engine) as connection:
        wallet, charge = opened(connection)
        for taxed in (INSIDE, ADDED, INSIDE):
            assert taxed_with(connection, wallet, charge, taxed) == "taxed"
            assert charges.charge(connection, wallet.account_id, charge).price_minor == 1_170
        assert again(connection, wallet, charge) == "repeated"
        taxed_with(connection, wallet, charge, ADDED)
        call = func.mark_paid(wallet.account_id, charge, "in_1", 1_170, START)
        assert connection.scalar(select(call)) == "wrong_amount"


TAX_LAWS = (
    tax_is_apart_from_what_is_earned_and_goes_back_in_its_share,
    only_the_total_pays_and_the_price_stays,
)
TAX_FAULTS = (
    ("tax is earned", "mark_paid", r"-c\.amount_minor, -c\.tax_minor", "-c.amount_minor - c.tax_minor, 0"),
    ("less than the total pays", "mark_paid", r"c\.amount_minor \+ c\.tax_minor <> p_amount_minor", "c.amount_minor <> p_amount_minor"),
    ("tax stays when money goes back", "tax_in", r"least\(c\.tax_minor,", "least(0,"),
    ("the tax of what goes back is rounded down", "tax_in", r"\+ t\.both,", "+ 0,"),
    ("a refund leaves its tax", "with_tax", r"2 \* p_net::numeric \* c\.tax_minor", "0"),
    ("a new tax moves the price", "tax_charge", r"price := price_of\(c\)", "price := c.amount_minor"),
)  # fmt: skip

"""The report of discounts ties to the charges that were paid, in every currency and kind."""

from datetime import timedelta

from domain.payments.charges import ChargeKind
from ledger.payments import charges
from ledger.reports.charged import charged, discounts
from ledger.reports.layouts.discounts import discounts_sheet
from ledger.reports.scope import Scope
from tests.builders import START
from tests.ledger.couponed import a_coupon, a_period, opened, paid, redeem, with_coupon, with_plan
from tests.ledger.taxed import ADDED, taxed_with

YEAR = timedelta(days=366)


def scope(wallet, **changes):
    return Scope(START - YEAR, START + YEAR, wallet.account_id, **changes)


def test_each_code_has_its_charges_and_what_it_took_off(ledger):
    wallet, first = with_coupon(ledger, a_coupon("HALF"), minor=1_250)
    paid(ledger, wallet, first)
    _, second = with_coupon(ledger, a_coupon("ALL"), minor=2_500, charge="all", wallet=wallet)
    paid(ledger, wallet, second)
    _, void = with_coupon(ledger, a_coupon("HALF"), minor=1, charge="void", wallet=wallet)
    charges.mark_void(ledger, wallet.account_id, void, START)
    _, plain = opened(ledger, wallet, "plain")
    paid(ledger, wallet, plain)

    all_off, half = discounts(ledger, scope(wallet))

    assert (all_off.code, all_off.charges, all_off.discount_minor) == ("ALL", 1, 2_500)
    assert (half.code, half.price_minor, half.charged_minor) == ("HALF", 2_500, 1_250)
    (whole,) = charged(ledger, scope(wallet))
    assert whole.amount_minor == all_off.charged_minor + half.charged_minor + 2_500
    rows = discounts_sheet((half,)).rows
    assert rows == (
        ("orchard", "HALF", "manual purchase", "USD", "1", "1", "25.00", "12.50", "12.50"),
    )


def test_tax_that_is_added_is_no_part_of_it(ledger):
    wallet, charge = with_coupon(ledger, a_coupon(), price=1_670, minor=500)
    taxed_with(ledger, wallet, charge, ADDED)
    charges.mark_paid(
        ledger,
        account_id=wallet.account_id,
        charge_id=charge,
        invoice="in_taxed",
        amount_minor=1_404,
        at=START,
    )
    (row,) = discounts(ledger, scope(wallet))
    assert (row.price_minor, row.discount_minor, row.charged_minor) == (1_670, 500, 1_170)


def test_a_customer_counts_once_however_often(ledger):
    coupon = a_coupon("OFTEN", periods=None)
    wallet = with_plan(ledger, coupon)
    for number in range(2):
        charge = a_period(ledger, wallet, coupon, str(number), minor=2_500)
        charges.mark_paid(
            ledger,
            account_id=wallet.account_id,
            charge_id=charge,
            invoice=None,
            amount_minor=0,
            at=START,
        )
    _, pack = opened(ledger, wallet)
    assert redeem(ledger, wallet, pack, coupon) == "redeemed"
    paid(ledger, wallet, pack)
    found = {one.kind: (one.charges, one.customers) for one in discounts(ledger, scope(wallet))}
    assert found == {ChargeKind.PERIOD: (2, 1), ChargeKind.MANUAL: (1, 1)}

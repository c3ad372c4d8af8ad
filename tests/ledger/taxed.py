"""Charges with tax, with usual values."""

from dataclasses import replace

from domain.payments.charges import ChargeKind
from domain.payments.taxes import TaxBehavior, Taxed, TaxLine
from ledger import grants
from ledger.payments import charges, taxes
from tests.builders import START, a_subscribed_wallet, micro, use
from tests.ledger.returns import pack_grant

VAT = TaxLine("VAT", "GB", "20", 1_170, 234, "standard_rated")
ADDED = Taxed(TaxBehavior.EXCLUSIVE, 234, (VAT,))
INSIDE = Taxed(TaxBehavior.INCLUSIVE, 195, (replace(VAT, taxable_minor=975, tax_minor=195),))


def opened(ledger, price=1_170, quantity=10_000):
    wallet = a_subscribed_wallet(ledger, allowance=0)
    charge = f"{wallet.subscription_id}:pack"
    assert again(ledger, wallet, charge, price, quantity) == "opened"
    return wallet, charge


def again(ledger, wallet, charge, price=1_170, quantity=10_000):
    return charges.open_charge(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=charge,
        kind=ChargeKind.MANUAL,
        currency="USD",
        amount_minor=price,
        quantity_micro=micro(quantity),
        at=START,
    )


def taxed_with(ledger, wallet, charge, taxed):
    return taxes.tax_charge(ledger, wallet.account_id, charge, taxed=taxed, at=START)


def pay(ledger, wallet, charge, total):
    return charges.mark_paid(
        ledger,
        account_id=wallet.account_id,
        charge_id=charge,
        invoice=f"in_{charge}",
        amount_minor=total,
        at=START,
    )


def bought(ledger, taxed=ADDED, price=1_170, quantity=10_000, *, used=0):
    wallet, charge = opened(ledger, price, quantity)
    assert taxed_with(ledger, wallet, charge, taxed) == "taxed"
    pay(ledger, wallet, charge, taxed.total_of(price))
    grants.give(ledger, wallet.account_id, pack_grant(charge, quantity, taxed.net_of(price)), START)
    if used:
        assert use(ledger, wallet, used).status == "debited"
    return wallet, charge

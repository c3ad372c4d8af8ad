"""Charges granted before their money has come, with usual values."""

from domain.payments.charges import ChargeKind
from ledger import grants
from ledger.payments import charges, receivables
from tests.builders import NOON, START, a_subscribed_wallet, micro, use
from tests.ledger.returns import pack_grant

PRICE = 4_500


def on_its_way(ledger, wallet, charge, *, price=PRICE, quantity=1_000, at=START):
    """Open the charge of a purchase, whose money is on its way."""
    status = charges.open_charge(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=charge,
        kind=ChargeKind.MANUAL,
        currency="USD",
        amount_minor=price,
        quantity_micro=micro(quantity),
        at=at,
    )
    assert status == "opened", status
    return goes_on(ledger, wallet, charge, at=at)


def goes_on(ledger, wallet, charge, *, at=NOON):
    return charges.mark_processing(ledger, wallet.account_id, charge, f"in_{charge}", at)


def grant_early(ledger, wallet, charge, *, price=PRICE, quantity=1_000, at=START, **facts):
    """Grant a purchase before its money, as an activity does: at once with its book."""
    status = receivables.grant_before_money(ledger, wallet.account_id, charge, at)
    if status == "granted":
        grants.give(ledger, wallet.account_id, pack_grant(charge, quantity, price, **facts), at)
    return status


def a_debited_pack(ledger, quantity=1_000, price=PRICE, *, used=0, **facts):
    """A wallet with nothing but a pack whose money is on its way, used in part."""
    wallet = a_subscribed_wallet(ledger, allowance=0)
    charge = f"{wallet.subscription_id}:pack"
    on_its_way(ledger, wallet, charge, price=price, quantity=quantity)
    status = grant_early(ledger, wallet, charge, price=price, quantity=quantity, **facts)
    assert status == "granted"
    if used:
        assert use(ledger, wallet, used).status == "debited"
    return wallet, charge


def pay(ledger, wallet, charge, total=PRICE, *, at=NOON):
    return charges.mark_paid(
        ledger,
        account_id=wallet.account_id,
        charge_id=charge,
        invoice=f"in_{charge}",
        amount_minor=total,
        at=at,
    )


def fail(ledger, wallet, charge, *, attempt=1, at=NOON):
    return charges.mark_declined(
        ledger,
        account_id=wallet.account_id,
        charge_id=charge,
        invoice=f"in_{charge}",
        attempt=attempt,
        code="insufficient_funds",
        at=at,
    )


def void(ledger, wallet, charge, *, gone=False, at=NOON):
    return charges.mark_void(ledger, wallet.account_id, charge, at, gone=gone)

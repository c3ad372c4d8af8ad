"""Charges with a coupon, with usual values."""

from domain.payments.charges import ChargeKind
from domain.pricing.discounts import Coupon, CouponFor, Source
from ledger import grants
from ledger.payments import charges, coupons
from tests.builders import START, a_subscribed_wallet, micro
from tests.ledger.returns import pack_grant

LIST = "orchard"
ANY = (CouponFor.PACKS, CouponFor.MANUAL)


def a_coupon(code="SOME", **facts):
    usual = {"amount_minor": 500, "applies_to": ANY}
    return Coupon(code=code, **usual | facts)


def a_promotion(code, promotion, coupon="SUMMER", **left):
    """Make a coupon of the processor, `promotion` and `coupon` being its ids there."""
    return a_coupon(code, source=Source(coupon, promotion, **left))


def opened(ledger, wallet=None, charge="bought", price=2_500, quantity=1_000, at=START):
    """Open the charge of credits at a price; return its wallet and its id."""
    wallet = wallet or a_subscribed_wallet(ledger, allowance=0)
    charge_id = f"{wallet.subscription_id}:{charge}"
    status = charges.open_charge(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=charge_id,
        kind=ChargeKind.MANUAL,
        currency="USD",
        amount_minor=price,
        quantity_micro=micro(quantity),
        at=at,
    )
    assert status == "opened", status
    return wallet, charge_id


def redeem(ledger, wallet, charge, coupon, minor=500, at=START):
    return coupons.redeem(
        ledger,
        account_id=wallet.account_id,
        charge_id=charge,
        catalog=LIST,
        coupon=coupon,
        discount_minor=minor,
        at=at,
    )


def with_coupon(ledger, coupon, *, minor=500, price=2_500, charge="bought", wallet=None):
    """Open a charge and redeem a coupon with it, which is expected to be had."""
    wallet, charge_id = opened(ledger, wallet, charge, price)
    assert redeem(ledger, wallet, charge_id, coupon, minor) == "redeemed"
    return wallet, charge_id


def paid(ledger, wallet, charge, quantity=1_000):
    """Pay what is left of a charge, and grant what it buys."""
    left = charges.charge(ledger, wallet.account_id, charge).amount_minor
    charges.mark_paid(
        ledger,
        account_id=wallet.account_id,
        charge_id=charge,
        invoice=f"in_{charge}" if left else None,
        amount_minor=left,
        at=START,
    )
    grants.give(ledger, wallet.account_id, pack_grant(charge, quantity, left), START)


def for_plan(ledger, wallet, coupon, at=START):
    names = (wallet.account_id, wallet.subscription_id)
    return coupons.redeem_for_plan(ledger, *names, LIST, coupon=coupon, at=at)


def with_plan(ledger, coupon):
    """Make a wallet whose subscription was started with a coupon."""
    wallet = a_subscribed_wallet(ledger, allowance=0)
    assert for_plan(ledger, wallet, coupon) == "redeemed"
    return wallet


def a_period(ledger, wallet, coupon, name, minor=500, price=2_500):
    """Open the charge of a period, less what the coupon takes off it."""
    charge = f"{wallet.subscription_id}:period:{name}"
    status = charges.open_charge(
        ledger,
        account_id=wallet.account_id,
        subscription_id=wallet.subscription_id,
        charge_id=charge,
        kind=ChargeKind.PERIOD,
        currency="USD",
        amount_minor=price,
        quantity_micro=None,
        at=START,
    )
    assert status == "opened"
    coupons.discount_period(
        ledger, wallet.account_id, charge, coupon=coupon, discount_minor=minor, at=START
    )
    return charge

"""What a coupon takes off a price before it is paid, and the tax beside it or inside it."""

from tests.ledger.machine.model.arrival import arrive
from tests.ledger.machine.model.wallet import ModelCharge, Wallet

CREDITS = ("manual_purchase", "auto_purchase", "pack")


def redeem(wallet: Wallet, charge_id, coupon, minor, each, first, at):
    """Take a coupon's worth off an open charge; each customer has it so often (None: at will)."""
    arrive(wallet, at)
    charge = wallet.charges[charge_id]
    if charge.coupon == coupon:
        return "repeated"
    if charge.state != "open":
        return charge.state
    if charge.coupon or charge.is_taxed or not 1 <= minor <= charge.amount:
        return "wrong_amount"
    others = [one for name, one in wallet.charges.items() if name != charge_id]
    if each is not None and _redeemed(others, coupon) >= each:
        return "coupon_already_used"
    if first and any(one.kind in CREDITS and one.state != "void" for one in others):
        return "coupon_for_first_purchase"
    charge.coupon, charge.discount = coupon, minor
    charge.amount -= minor
    return "redeemed"


def _redeemed(charges: list[ModelCharge], coupon: str) -> int:
    """Count redemptions: one whose charge came to nothing is none."""
    return sum(one.coupon == coupon and one.state != "void" for one in charges)


def tax(wallet: Wallet, charge_id, minor, inside, at):
    """Keep the tax of a charge that is not paid; another invoice may say another."""
    arrive(wallet, at)
    charge = wallet.charges[charge_id]
    if charge.state != "open":
        return charge.state
    price, extra = charge.price, charge.extra_in_price
    net = price - minor if inside else price
    if net <= 0:
        return "wrong_amount"
    charge.amount, charge.tax, charge.tax_inside = net, minor, inside
    charge.is_taxed, charge.surcharge = True, (2 * extra * net + price) // (2 * price)
    charge.extra_in_price = extra
    return "taxed"

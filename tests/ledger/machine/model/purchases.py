"""What is bought, by hand or by itself, and what a shortfall comes to."""

from domain.money import Ratio, surcharged
from tests.ledger.machine.model.arrival import arrive
from tests.ledger.machine.model.grants import grant
from tests.ledger.machine.model.wallet import ModelCharge, Wallet

# A credit of these histories: far more than a minor unit of money has, as real ones have.
CREDIT = 40
AUTO_TYPE = "credits"
AUTO_UNIT = 10 * CREDIT
AUTO_PRICE = Ratio(9, CREDIT)
SURCHARGE = Ratio(30, 1)


def verdict(wallet: Wallet, credit_type: str, short: int, *, asked: bool = False) -> str:
    """Say what becomes of an event that is short of so much; a person may be asked instead."""
    if not (wallet.auto_on or asked) or credit_type != AUTO_TYPE:
        return "insufficient_credits"
    units = units_short(wallet, short)
    if units and _auto_purchased(wallet) + units * AUTO_UNIT > wallet.cap:
        return "cap_reached"
    return "purchase_needed"


def units_short(wallet: Wallet, short: int) -> int:
    """Return how many units cover a shortfall and what is owed, beside a purchase under way."""
    name = _open_auto(wallet)
    short += wallet.debt.get(AUTO_TYPE, 0)
    short -= wallet.charges[name].quantity if name else 0
    return -(-max(short, 0) // AUTO_UNIT)


def _open_auto(wallet) -> str | None:
    for name, charge in wallet.charges.items():
        if charge.kind == "auto_purchase" and charge.state == "open":
            return name
    return None


def _auto_purchased(wallet) -> int:
    return sum(
        charge.quantity
        for charge in wallet.charges.values()
        if charge.kind == "auto_purchase"
        and charge.state != "void"
        and charge.window_start == wallet.window()[0]
    )


def reserve(wallet: Wallet, charge_id, needed, at):
    """Reserve what an event of `needed` micro-credits waits for."""
    arrive(wallet, at)
    wallet.crossings = 0
    name = charge_id if charge_id in wallet.charges else _open_auto(wallet)
    if name:
        charge = wallet.charges[name]
        status = "repeated" if name == charge_id else "purchase_pending"
        return (status, name, charge.quantity, charge.price, charge.extra_in_price)
    reason = wallet.refusal() or (None if wallet.auto_on else "auto_purchase_off")
    free = wallet.available(AUTO_TYPE)
    if reason is None and free and free >= needed:
        reason = "not_needed"
    short = needed - free + wallet.debt.get(AUTO_TYPE, 0)
    quantity = AUTO_UNIT * max(1, -(-short // AUTO_UNIT))
    if reason is None and _auto_purchased(wallet) + quantity > wallet.cap:
        reason = "cap_reached"
    if reason:
        return (reason, None, 0, 0, 0)
    base, extra = surcharged(quantity, AUTO_PRICE, SURCHARGE, "USD")
    _open(wallet, charge_id, "auto_purchase", quantity=quantity, amount=base + extra, extra=extra)
    return ("reserved", charge_id, quantity, base + extra, extra)


def open_manual(wallet: Wallet, charge_id, quantity, amount, at):
    """Ask for credits by hand."""
    arrive(wallet, at)
    if charge_id in wallet.charges:
        old = wallet.charges[charge_id]
        same = (old.quantity, old.price + old.discount) == (quantity, amount)
        return "repeated" if same else "idempotency_conflict"
    reason = wallet.refusal()
    if reason:
        return reason
    _open(wallet, charge_id, "manual_purchase", quantity=quantity, amount=amount)
    return "opened"


def _open(wallet, charge_id, kind, *, quantity, amount, extra=0) -> ModelCharge:
    charge = ModelCharge(
        kind=kind,
        quantity=quantity,
        amount=amount,
        surcharge=extra,
        extra_in_price=extra,
        window_start=wallet.window()[0],
        opened_at=wallet.now,
    )
    wallet.charges[charge_id] = charge
    return charge


def purchase(wallet: Wallet, charge_id, kind, order, at):
    """Open a charge, pay it and give its first grant."""
    arrive(wallet, at)
    reason = None if kind == "period" else wallet.refusal()
    if reason:
        return (reason, None)
    facts = {"quantity": order.quantity_micro, "amount": order.cost_minor}
    _open(wallet, charge_id, kind, **facts).state = "paid"
    wallet.cash += order.cost_minor
    return ("opened", grant(wallet, order, at))


def pay(wallet: Wallet, charge_id, order, at, total=None):
    """Book the money of a charge, once, and give what it bought; `total` is with its tax."""
    arrive(wallet, at)
    charge = wallet.charges[charge_id]
    first = charge.state != "paid"
    if first:
        charge.state, charge.window_start = "paid", wallet.window()[0]
        wallet.cash += charge.total if total is None else total
    return (first, grant(wallet, order, at))


def decline(wallet: Wallet, charge_id, attempt, at):
    """Note that an attempt was declined."""
    arrive(wallet, at)
    charge = wallet.charges[charge_id]
    if charge.state != "open":
        return charge.state
    if charge.declines >= attempt:
        return "repeated"
    charge.declines = attempt
    return "declined"


def void(wallet: Wallet, charge_id, at):
    """Give a charge up, if it is open."""
    arrive(wallet, at)
    charge = wallet.charges[charge_id]
    charge.state = "void" if charge.state == "open" else charge.state
    return charge.state

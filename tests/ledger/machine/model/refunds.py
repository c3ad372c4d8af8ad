"""Refunds and disputes, in any order and any number of times."""

from tests.ledger.machine.model.arrival import arrive
from tests.ledger.machine.model.settlement import disputed_of, refunded_of, run_out, settle
from tests.ledger.machine.model.wallet import Wallet

DISPUTE_WAYS = ("open", "lost", "won")


def refund(wallet: Wallet, name, charge, amount, at):
    """Give money back for what is unused: an amount, or all there is."""
    arrive(wallet, at)
    if name in wallet.refunds:
        old = wallet.refunds[name]
        same = old[0] == charge and amount in (None, old[1])
        return ("repeated" if same else "idempotency_conflict", old[1], 0)
    if disputed_of(wallet, charge):
        return ("charge_disputed", 0, 0)
    paid = wallet.charges[charge]
    if not paid.total:
        return ("nothing_paid", 0, 0)
    run_out(wallet)
    unused = sum(g.returnable for g in wallet.grants_of(charge))
    most = max(0, paid.with_tax(unused) - refunded_of(wallet, charge))
    amount = most if amount is None else amount
    if not 1 <= amount <= most:
        return ("above_refundable", amount, most)
    wallet.refunds[name] = [charge, amount, "asked"]
    settle(wallet, charge)
    return ("refunded", amount, most)


def note_refund(wallet: Wallet, name, charge, amount, state, at):
    """Note what the processor says of a refund."""
    arrive(wallet, at)
    old = wallet.refunds.get(name)
    if old and old[:2] != [charge, amount]:
        return "idempotency_conflict"
    if old and old[2] != "asked" and state in (old[2], "made"):
        return "repeated"
    wallet.refunds[name] = [charge, amount, state]
    settle(wallet, charge)
    return "noted"


def note_dispute(wallet: Wallet, name, charge, amount, state, at):
    """Note what the processor says of a dispute; a first one turns automatic purchases off."""
    arrive(wallet, at)
    old = wallet.disputes.get(name)
    if old and old[:2] != [charge, amount]:
        return "idempotency_conflict"
    if old and DISPUTE_WAYS.index(state) <= DISPUTE_WAYS.index(old[2]):
        return "repeated"
    wallet.auto_on = wallet.auto_on and old is not None
    wallet.disputes[name] = [charge, amount, state]
    settle(wallet, charge)
    return "noted"

"""Which grants pay, in which order, and what draws from them leave."""

from domain.burn import Grant, burn_order
from tests.ledger.machine.model.wallet import Wallet


def in_burn_order(wallet: Wallet, grants) -> list[Grant]:
    """Sort grants; each keeps the ties that it was given."""

    def key(one):
        return (*burn_order(one)[:3], wallet.grants[one.grant_id].ties, one.grant_id)

    return sorted(grants, key=key)


def draws(wallet: Wallet, grants, *, credit_type, action, amount, at):
    """Return (grant, amount) drawn, and what is missing."""
    found = []
    for one in in_burn_order(wallet, grants):
        part = min(amount, one.usable(credit_type, action, at))
        if part > 0:
            found.append((one.grant_id, part))
            amount -= part
    return found, amount


def book(wallet: Wallet, drawn) -> None:
    """Take draws out of their grants; what is lent is owed."""
    for name, amount in drawn:
        grant = wallet.grants[name]
        grant.take(amount)
        if grant.lends:
            wallet.owe(grant.terms.credit_type, amount)

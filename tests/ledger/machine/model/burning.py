"""Which grants pay, in which order, and what draws from them leave."""

from domain.burn import Grant, burn_order, draw, tie_keys
from tests.ledger.machine.model.wallet import Wallet


def in_burn_order(wallet: Wallet, grants) -> list[Grant]:
    """Sort grants; each keeps the ties that it was given."""

    def key(one):
        return (*burn_order(one)[:3], wallet.grants[one.grant_id].ties, one.grant_id)

    return sorted(grants, key=key)


def ties_of(one: Grant):
    return tie_keys(one.tie_break, one.cost_minor, one.granted, one.effective_at)


def draws(wallet: Wallet, grants, *, credit_type, action, amount, at):
    """Return (grant, amount) drawn, and the shortfall.

    The rules say it, but for credits that moved on or came again: those keep the ties they had.
    """
    if all(wallet.grants[one.grant_id].ties == ties_of(one) for one in grants):
        ruled = draw(grants, credit_type=credit_type, action=action, amount=amount, at=at)
        if ruled is not None:
            return [(each.grant_id, each.amount) for each in ruled], 0
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

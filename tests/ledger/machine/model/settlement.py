"""What runs out, and what goes back with its money: facts are noted, then settled."""

from tests.ledger.machine.model.rollover import roll, waits
from tests.ledger.machine.model.wallet import ModelGrant, Wallet


def run_out(wallet: Wallet, by=None) -> int:
    """Expire what ends by an instant, after what may has moved on; return how much."""
    by = by or wallet.now
    roll(wallet, by)
    total = 0
    for grant in wallet.grants.values():
        ends = grant.terms.expires_at
        if ends is None or ends > by or not grant.unheld or waits(wallet, grant):
            continue
        wallet.seq += 1
        total += grant.unheld
        grant.expired += grant.unheld
        grant.take(grant.unheld)
    return total


def went_back(wallet: Wallet, charge) -> bool:
    facts = (*wallet.refunds.values(), *wallet.disputes.values())
    return any(fact[0] == charge for fact in facts)


def refunded_of(wallet: Wallet, charge) -> int:
    return sum(a for c, a, state in wallet.refunds.values() if c == charge and state != "failed")


def disputed_of(wallet: Wallet, charge) -> int:
    return sum(a for c, a, state in wallet.disputes.values() if c == charge and state != "won")


def _without_tax(wallet: Wallet, charge) -> tuple[int, int]:
    """Return what went back by refunds, and by disputes beyond them, net."""
    known, returned = wallet.charges[charge], refunded_of(wallet, charge)
    gone = returned + disputed_of(wallet, charge)
    net = returned - known.tax_in(returned)
    return net, gone - known.tax_in(gone) - net


def settle_again(wallet: Wallet, names, by=None) -> None:
    """Settle the charges of grants that moved, if any of their money went back."""
    charges = {wallet.grants[name].charge for name in names}
    for charge in sorted(c for c in charges if c and went_back(wallet, c)):
        settle(wallet, charge, by)


def settle(wallet: Wallet, charge, by=None) -> None:
    """Bring the grants of a charge to what all facts of it say."""
    run_out(wallet, by)
    grants = [g for g in wallet.grants_of(charge) if g.terms.cost_minor]
    returned, disputed = _without_tax(wallet, charge)
    back = min(returned + disputed, sum(g.returnable for g in grants))
    latest = sorted(grants, key=lambda g: (g.terms.effective_at, g.part), reverse=True)
    _spread(wallet, latest, back - sum(g.refunded_minor for g in grants))
    unpaid = disputed - max(0, back - returned)
    for grant in latest:
        _set_owed(wallet, grant, min(grant.used, grant.worth(unpaid)))
        cost = -(-grant.used * grant.terms.cost_minor // grant.terms.granted)
        unpaid = max(0, unpaid - cost)
    _take_companions(wallet, charge, returned + disputed)
    run_out(wallet, by)


def _spread(wallet, latest, change) -> None:
    """Take so much money back from the latest grants first, or give it back, the other way."""
    for grant in latest if change > 0 else reversed(latest):
        room = grant.returnable - grant.refunded_minor if change > 0 else grant.refunded_minor
        step = min(abs(change), room) * (1 if change > 0 else -1)
        change -= step
        if step:
            minor = grant.refunded_minor + step
            _take_back(wallet, grant, minor, grant.worth(minor))


def _take_back(wallet, grant, minor, amount) -> None:
    change = grant.refunded - amount
    wallet.seq += change != 0
    grant.refunded, grant.refunded_minor = amount, minor
    grant.take(-change)


def _take_companions(wallet, charge, gone) -> None:
    paid = max(1, wallet.charges[charge].amount)
    for grant in wallet.grants_of(charge):
        if grant.terms.cost_minor == 0:
            share = -(-grant.terms.granted * min(paid, gone) // paid)
            amount = min(share, grant.unheld + grant.refunded)
            if amount != grant.refunded:
                _take_back(wallet, grant, 0, amount)


def _set_owed(wallet: Wallet, grant: ModelGrant, owed) -> None:
    change, kind = owed - grant.owed, grant.terms.credit_type
    if not change:
        return
    standing = wallet.debt.get(kind, 0)
    grant.owed = owed
    wallet.seq += 1
    wallet.owe(kind, change)
    if standing + change < 0:
        ends = grant.terms.expires_at
        until = None if ends is None else max(ends, wallet.window()[1])
        wallet.give_again(grant, -standing - change, until)

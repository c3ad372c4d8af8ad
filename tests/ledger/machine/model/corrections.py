"""What a smaller quantity gives back."""

from tests.ledger.machine.model.arrival import arrive
from tests.ledger.machine.model.rollover import roll_again
from tests.ledger.machine.model.settlement import run_out, settle_again
from tests.ledger.machine.model.wallet import Wallet


def correct(wallet: Wallet, key, event, quantity, at):
    """Let an event be of a smaller quantity; a debit gives in proportion."""
    arrive(wallet, at)
    if key in wallet.corrections:
        asked, given = wallet.corrections[key]
        return ("repeated" if asked == (event, quantity) else "idempotency_conflict", given)
    hold = wallet.holds.get(event)
    if hold is not None and hold.state == "open":
        return ("event_held", 0)
    if hold is not None and event not in wallet.drawn:
        wallet.drawn[event] = _merged(hold.drawn) if hold.state == "captured" else []
    if event not in wallet.corrected and not wallet.drawn.get(event):
        return ("event_free", 0)
    whole = wallet.corrected.get(event, hold.captured if hold else wallet.keys[event][0][2])
    if quantity >= whole:
        return ("not_less", 0)
    given = _undo(wallet, event, _due(wallet, event, hold, quantity, whole))
    total = sum(part for _, part in given)
    wallet.corrected[event] = quantity
    wallet.corrections[key] = ((event, quantity), total)
    wallet.seq += 1
    for name, part in given:
        if wallet.grants[name].lends:
            _forgive(wallet, wallet.grants[name], part)
    run_out(wallet)
    roll_again(wallet, [(name, -part) for name, part in given])
    settle_again(wallet, [name for name, _ in given])
    return ("corrected", total)


def _merged(drawn):
    """Return the draws by grant, each where it was drawn last."""
    by_grant: dict[int, int] = {}
    for name, part in drawn:
        by_grant[name] = by_grant.pop(name, 0) + part
    return list(by_grant.items())


def _due(wallet, event, hold, quantity, whole):
    """Return what to give back; for held work the uncollected part is reduced first."""
    taken = sum(part for _, part in wallet.drawn[event])
    if hold is None:
        if quantity == 0:
            return taken
        return (2 * taken * (whole - quantity) + whole) // (2 * whole)
    cost = taken + hold.uncollected
    due = cost if quantity == 0 else min((whole - quantity) * hold.asked.rate, cost)
    spared = min(due, hold.uncollected)
    hold.uncollected -= spared
    return due - spared


def _undo(wallet, event, due):
    """Undo draws, the last first; return them."""
    given, left = [], []
    for name, part in reversed(wallet.drawn[event]):
        back = min(part, due)
        due -= back
        if back:
            wallet.grants[name].take(-back)
            given.append((name, back))
        if part > back:
            left.append((name, part - back))
    wallet.drawn[event] = left[::-1]
    return given


def _forgive(wallet, grant, amount) -> None:
    kind = grant.terms.credit_type
    standing = wallet.debt.get(kind, 0)
    wallet.owe(kind, -amount)
    if amount > standing:
        wallet.give_again(grant, amount - standing, wallet.window()[1])

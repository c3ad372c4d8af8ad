"""Credits set aside, and what becomes of them."""

from domain.burn import Draw
from tests.ledger.machine.model.arrival import arrive, end_hold
from tests.ledger.machine.model.burning import draws
from tests.ledger.machine.model.purchases import verdict
from tests.ledger.machine.model.wallet import ModelHold, Wallet, recall


def hold(wallet: Wallet, asked, at):
    """Set credits aside until they are captured, released or lapse."""
    content = ("hold", asked)
    if asked.key in wallet.keys:
        return recall(wallet.keys, asked.key, content)[:4]
    arrive(wallet, at)
    cost = asked.quantity * asked.rate
    reason = wallet.refusal() if cost else None
    if asked.until <= wallet.now:
        reason = "invalid_lapse"
    elif not reason and wallet.late_usage == "refuse" and asked.event_at < wallet.window()[0]:
        reason = "period_closed"
    if reason:
        return (reason, None, None, None)
    kind, action = asked.credit_type, asked.action
    free = wallet.available(kind, action)
    drawn, missing = draws(
        wallet, wallet.stock(), credit_type=kind, action=action, amount=cost, at=wallet.now
    )
    if missing:
        status = verdict(wallet, kind, missing)
        if status == "purchase_needed":  # counts on all that is available, whatever it is for
            free = wallet.available(kind)
        return (status, None, free, missing)
    for name, part in drawn:
        wallet.grants[name].set_aside(part)
    wallet.seq += 1
    left = wallet.available(kind, action)
    wallet.keys[asked.key] = (content, wallet.seq, left)
    lines = tuple(Draw(name, part) for name, part in drawn)
    wallet.holds[asked.key] = ModelHold(asked, wallet.seq, lines, asked.until)
    return ("held", wallet.seq, left, None)


def capture(wallet: Wallet, key, quantity, at):
    """Take what the work came to, out of the hold and beyond it."""
    arrive(wallet, at)
    found = wallet.holds.get(key)
    if found is None:
        return ("unknown_hold", None, None, 0, 0)
    if found.state == "captured":
        same = found.captured == quantity
        return ("repeated" if same else "idempotency_conflict", *found.ended)
    if found.state != "open":
        return (f"hold_{found.state}", *found.ended)
    taken = end_hold(wallet, found, "captured", quantity * found.asked.rate)
    found.captured = quantity
    left = wallet.available(found.asked.credit_type, found.asked.action)
    wallet.crossings += taken > 0 and left == 0
    return ("captured", *found.ended, taken, found.uncollected)


def release(wallet: Wallet, key, at):
    """Give a hold back."""
    arrive(wallet, at)
    found = wallet.holds.get(key)
    if found is None:
        return ("unknown_hold", None, None)
    if found.state == "released":
        return ("repeated", *found.ended)
    if found.state != "open":
        return (f"hold_{found.state}", *found.ended)
    end_hold(wallet, found, "released", 0)
    return ("released", *found.ended)


def extend(wallet: Wallet, key, until, at):
    """Let a hold lapse later."""
    arrive(wallet, at)
    found = wallet.holds.get(key)
    if found is None:
        return ("unknown_hold", None)
    if found.state != "open":
        return (f"hold_{found.state}", found.lapses_at)
    longer = until > found.lapses_at
    found.lapses_at = max(until, found.lapses_at)
    return ("extended" if longer else "repeated", found.lapses_at)


def lapse(wallet: Wallet, at):
    """Write down what has lapsed; return how many did."""
    before = len(wallet.open_holds())
    arrive(wallet, at)
    return before - len(wallet.open_holds())

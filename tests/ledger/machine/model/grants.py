"""What comes in and runs out, and what stops use: windows, pauses, a freeze."""

from domain.burn import Grant
from tests.ledger.machine.model.arrival import arrive
from tests.ledger.machine.model.settlement import run_out, settle, went_back
from tests.ledger.machine.model.wallet import PURCHASED, Wallet, recall


def grant(wallet: Wallet, order, at):
    """Give credits; what is owed is repaid out of them first."""
    arrive(wallet, at)
    content = ("grant", order.credit_type, order.quantity_micro, order.charge_id)
    if order.key in wallet.own_keys:
        status, _, left, _, _ = recall(wallet.own_keys, order.key, content)
        return status if status != "repeated" else left
    made = wallet.give(
        _terms(order),
        source=order.source,
        charge=order.charge_id,
        part=order.part or 0,
        rolls=_rolls(order.rolls),
        ties=order.ties,
    )
    name = wallet.seq
    first = wallet.available(order.credit_type)
    _repay(wallet, made)
    if made.charge and went_back(wallet, made.charge):
        settle(wallet, made.charge)
    wallet.own_keys[order.key] = (content, name, first)
    return wallet.available(order.credit_type)


def _terms(order) -> Grant:
    return Grant(
        grant_id=0,
        credit_type=order.credit_type,
        scope=order.scope,
        priority=order.priority,
        effective_at=order.effective_at,
        expires_at=order.expires_at,
        granted=order.quantity_micro,
        remaining=order.quantity_micro,
        held=0,
        cost_minor=order.cost_minor,
    )


def _rolls(rolls):
    if rolls is None:
        return (0, 1, 1, None)
    return (rolls.times, rolls.share.num, rolls.share.den, rolls.cap_micro)


def _repay(wallet, made) -> None:
    kind = made.terms.credit_type
    due = min(wallet.debt.get(kind, 0), made.terms.remaining)
    may = wallet.repays or made.source in PURCHASED
    if may and due and not made.lends and made.terms.usable(kind, None, wallet.now):
        wallet.seq += 1
        made.take(due)
        wallet.debt[kind] -= due


def expire(wallet: Wallet, at):
    """Book what has run out; money is earned and broken by then."""
    arrive(wallet, at)
    total = run_out(wallet)
    wallet.revenue = sum(one.earned for one in wallet.grants.values())
    wallet.breakage = sum(one.broken for one in wallet.grants.values())
    return total


def renew(wallet: Wallet, window, at):
    """Let a window be served."""
    arrive(wallet, at)
    if window not in wallet.windows:
        wallet.windows.append(window)


def pause(wallet: Wallet, cause, paused, at):
    """Pause for a cause, or take the cause away."""
    arrive(wallet, at)
    if (cause in wallet.paused) == paused:
        return False
    if paused:
        wallet.paused.append(cause)
    else:
        wallet.paused.remove(cause)
    return True


def freeze(wallet: Wallet, frozen, at):
    """Let what was bought wait for a paid plan."""
    arrive(wallet, at)
    changed, wallet.frozen = wallet.frozen != frozen, frozen
    return changed

"""What plain usage takes, alone or together."""

from domain.usage import Attempt, PricedWay, Terms
from tests.ledger.machine.model.arrival import arrive
from tests.ledger.machine.model.burning import book, draws
from tests.ledger.machine.model.purchases import verdict
from tests.ledger.machine.model.terms import content_of, debit_late
from tests.ledger.machine.model.wallet import Wallet, keep, recall


def debit(wallet: Wallet, event, at):
    """Take what an event costs, all or nothing."""
    content = content_of(event)
    if event.key in wallet.keys:
        return recall(wallet.keys, event.key, content)
    arrive(wallet, at)
    reason = wallet.refusal() if event.amount else None
    late = event.event_at < wallet.window()[0]
    if not reason and late and wallet.late_usage == "reopen":
        return debit_late(wallet, event, content, plain_terms(event))[:5]
    if not reason and late and wallet.late_usage == "refuse":
        reason = "period_closed"
    if reason:
        return (reason, None, None, None, False)
    return _debit_now(wallet, event, content)


def batch(wallet: Wallet, events, at):
    """Decide events in their order; what comes behind one that waits for a purchase waits too."""
    answers, waiting, known = [], False, set(wallet.keys)
    for event in events:
        if waiting and event.key not in known:
            answers.append(("purchase_needed", None, None, None, False))
        else:
            answers.append(debit(wallet, event, at))
            waiting = waiting or answers[-1][0] == "purchase_needed"
    return answers


def remove(wallet: Wallet, key, credit_type, amount, at):
    """Take credits away by hand."""
    content = ("adjustment", credit_type, amount)
    if key in wallet.own_keys:
        return recall(wallet.own_keys, key, content)[0]
    arrive(wallet, at)
    # "" is in no scope: a correction takes only what any action may use.
    free = wallet.available(credit_type, "")
    asked = {"credit_type": credit_type, "action": "", "amount": amount}
    drawn, missing = draws(wallet, wallet.terms(), **asked, at=wallet.now)
    if missing:
        return "insufficient_credits"
    for name, part in drawn:
        wallet.grants[name].take(part)
        wallet.grants[name].voided += part
    return keep(wallet, key, content, before=free, left=free - amount, known=wallet.own_keys)[0]


def plain_terms(event) -> Terms:
    """Return what an event of one price costs as terms that block at zero."""
    ways: tuple[PricedWay, ...] = ()
    if event.amount:
        ways = (PricedWay(event.credit_type, event.amount, event.quantity),)
    return Terms((Attempt(event.action, ways),), at_zero="block")


def _debit_now(wallet, event, content):
    free = wallet.available(event.credit_type, event.action)
    drawn, missing = draws(wallet, wallet.terms(), **_asked(event), at=wallet.now)
    if missing:
        status = verdict(wallet, event.credit_type, missing)
        if status == "purchase_needed":  # counts on all that is available, whatever it is for
            free = wallet.available(event.credit_type)
        return (status, None, free, missing, False)
    book(wallet, drawn)
    wallet.drawn[event.key] = list(drawn)
    return keep(wallet, event.key, content, before=free, left=free - event.amount)


def _asked(event):
    return {"credit_type": event.credit_type, "action": event.action, "amount": event.amount}

"""What usage on terms takes: of any grants, in its own window or in one that is over."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

from domain.credits import MICRO
from domain.reference.resolving import Resolved, WalletView, resolve
from domain.usage import Terms
from tests.ledger.machine.model.arrival import arrive
from tests.ledger.machine.model.burning import book, in_burn_order
from tests.ledger.machine.model.purchases import units_short, verdict
from tests.ledger.machine.model.rollover import move_back, roll_again, was
from tests.ledger.machine.model.settlement import settle_again
from tests.ledger.machine.model.wallet import Wallet, keep, recall

REOPEN_DAYS = 2
# Charged, served as another action; to be agreed to first: credits, and a purchase.
NOTHING = ({}, None, {}, False)
FITS = ("fits", "already_unlocked")


def debit_on_terms(wallet: Wallet, event, terms: Terms, at):
    """Take what terms come to, all or nothing; answer what was charged and what is asked too."""
    content = content_of(event)
    if event.key in wallet.keys:
        found = recall(wallet.keys, event.key, content)
        served = (*wallet.served[event.key], {}, False)
        return (*found, *(served if found[0] == "repeated" else NOTHING))
    if terms.once is not None and event.quantity != MICRO:
        return ("quantity_not_one", None, None, None, False, *NOTHING)
    arrive(wallet, at)
    return debit_late(wallet, event, content, terms)


def content_of(event):
    """Return what is compared where a key comes again."""
    return ("debit", event.action, event.quantity, event.event_at)


def debit_late(wallet: Wallet, event, content, terms: Terms):
    """Draw from the window of the event, if it may be reopened and has enough; else from now's."""
    late = event.event_at < wallet.window()[0]
    opened = None
    if late and wallet.late_usage == "reopen":
        terms = replace(terms, at_zero="block")
        opened = event.event_at if _reopens(wallet, event.event_at) else None
    resolved = _resolve(wallet, event, terms, opened) if opened else None
    if resolved is None or resolved.status not in FITS:
        opened, resolved = None, _resolve(wallet, event, terms, None)
    reason = wallet.refusal()
    if resolved.status == "already_unlocked" or not terms.attempts[0].ways:
        reason = None
    if not reason and late and wallet.late_usage == "refuse":
        reason = "period_closed"
    if reason:
        return (reason, None, None, None, False, *NOTHING)
    if resolved.status not in FITS:
        return _refused(wallet, terms, resolved)
    alone = replace(terms, attempts=terms.attempts[:1])
    first = _resolve(wallet, event, alone, opened).status in FITS
    return _take(wallet, event, content, resolved, opened=opened, degraded=not first)


def _reopens(wallet, event_at) -> bool:
    days = timedelta(days=REOPEN_DAYS)
    return any(s <= event_at < e and wallet.now < e + days for s, e in wallet.windows)


@dataclass(frozen=True, slots=True)
class _View(WalletView):
    """The grants as they stand in burn order."""

    def stock(self, credit_type, action, at):
        usable = ((one, one.usable(credit_type, action, at)) for one in self.grants)
        return [(one, free) for one, free in usable if free]


def _resolve(wallet, event, terms, opened) -> Resolved:
    stock, start = wallet.stock(), wallet.window()[0]
    if opened:
        stock = [replace(g, remaining=g.remaining + was(wallet, g.grant_id)) for g in stock]
        start = max(s for s, _ in wallet.windows if s <= opened)
    view = _View(
        grants=tuple(in_burn_order(wallet, stock)),
        counters=wallet.counters_of(start),
        limits=wallet.limits,
        debts=frozenset(g.grant_id for g in stock if wallet.grants[g.grant_id].lends),
    )
    return resolve(terms, event.quantity, view, opened or wallet.now)


def _refused(wallet, terms, resolved):
    """Say what a shortfall leads to: a purchase may be asked for, or made by itself."""
    status, asked, buys = resolved.status, dict(resolved.asked), False
    if status == "short":
        prompts = terms.at_zero == "prompt"
        status = verdict(wallet, resolved.last_type, resolved.missing_micro, asked=prompts)
        if status == "purchase_needed" and not terms.confirmed:
            buys = prompts and units_short(wallet, resolved.missing_micro) > 0
            status = "confirmation_required" if buys or asked else status
    missing = resolved.missing_micro or None
    left = None if status == "user_limit" else resolved.available_micro
    if status == "purchase_needed":
        left = wallet.available(resolved.last_type)
    facts = (asked, buys) if status == "confirmation_required" else ({}, False)
    return (status, None, left, missing, False, {}, None, *facts)


def _take(wallet, event, content, resolved, *, opened, degraded):
    """Draw from the stock of now, or of the event's own time with what expired of it."""
    drawn = [(one.grant_id, one.amount) for _, one in resolved.draws]
    _reopen_for(wallet, drawn)
    last = resolved.last_type or event.credit_type
    before = wallet.available(last, resolved.action)
    book(wallet, drawn)
    for name, by in resolved.moves.items():
        wallet.move(name, by, opened)
    wallet.drawn[event.key] = list(drawn)
    served = (dict(_charged(wallet, drawn)), resolved.action if degraded else None)
    wallet.served[event.key] = served
    first = wallet.grants[drawn[0][0]].terms.credit_type if drawn else last
    answer = keep(
        wallet,
        event.key,
        content,
        before=before,
        left=wallet.available(last, resolved.action),
        shown=wallet.available(first, resolved.action),
    )
    if opened:
        roll_again(wallet, drawn)
        settle_again(wallet, [name for name, _ in drawn])
    status = "debited" if resolved.status == "fits" else resolved.status
    return (status, *answer[1:], *served, {}, False)


def _charged(wallet, drawn) -> Counter[str]:
    taken: Counter[str] = Counter()
    for name, amount in drawn:
        taken[wallet.grants[name].terms.credit_type] += amount
    return taken


def _reopen_for(wallet, drawn) -> None:
    """Put back what draws take out of what expired or moved on."""
    parts: Counter[int] = Counter()
    for name, part in drawn:
        parts[name] += part
    for name, part in parts.items():
        grant = wallet.grants[name]
        move_back(wallet, grant, max(0, part - grant.unheld - grant.expired))
    backs = [
        (wallet.grants[name], part - wallet.grants[name].unheld) for name, part in parts.items()
    ]
    backs = [(grant, back) for grant, back in backs if back > 0]
    for grant, back in backs:
        grant.expired -= back
        grant.take(-back)
    wallet.seq += bool(backs)


def limit(wallet: Wallet, counter, credit_type, ceiling, at):
    """Let a counter take so much of a type in a window, or as it likes."""
    arrive(wallet, at)
    wallet.limits.pop((counter, credit_type), None)
    if ceiling is not None:
        wallet.limits[counter, credit_type] = ceiling

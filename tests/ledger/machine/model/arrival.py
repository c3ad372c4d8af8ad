"""Time passes, and never goes back; holds end at their own instants."""

from domain.burn import Draw
from domain.holds import is_open, settle
from tests.ledger.machine.model.burning import book, in_burn_order
from tests.ledger.machine.model.settlement import settle_again
from tests.ledger.machine.model.wallet import ModelHold, Wallet


def arrive(wallet: Wallet, at) -> None:
    """Let time pass; what lapses by then is released at its own instant."""
    at = max(wallet.now, at)
    due = [h for h in wallet.open_holds() if not is_open(h.lapses_at, at)]
    due.sort(key=lambda h: (h.lapses_at, h.seq))
    for hold in due:
        wallet.now = hold.lapses_at
        _close(wallet, hold, "lapsed", 0)
    wallet.now = at
    for hold in due:
        settle_again(wallet, {line.grant_id for line in hold.lines}, hold.lapses_at)


def end_hold(wallet: Wallet, hold: ModelHold, state: str, cost: int) -> int:
    """Capture `cost` of a hold and release the rest; return what was taken."""
    taken = _close(wallet, hold, state, cost)
    touched = {line.grant_id for line in hold.lines} | {name for name, _ in hold.drawn}
    settle_again(wallet, touched)
    return taken


def _close(wallet, hold, state, cost) -> int:
    """Write how a hold ends; what it draws beyond itself comes in burn order."""
    asked = hold.asked
    spare = [
        Draw(one.grant_id, one.usable(asked.credit_type, asked.action, wallet.now))
        for one in in_burn_order(wallet, wallet.stock())
    ]
    settled = settle(hold.lines, spare, cost)
    for line in hold.lines:
        wallet.grants[line.grant_id].set_aside(-line.amount)
    hold.drawn = tuple((d.grant_id, d.amount) for d in (*settled.of_hold, *settled.beyond))
    book(wallet, hold.drawn)
    hold.uncollected = settled.uncollected
    wallet.seq += 1
    hold.state = state
    hold.ended = (wallet.seq, wallet.available(asked.credit_type, asked.action))
    return cost - settled.uncollected


def stood_at(wallet: Wallet, decided_at, at) -> None:
    """Follow the wallet's clock after a repeat, which may move it on but decides nothing."""
    assert wallet.now <= decided_at <= max(wallet.now, at)
    wallet.now = decided_at

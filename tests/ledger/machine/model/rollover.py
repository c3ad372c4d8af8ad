"""Credits that move on into the next window, and what late usage makes of it."""

from dataclasses import replace

from domain.money import recognised
from tests.ledger.machine.model.wallet import ModelGrant, Wallet


def waits(wallet: Wallet, grant: ModelGrant) -> bool:
    """Tell whether what moves on out of a grant is still to be decided."""
    later = any(start > grant.terms.expires_at for start, _ in wallet.windows)
    return grant.rolls[0] > 0 and grant.rollable is None and not later


def roll(wallet: Wallet, by) -> None:
    """Let move on what may by an instant, into the window that begins where its own ends."""
    ends = dict(wallet.windows)
    while True:
        due = [
            grant
            for grant in wallet.grants.values()
            if grant.rolls[0]
            and grant.rollable is None
            and grant.terms.remaining
            and grant.terms.expires_at in ends
            and grant.terms.expires_at <= by
        ]
        if not due:
            return
        grant = min(due, key=_moves_first)
        _roll_one(wallet, grant, ends[grant.terms.expires_at])


def _roll_one(wallet, grant, until) -> None:
    _, num, den, _ = grant.rolls
    moved, room = grant.unheld * num // den, _room(wallet, grant)
    moved = moved if room is None else min(moved, room)
    grant.rollable = grant.unheld
    if moved:
        _move_on(wallet, grant, moved, until, grant.used)


def _move_on(wallet, grant, moved, until, before) -> None:
    times, num, den, cap = grant.rolls
    cost, granted = grant.terms.cost_minor, grant.terms.granted
    money = recognised(cost, before + moved, granted) - recognised(cost, before, granted)
    grant.take(moved)
    grant.rolled += moved
    grant.rolled_minor += money
    wallet.seq += 1
    parts = [g.part for g in wallet.grants_of(grant.charge)]
    wallet.give(
        replace(
            grant.terms,
            priority=15,
            effective_at=grant.terms.expires_at,
            expires_at=until,
            granted=moved,
            remaining=moved,
            held=0,
            cost_minor=money,
        ),
        source="rollover",
        charge=grant.charge,
        part=max(parts) + 1 if grant.charge else 0,
        rolls=(times - 1, num, den, cap),
        rolled_from=grant.terms.grant_id,
        ties=grant.ties,
    )


def was(wallet: Wallet, name) -> int:
    """Return what expired or moved on out of a grant, and is unused."""
    return wallet.grants[name].expired + _unused_of_rolled(wallet, name)


def _unused_of_rolled(wallet, name) -> int:
    return sum(
        grant.unheld + was(wallet, child)
        for child, grant in wallet.grants.items()
        if grant.rolled_from == name
    )


def move_back(wallet: Wallet, grant: ModelGrant, amount) -> None:
    """Undo so much of what moved on out of a grant, the last first."""
    moved = [g for g in wallet.grants.values() if g.rolled_from == grant.terms.grant_id]
    for one in reversed(moved):
        part = min(amount, one.unheld + was(wallet, one.terms.grant_id))
        if part <= 0:
            continue
        amount -= part
        move_back(wallet, one, max(0, part - one.unheld - one.expired))
        _reopen(wallet, one, part - one.unheld)
        gone, cost = one.terms.granted - one.terms.remaining, one.terms.cost_minor
        money = recognised(cost, gone + part, one.terms.granted)
        money -= recognised(cost, gone, one.terms.granted)
        one.take(part)
        one.unrolled += part
        one.rolled_minor += money
        grant.take(-part)
        grant.rolled -= part
        grant.rolled_minor -= money
        wallet.seq += 2


def _reopen(wallet, grant, amount) -> None:
    if amount > 0:
        grant.expired -= amount
        grant.take(-amount)
        wallet.seq += 1


def _room(wallet, grant) -> int | None:
    """What the cap of a window leaves: that of the plan in force at its end."""
    window = [
        g
        for g in wallet.grants.values()
        if g.rolls[0]
        and (g.terms.expires_at, g.terms.credit_type)
        == (grant.terms.expires_at, grant.terms.credit_type)
    ]
    cap = max(window, key=lambda g: (g.source != "rollover", g.terms.grant_id)).rolls[3]
    return None if cap is None else max(0, cap - sum(g.rolled for g in window))


def roll_again(wallet: Wallet, drawn) -> None:
    """Decide again what moves on out of windows that were drawn from when they were over."""
    for name, part in drawn:
        grant = wallet.grants[name]
        if grant.rollable is not None:
            grant.rollable = max(0, grant.rollable - part)
    touched = {
        (wallet.grants[name].terms.expires_at, wallet.grants[name].terms.credit_type)
        for name, _ in drawn
    }
    again = [
        grant
        for grant in wallet.grants.values()
        if grant.rollable is not None
        and (grant.terms.expires_at, grant.terms.credit_type) in touched
    ]
    for grant in sorted(again, key=_moves_first):
        _decide_again(wallet, grant)


def _decide_again(wallet, grant) -> None:
    _, num, den, _ = grant.rolls
    target, room = grant.rollable * num // den, _room(wallet, grant)
    if room is not None:
        target = min(target, room + grant.rolled)
    if target < grant.rolled:
        back = min(grant.rolled - target, _unused_of_rolled(wallet, grant.terms.grant_id))
        if back:
            move_back(wallet, grant, back)
            grant.take(back)
            grant.expired += back
            wallet.seq += 1
        return
    until = dict(wallet.windows)[grant.terms.expires_at]
    more = min(target - grant.rolled, grant.expired)
    if more and until > wallet.now:
        _reopen(wallet, grant, more)
        gone = grant.terms.granted - grant.terms.remaining
        _move_on(wallet, grant, more, until, gone)


def _moves_first(grant):
    return (grant.terms.expires_at, -grant.rolls[0], grant.terms.grant_id)

"""Credits that move on, and windows that are looked at again, in the model of the whole."""

from dataclasses import dataclass, replace

from domain.burn import Grant
from domain.money import recognised
from tests.ledger.hold_model import HoldingWallet
from tests.ledger.model import ModelGrant


@dataclass
class WholeGrant(ModelGrant):
    """A grant, and where its credits and its money went beside use."""

    source: str = "bonus"
    charge: str | None = None
    part: int = 0
    refunded: int = 0
    refunded_minor: int = 0
    owed: int = 0
    rolled: int = 0
    rolled_minor: int = 0
    unrolled: int = 0
    rolled_from: int | None = None
    rollable: int | None = None  # what was unused when it was decided what moves on
    rolls: tuple[int, int, int, int | None] = (0, 1, 1, None)  # times left, share, cap
    ties: tuple[int, int] = (0, 0)

    @property
    def used(self) -> int:
        gone = self.expired + self.voided + self.refunded + self.rolled + self.unrolled
        return self.terms.granted - self.terms.remaining - gone

    @property
    def unheld(self) -> int:
        return self.terms.remaining - self.terms.held

    @property
    def returnable(self) -> int:
        """What its unused credits cost, with those that went back."""
        return (self.unheld + self.refunded) * self.terms.cost_minor // self.terms.granted

    def worth(self, minor: int) -> int:
        return -(-minor * self.terms.granted // self.terms.cost_minor)


@dataclass
class RollingWallet(HoldingWallet):
    """What moves on into the next window, and what late usage makes of it."""

    def _waits(self, grant) -> bool:
        later = any(start > grant.terms.expires_at for start, _ in self.windows)
        return grant.rolls[0] > 0 and grant.rollable is None and not later

    def _roll(self, by) -> None:
        ends = dict(self.windows)
        while True:
            due = [
                grant
                for grant in self.grants.values()
                if grant.rolls[0]
                and grant.rollable is None
                and grant.terms.remaining
                and grant.terms.expires_at in ends
                and grant.terms.expires_at <= by
            ]
            if not due:
                return
            grant = min(due, key=self._moves_first)
            self._roll_one(grant, ends[grant.terms.expires_at])

    def _roll_one(self, grant, until) -> None:
        _, num, den, _ = grant.rolls
        moved, room = grant.unheld * num // den, self._room(grant)
        moved = moved if room is None else min(moved, room)
        grant.rollable = grant.unheld
        if moved:
            self._move_on(grant, moved, until)

    def _move_on(self, grant, moved, until, before=None) -> None:
        times, num, den, cap = grant.rolls
        before = grant.used if before is None else before
        cost, granted = grant.terms.cost_minor, grant.terms.granted
        money = recognised(cost, before + moved, granted) - recognised(cost, before, granted)
        grant.take(moved)
        grant.rolled += moved
        grant.rolled_minor += money
        self.seq += 1
        parts = [g.part for g in self.grants.values() if g.charge == grant.charge]
        self._give(
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

    def _was(self, name) -> int:
        """What expired or moved on out of a grant, and is unused."""
        return self.grants[name].expired + self._unused_of_rolled(name)

    def _unused_of_rolled(self, name) -> int:
        return sum(
            grant.unheld + self._was(child)
            for child, grant in self.grants.items()
            if grant.rolled_from == name
        )

    def _move_back(self, grant, amount) -> None:
        moved = [g for g in self.grants.values() if g.rolled_from == grant.terms.grant_id]
        for one in reversed(moved):
            part = min(amount, one.unheld + self._was(one.terms.grant_id))
            if part <= 0:
                continue
            amount -= part
            self._move_back(one, max(0, part - one.unheld - one.expired))
            self._reopen(one, part - one.unheld)
            gone, cost = one.terms.granted - one.terms.remaining, one.terms.cost_minor
            money = recognised(cost, gone + part, one.terms.granted)
            money -= recognised(cost, gone, one.terms.granted)
            one.take(part)
            one.unrolled += part
            one.rolled_minor += money
            grant.take(-part)
            grant.rolled -= part
            grant.rolled_minor -= money
            self.seq += 2

    def _reopen(self, grant, amount) -> None:
        if amount > 0:
            grant.expired -= amount
            grant.take(-amount)
            self.seq += 1

    def _room(self, grant) -> int | None:
        """What the cap of a window leaves: that of the plan in force at its end."""
        window = [
            g
            for g in self.grants.values()
            if g.rolls[0]
            and (g.terms.expires_at, g.terms.credit_type)
            == (grant.terms.expires_at, grant.terms.credit_type)
        ]
        cap = max(window, key=lambda g: (g.source != "rollover", g.terms.grant_id)).rolls[3]
        return None if cap is None else max(0, cap - sum(g.rolled for g in window))

    def _roll_again(self, draws) -> None:
        for name, part in draws:
            grant = self.grants[name]
            if grant.rollable is not None:
                grant.rollable = max(0, grant.rollable - part)
        touched = {
            (self.grants[name].terms.expires_at, self.grants[name].terms.credit_type)
            for name, _ in draws
        }
        again = [
            grant
            for grant in self.grants.values()
            if grant.rollable is not None
            and (grant.terms.expires_at, grant.terms.credit_type) in touched
        ]
        for grant in sorted(again, key=self._moves_first):
            self._decide_again(grant)

    def _decide_again(self, grant) -> None:
        _, num, den, _ = grant.rolls
        target, room = grant.rollable * num // den, self._room(grant)
        if room is not None:
            target = min(target, room + grant.rolled)
        if target < grant.rolled:
            back = min(grant.rolled - target, self._unused_of_rolled(grant.terms.grant_id))
            if back:
                self._move_back(grant, back)
                grant.take(back)
                grant.expired += back
                self.seq += 1
            return
        until, more = (
            dict(self.windows)[grant.terms.expires_at],
            min(target - grant.rolled, grant.expired),
        )
        if more and until > self.now:
            self._reopen(grant, more)
            gone = grant.terms.granted - grant.terms.remaining
            self._move_on(grant, more, until, gone)

    @staticmethod
    def _moves_first(grant):
        return (grant.terms.expires_at, -grant.rolls[0], grant.terms.grant_id)

    def _give(self, terms: Grant, **facts) -> "WholeGrant":
        self.seq += 1
        made = WholeGrant(replace(terms, grant_id=self.seq), **facts)
        self.grants[self.seq] = made
        return made

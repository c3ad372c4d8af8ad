"""Corrections of usage, in the model of the whole."""

from dataclasses import dataclass, field, replace

from tests.ledger.whole_returns import ReturningWallet


@dataclass
class CorrectingWallet(ReturningWallet):
    """What a smaller quantity gives back."""

    corrected: dict[str, int] = field(default_factory=dict)  # by usage key: what it came to
    answers: dict[str, tuple] = field(default_factory=dict)

    def correct(self, key, event, quantity, at):
        """Let an event be of a smaller quantity; a debit gives in proportion."""
        self.arrive(at)
        if key in self.answers:
            asked, given = self.answers[key]
            return ("repeated" if asked == (event, quantity) else "idempotency_conflict", given)
        hold = self.holds.get(event)
        if hold is not None and hold.state == "open":
            return ("event_held", 0)
        if hold is not None and event not in self.drawn:
            self.drawn[event] = _merged(hold.drawn) if hold.state == "captured" else []
        if event not in self.corrected and not self.drawn.get(event):
            return ("event_free", 0)
        whole = self.corrected.get(event, hold.captured if hold else self.keys[event][0][2])
        if quantity >= whole:
            return ("not_less", 0)
        given = self._undo(event, self._due(event, hold, quantity, whole))
        self.corrected[event] = quantity
        self.answers[key] = ((event, quantity), sum(part for _, part in given))
        self.seq += 1
        for name, part in given:
            if self._lends(self.grants[name]):
                self._forgive(self.grants[name].terms, part, self.grants[name].ties)
        self.expire(self.now)
        self._roll_again([(name, -part) for name, part in given])
        self.settle_again([name for name, _ in given])
        return ("corrected", self.answers[key][1])

    def _due(self, event, hold, quantity, whole):
        """Return what is to be given back; held work takes off first what was not collected."""
        taken = sum(part for _, part in self.drawn[event])
        if hold is not None:
            less = min((whole - quantity) * hold.asked.rate, taken + hold.uncollected)
            due = taken + hold.uncollected if quantity == 0 else less
            spared = min(due, hold.uncollected)
            hold.uncollected -= spared
            return due - spared
        return taken if quantity == 0 else (2 * taken * (whole - quantity) + whole) // (2 * whole)

    def _undo(self, event, due):
        """Undo draws, the last first; return them."""
        given, left = [], []
        for name, part in reversed(self.drawn[event]):
            back = min(part, due)
            due -= back
            if back:
                self.grants[name].take(-back)
                given.append((name, back))
            if part > back:
                left.append((name, part - back))
        self.drawn[event] = left[::-1]
        return given

    def _forgive(self, terms, amount, ties) -> None:
        standing = self.debt.get(terms.credit_type, 0)
        self.debt[terms.credit_type] = max(0, standing - amount)
        if amount <= standing:
            return
        again = replace(
            terms,
            effective_at=self.now,
            expires_at=self.window()[1] if self.window()[1] > self.now else None,
            granted=amount - standing,
            remaining=amount - standing,
            held=0,
            cost_minor=0,
        )
        self._give(again, source="adjustment", ties=ties)


def _merged(draws):
    """Return the draws by grant, each where it was drawn last."""
    by_grant = {}
    for name, part in draws:
        by_grant[name] = by_grant.pop(name, 0) + part
    return list(by_grant.items())

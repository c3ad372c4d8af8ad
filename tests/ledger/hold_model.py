"""A wallet with holds as the rules describe it, and the ledger's behind the same methods."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.burn import Draw, burn_order, draw
from domain.holds import is_open, settle
from domain.usage import PricedEvent, UsageEvent
from ledger import balances
from ledger.usage import holds
from tests.ledger.model import ModelWallet
from tests.ledger.real import RealWallet


@dataclass(frozen=True, slots=True)
class Ask:
    """A hold of a history: `rate` micro-credits per unit of quantity."""

    key: str
    action: str
    quantity: int
    event_at: datetime
    credit_type: str
    rate: int
    until: datetime


@dataclass
class ModelHold:
    asked: Ask
    seq: int
    lines: tuple[Draw, ...]
    lapses_at: datetime
    state: str = "open"
    captured: int | None = None
    drawn: tuple[tuple[int, int], ...] = ()  # what a capture took: grant and amount
    uncollected: int = 0
    ended: tuple[int, int] = (0, 0)  # its entry, and what was available after it


@dataclass
class HoldingWallet(ModelWallet):
    """What a wallet does about holds."""

    holds: dict[str, ModelHold] = field(default_factory=dict)

    def arrive(self, at):
        """Time passes, and what lapses by then is released at its own instant."""
        at = max(self.now, at)
        due = [h for h in self.open_holds() if not is_open(h.lapses_at, at)]
        for hold in sorted(due, key=lambda h: (h.lapses_at, h.seq)):
            self.now = hold.lapses_at
            self._end(hold, "lapsed", 0)
        self.now = at
        for hold in sorted(due, key=lambda h: (h.lapses_at, h.seq)):
            self.settle_again({line.grant_id for line in hold.lines}, hold.lapses_at)

    def settle_again(self, names, by=None):
        """Nothing goes back here."""

    def open_holds(self):
        return [hold for hold in self.holds.values() if hold.state == "open"]

    def available_at(self, credit_type, at):
        """What any action could use at an instant, nothing else happening before."""
        lapsed = [hold for hold in self.open_holds() if not is_open(hold.lapses_at, at)]
        back = {}
        for line in (line for hold in lapsed for line in hold.lines):
            back[line.grant_id] = back.get(line.grant_id, 0) + line.amount
        freed = [replace(one, held=one.held - back.get(one.grant_id, 0)) for one in self.terms()]
        return sum(one.usable(credit_type, None, at) for one in freed)

    def hold(self, asked, at):
        content = ("hold", asked)
        if asked.key in self.keys:
            return self._recall(self.keys, asked.key, content)[:4]
        self.arrive(at)
        cost = asked.quantity * asked.rate
        reason = self.refusal() if cost else None
        if asked.until <= self.now:
            reason = "invalid_lapse"
        elif not reason and self.late_usage == "refuse" and asked.event_at < self.window()[0]:
            reason = "period_closed"
        if reason:
            return (reason, None, None, None)
        free = self.available(asked.credit_type, asked.action)
        lines = draw(
            grants=self.terms(),
            credit_type=asked.credit_type,
            action=asked.action,
            amount=cost,
            at=self.now,
        )
        if lines is None:
            return (self._verdict(asked.credit_type, cost - free), None, free, cost - free)
        self._hold(lines, 1)
        self.seq += 1
        self.keys[asked.key] = (content, self.seq, free - cost)
        self.holds[asked.key] = ModelHold(asked, self.seq, lines, asked.until)
        return ("held", self.seq, free - cost, None)

    def spare(self):
        """Return what a capture may draw beyond its hold, in burn order."""
        return sorted(self.terms(), key=burn_order)

    def _hold(self, lines, sign):
        for line in lines:
            grant = self.grants[line.grant_id]
            grant.terms = replace(grant.terms, held=grant.terms.held + sign * line.amount)

    def _end(self, hold, state, cost):
        """Write how a hold ends; return what was taken and what was not collected."""
        asked = hold.asked
        spare = [
            Draw(one.grant_id, one.usable(asked.credit_type, asked.action, self.now))
            for one in self.spare()
        ]
        settled = settle(hold.lines, spare, cost)
        self._hold(hold.lines, -1)
        for line in (*settled.of_hold, *settled.beyond):
            self.grants[line.grant_id].take(line.amount)
        hold.drawn = tuple((d.grant_id, d.amount) for d in (*settled.of_hold, *settled.beyond))
        hold.uncollected = settled.uncollected
        self.seq += 1
        hold.state = state
        hold.ended = (self.seq, self.available(asked.credit_type, asked.action))
        return cost - settled.uncollected, settled.uncollected

    def _answer(self, hold, status):
        return (status, *hold.ended)

    def capture(self, key, quantity, at):
        self.arrive(at)
        hold = self.holds.get(key)
        if hold is None:
            return ("unknown_hold", None, None, 0, 0)
        if hold.state == "captured":
            same = hold.captured == quantity
            return self._answer(hold, "repeated" if same else "idempotency_conflict")
        if hold.state != "open":
            return self._answer(hold, f"hold_{hold.state}")
        taken, missing = self._end(hold, "captured", quantity * hold.asked.rate)
        hold.captured = quantity
        left = self.available(hold.asked.credit_type, hold.asked.action)
        self.crossings += taken > 0 and left == 0
        return (*self._answer(hold, "captured"), taken, missing)

    def release(self, key, at):
        self.arrive(at)
        hold = self.holds.get(key)
        if hold is None:
            return ("unknown_hold", None, None)
        if hold.state == "released":
            return self._answer(hold, "repeated")
        if hold.state != "open":
            return self._answer(hold, f"hold_{hold.state}")
        self._end(hold, "released", 0)
        return self._answer(hold, "released")

    def extend(self, key, until, at):
        self.arrive(at)
        hold = self.holds.get(key)
        if hold is None:
            return ("unknown_hold", None)
        if hold.state != "open":
            return (f"hold_{hold.state}", hold.lapses_at)
        longer = until > hold.lapses_at
        hold.lapses_at = max(until, hold.lapses_at)
        return ("extended" if longer else "repeated", hold.lapses_at)

    def lapse(self, at):
        before = len(self.open_holds())
        self.arrive(at)
        return before - len(self.open_holds())


@dataclass
class RealHoldingWallet(RealWallet):
    """The ledger's holds."""

    def hold(self, asked, at):
        event = UsageEvent(asked.key, asked.action, asked.quantity, asked.event_at)
        priced = PricedEvent(event, asked.credit_type, asked.quantity * asked.rate)
        one = holds.hold(
            self.connection, account_id=self.account, priced=priced, lapses_at=asked.until, at=at
        )
        return (one.status, one.seq, one.available_micro, one.missing_micro)

    def capture(self, key, quantity, at):
        one = holds.capture(
            self.connection, account_id=self.account, key=key, quantity_micro=quantity, at=at
        )
        answer = (one.status, one.seq, one.available_micro)
        if one.status not in ("captured", "unknown_hold"):
            return answer
        return (*answer, sum(dict(one.taken).values()), sum(dict(one.uncollected).values()))

    def release(self, key, at):
        one = holds.release(self.connection, self.account, key, at)
        return (one.status, one.seq, one.available_micro)

    def extend(self, key, until, at):
        one = holds.extend(
            self.connection, account_id=self.account, key=key, lapses_at=until, at=at
        )
        return (one.status, one.lapses_at)

    def lapse(self, at):
        return holds.lapse_due(self.connection, self.account, at)

    def available_at(self, credit_type, at):
        return balances.available(self.connection, self.account, credit_type, at)

    def as_of(self, at):
        """Return what was available and held at an instant, by credit type."""
        found = balances.balances_as_of(self.connection, self.account, at)
        return {one.credit_type: (one.available_micro, one.held_micro) for one in found}

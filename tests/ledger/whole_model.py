"""A wallet with everything at once, as the rules describe it: what the parts do to each other."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

from domain.burn import Draw, Grant, burn_order
from tests.ledger.hold_model import ModelHold
from tests.ledger.whole_rollover import RollingWallet

PURCHASED = ("pack", "manual_purchase", "auto_purchase")
REOPEN_DAYS = 2


@dataclass
class WholeWallet(RollingWallet):
    """Holds, purchases, refunds, disputes, rollover, late usage, overdraft and frozen credits."""

    repays: bool = False
    frozen: bool = False
    debt: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, list] = field(default_factory=dict)  # name: charge, amount, state
    disputes: dict[str, list] = field(default_factory=dict)
    drawn: dict[str, list] = field(default_factory=dict)  # by usage key: what it still takes

    def terms(self) -> list[Grant]:
        """What a plain debit may draw: nothing frozen, and no debt."""
        return [
            g.terms for g in self.grants.values() if not self._is_shut(g) and not self._lends(g)
        ]

    def stock(self) -> list[Grant]:
        """What terms and holds may draw: the overdraft too."""
        return [grant.terms for grant in self.grants.values() if not self._is_shut(grant)]

    def _is_shut(self, grant) -> bool:
        return self.frozen and grant.source in PURCHASED

    @staticmethod
    def _lends(grant) -> bool:
        return grant.source == "overdraft"

    def owed(self, credit_type):
        return self.debt.get(credit_type, 0)

    def in_burn_order(self, grants):
        def key(one):
            return (*burn_order(one)[:3], self.grants[one.grant_id].ties, one.grant_id)

        return sorted(grants, key=key)

    def spare(self):
        return self.in_burn_order(self.stock())

    def _draws(self, grants, credit_type, action, amount, at):
        """Return (grant, amount) drawn, and what is missing."""
        found = []
        for one in self.in_burn_order(grants):
            part = min(amount, one.usable(credit_type, action, at))
            if part > 0:
                found.append((one.grant_id, part))
                amount -= part
        return found, amount

    def _book_draws(self, draws) -> None:
        for name, amount in draws:
            grant = self.grants[name]
            grant.take(amount)
            if self._lends(grant):
                self._owe(grant.terms.credit_type, amount)

    def _owe(self, credit_type, amount) -> None:
        self.debt[credit_type] = max(0, self.debt.get(credit_type, 0) + amount)

    # Usage

    def _take(self, key, content, credit_type, action, amount, *, is_debit=True):
        free = self.available(credit_type, action)
        draws, missing = self._draws(
            grants=self.terms(), credit_type=credit_type, action=action, amount=amount, at=self.now
        )
        if missing:
            verdict = self._verdict(credit_type, missing) if is_debit else "insufficient_credits"
            return (verdict, None, free, missing, False)
        for name, part in draws:
            self.grants[name].take(part)
            self.grants[name].voided += 0 if is_debit else part
        if is_debit:
            self.drawn[key] = list(draws)
        return self._debited(
            key=key,
            content=content,
            free=free,
            left=free - amount,
            amount=amount,
            is_debit=is_debit,
        )

    def _debited(self, key, content, free, left, amount, *, is_debit=True):
        self.seq += 1
        crossed = amount > 0 and free > 0 and left == 0
        self.crossings += crossed
        known = self.keys if is_debit else self.own_keys
        known[key] = (content, self.seq, left)
        return ("debited", self.seq, left, None, crossed)

    def debit(self, event, at):
        content = ("debit", event.action, event.quantity, event.event_at)
        if event.key in self.keys:
            return self._recall(self.keys, event.key, content)
        self.arrive(at)
        late = event.event_at < self.window()[0]
        if late and self.late_usage == "reopen" and not (self.refusal() and event.amount):
            return self._debit_late(event, content)
        return super().debit(event, at)

    def debit_on_terms(self, event, at):
        """The same event on terms that block at zero: it may be served on credit."""
        content = ("debit", event.action, event.quantity, event.event_at)
        if event.key in self.keys:
            return self._recall(self.keys, event.key, content)
        self.arrive(at)
        reason = self.refusal() if event.amount else None
        if not reason and self.late_usage == "refuse" and event.event_at < self.window()[0]:
            reason = "period_closed"
        if reason:
            return (reason, None, None, None, False)
        return self._debit_late(event, content)

    def _debit_late(self, event, content):
        """What does not fit its own window is booked now, and buys nothing."""
        if self._reopens(event.event_at):
            answer = self._debit_from(event, content, event.event_at)
            if answer[0] == "debited":
                return answer
        return self._debit_from(event, content, None)

    def _reopens(self, event_at) -> bool:
        if self.late_usage != "reopen" or event_at >= self.window()[0]:
            return False
        days = timedelta(days=REOPEN_DAYS)
        return any(s <= event_at < e and self.now < e + days for s, e in self.windows)

    def _debit_from(self, event, content, reopened_at):
        """Draw from the stock of now, or of the event's own time with what expired of it."""
        kind, action = event.credit_type, event.action
        stock = self.stock()
        if reopened_at:
            stock = [replace(g, remaining=g.remaining + self._was(g.grant_id)) for g in stock]
        when = reopened_at or self.now
        draws, missing = self._draws(
            grants=stock, credit_type=kind, action=action, amount=event.amount, at=when
        )
        if missing:
            own = [one for one in stock if not self._lends(self.grants[one.grant_id])]
            free = sum(one.usable(kind, action, when) for one in own)
            return ("insufficient_credits", None, free, missing, False)
        for name, part in draws:
            grant = self.grants[name]
            self._move_back(grant, max(0, part - grant.unheld - grant.expired))
        backs = [(n, part - self.grants[n].unheld) for n, part in draws]
        backs = [(n, back) for n, back in backs if back > 0]
        for name, back in backs:
            self.grants[name].expired -= back
            self.grants[name].take(-back)
        self.seq += bool(backs)
        before = self.available(kind, action)
        self._book_draws(draws)
        self.drawn[event.key] = list(draws)
        left = self.available(kind, action)
        answer = self._debited(
            key=event.key, content=content, free=before, left=left, amount=event.amount
        )
        if reopened_at:
            self._roll_again(draws)
            self.settle_again([name for name, _ in draws])
        return answer

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
        draws, missing = self._draws(
            grants=self.stock(),
            credit_type=asked.credit_type,
            action=asked.action,
            amount=cost,
            at=self.now,
        )
        if missing:
            return (self._verdict(asked.credit_type, missing), None, free, missing)
        lines = tuple(Draw(name, part) for name, part in draws)
        self._hold(lines, 1)
        self.seq += 1
        left = self.available(asked.credit_type, asked.action)
        self.keys[asked.key] = (content, self.seq, left)
        self.holds[asked.key] = ModelHold(asked, self.seq, lines, asked.until)
        return ("held", self.seq, left, None)

    def _end(self, hold, state, cost):
        before = {name: grant.terms.remaining for name, grant in self.grants.items()}
        answer = super()._end(hold, state, cost)
        for name, was in before.items():
            grant = self.grants[name]
            if self._lends(grant) and grant.terms.remaining < was:
                self._owe(grant.terms.credit_type, was - grant.terms.remaining)
        touched = {line.grant_id for line in hold.lines}
        touched |= {n for n, was in before.items() if self.grants[n].terms.remaining < was}
        if state != "lapsed":
            self.settle_again(touched)
        return answer

    # What comes in and runs out

    def grant(self, order, at):
        self.arrive(at)
        content = ("grant", order.credit_type, order.quantity_micro, order.charge_id)
        if order.key in self.own_keys:
            status, _, left, _, _ = self._recall(self.own_keys, order.key, content)
            return status if status != "repeated" else left
        rolls = order.rolls
        made = self._give(
            Grant(
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
            ),
            source=order.source,
            charge=order.charge_id,
            part=order.part or 0,
            rolls=(rolls.times, rolls.share.num, rolls.share.den, rolls.cap_micro)
            if rolls
            else (0, 1, 1, None),
            ties=order.ties,
        )
        name = self.seq
        first = self.available(order.credit_type)
        self._repay(made)
        if made.charge and self._went_back(made.charge):
            self.settle(made.charge)
        left = self.available(order.credit_type)
        self.own_keys[order.key] = (content, name, first)
        return left

    def _repay(self, grant) -> None:
        kind = grant.terms.credit_type
        due = min(self.debt.get(kind, 0), grant.terms.remaining)
        may = self.repays or grant.source in PURCHASED
        if not may or self._lends(grant) or not due:
            return
        if grant.terms.usable(kind, None, self.now) == 0:
            return
        self.seq += 1
        grant.take(due)
        self.debt[kind] -= due

    def expire(self, at, by=None):
        self.arrive(at)
        by = by or self.now
        self._roll(by)
        total = 0
        for grant in self.grants.values():
            ends = grant.terms.expires_at
            if ends is None or ends > by or not grant.unheld or self._waits(grant):
                continue
            self.seq += 1
            total += grant.unheld
            grant.expired += grant.unheld
            grant.take(grant.unheld)
        return total

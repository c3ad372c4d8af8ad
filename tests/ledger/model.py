"""A wallet as the rules describe it, in plain Python: what the ledger must agree with."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from domain.burn import Grant, available, draw, tie_keys
from domain.money import Ratio, recognised, surcharged

AUTO_TYPE = "credits"
AUTO_UNIT = 10
AUTO_PRICE = Ratio(9, 1)
SURCHARGE = Ratio(30, 1)


@dataclass
class ModelGrant:
    terms: Grant
    expired: int = 0
    voided: int = 0

    @property
    def used(self) -> int:
        return self.terms.granted - self.terms.remaining - self.expired - self.voided

    @property
    def earned(self) -> int:
        return recognised(self.terms.cost_minor, self.used, self.terms.granted)

    @property
    def broken(self) -> int:
        gone = self.terms.granted - self.terms.remaining
        return recognised(self.terms.cost_minor, gone, self.terms.granted) - self.earned

    def take(self, amount: int) -> None:
        self.terms = replace(self.terms, remaining=self.terms.remaining - amount)


@dataclass
class ModelCharge:
    kind: str
    quantity: int
    amount: int
    surcharge: int
    window_start: datetime
    opened_at: datetime
    state: str = "open"
    declines: int = 0


@dataclass
class ModelWallet:
    """The same methods and answers as the ledger's, and nothing of its SQL."""

    now: datetime
    windows: list[tuple[datetime, datetime]]
    cap: int
    late_usage: str
    auto_on: bool
    seq: int = 0
    paused: list[str] = field(default_factory=list)
    grants: dict[int, ModelGrant] = field(default_factory=dict)
    charges: dict[str, ModelCharge] = field(default_factory=dict)
    # A sender's keys and the ledger's own are kept apart: neither can take the other's.
    keys: dict[str, tuple[object, int, int]] = field(default_factory=dict)
    own_keys: dict[str, tuple[object, int, int]] = field(default_factory=dict)
    cash: int = 0
    revenue: int = 0
    breakage: int = 0
    crossings: int = 0

    def arrive(self, at: datetime) -> None:
        """Time passes, and never goes back."""
        self.now = max(self.now, at)

    def window(self) -> tuple[datetime, datetime]:
        return max(window for window in self.windows if window[0] <= self.now)

    def terms(self) -> list[Grant]:
        return [grant.terms for grant in self.grants.values()]

    def available(self, credit_type: str, action: str | None = None) -> int:
        return available(self.terms(), credit_type, action, self.now)

    def refusal(self) -> str | None:
        if self.paused:
            return f"paused:{self.paused[0]}"
        return "renewal_pending" if self.now >= self.window()[1] else None

    @staticmethod
    def _recall(known, key, content):
        old, seq, left = known[key]
        return ("repeated" if old == content else "idempotency_conflict", seq, left, None, False)

    def debit(self, event, at):
        content = ("debit", event.action, event.quantity, event.event_at)
        if event.key in self.keys:
            return self._recall(self.keys, event.key, content)
        self.arrive(at)
        reason = self.refusal()
        if reason and event.amount:
            return (reason, None, None, None, False)
        if event.event_at < self.window()[0] and self.late_usage == "refuse":
            return ("period_closed", None, None, None, False)
        return self._take(
            key=event.key,
            content=content,
            credit_type=event.credit_type,
            action=event.action,
            amount=event.amount,
        )

    def _take(self, key, content, credit_type, action, amount, *, is_debit=True):
        free = self.available(credit_type, action)
        draws = draw(
            grants=self.terms(), credit_type=credit_type, action=action, amount=amount, at=self.now
        )
        if draws is None:
            short = amount - free
            verdict = self._verdict(credit_type, short) if is_debit else "insufficient_credits"
            return (verdict, None, free, short, False)
        for each in draws:
            self.grants[each.grant_id].take(each.amount)
            self.grants[each.grant_id].voided += 0 if is_debit else each.amount
        self.seq += 1
        crossed = amount > 0 and free == amount
        self.crossings += crossed
        known = self.keys if is_debit else self.own_keys
        known[key] = (content, self.seq, free - amount)
        return ("debited", self.seq, free - amount, None, crossed)

    def _open_auto(self) -> str | None:
        return next(
            (
                name
                for name, charge in self.charges.items()
                if charge.kind == "auto_purchase" and charge.state == "open"
            ),
            None,
        )

    def _auto_purchased(self) -> int:
        return sum(
            charge.quantity
            for charge in self.charges.values()
            if charge.kind == "auto_purchase"
            and charge.state != "void"
            and charge.window_start == self.window()[0]
        )

    def owed(self, credit_type):
        """What a purchase repays before it covers anything."""
        return 0

    def _verdict(self, credit_type, short):
        if not self.auto_on or credit_type != AUTO_TYPE:
            return "insufficient_credits"
        name = self._open_auto()
        short += self.owed(AUTO_TYPE)
        short -= self.charges[name].quantity if name else 0
        units = -(-max(short, 0) // AUTO_UNIT)
        if units and self._auto_purchased() + units * AUTO_UNIT > self.cap:
            return "cap_reached"
        return "purchase_needed"

    def batch(self, events, at):
        answers, waiting, known = [], False, set(self.keys)
        for event in events:
            if waiting and event.key not in known:
                answers.append(("purchase_needed", None, None, None, False))
            else:
                answers.append(self.debit(event, at))
                waiting = waiting or answers[-1][0] == "purchase_needed"
        return answers

    def stood_at(self, decided_at, at):
        """Follow the wallet's clock after a repeat, which may move it on but decides nothing."""
        assert self.now <= decided_at <= max(self.now, at)
        self.now = decided_at

    def remove(self, key, credit_type, amount, at):
        content = ("adjustment", credit_type, amount)
        if key in self.own_keys:
            return self._recall(self.own_keys, key, content)[0]
        self.arrive(at)
        # "" is in no scope: a correction takes only what any action may use.
        return self._take(
            key=key,
            content=content,
            credit_type=credit_type,
            action="",
            amount=amount,
            is_debit=False,
        )[0]

    def grant(self, order, at):
        self.arrive(at)
        content = ("grant", order.credit_type, order.quantity_micro, order.charge_id)
        if order.key in self.own_keys:
            status, _, left, _, _ = self._recall(self.own_keys, order.key, content)
            return status if status != "repeated" else left
        self.seq += 1
        terms = Grant(
            grant_id=self.seq,
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
        assert order.ties == tie_keys(
            terms.tie_break, terms.cost_minor, terms.granted, terms.effective_at
        )
        self.grants[self.seq] = ModelGrant(terms)
        left = self.available(order.credit_type)
        self.own_keys[order.key] = (content, self.seq, left)
        return left

    def expire(self, at):
        self.arrive(at)
        total = 0
        for grant in self.grants.values():
            ends = grant.terms.expires_at
            unheld = grant.terms.remaining - grant.terms.held
            if ends is not None and ends <= self.now and unheld:
                self.seq += 1
                total += unheld
                grant.expired += unheld
                grant.take(unheld)
        self.revenue = sum(grant.earned for grant in self.grants.values())
        self.breakage = sum(grant.broken for grant in self.grants.values())
        return total

    def pause(self, cause, paused, at):
        self.arrive(at)
        if (cause in self.paused) == paused:
            return False
        if paused:
            self.paused.append(cause)
        else:
            self.paused.remove(cause)
        return True

    def renew(self, window, at):
        self.arrive(at)
        if window not in self.windows:
            self.windows.append(window)

    def reserve(self, charge_id, needed, at):
        self.arrive(at)
        self.crossings = 0
        name = charge_id if charge_id in self.charges else self._open_auto()
        if name:
            charge = self.charges[name]
            status = "repeated" if name == charge_id else "purchase_pending"
            return (status, name, charge.quantity, charge.amount, charge.surcharge)
        reason = self.refusal() or (None if self.auto_on else "auto_purchase_off")
        free = self.available(AUTO_TYPE)
        if reason is None and free and free >= needed:
            reason = "not_needed"
        short = needed - free + self.owed(AUTO_TYPE)
        quantity = AUTO_UNIT * max(1, -(-short // AUTO_UNIT))
        if reason is None and self._auto_purchased() + quantity > self.cap:
            reason = "cap_reached"
        if reason:
            return (reason, None, 0, 0, 0)
        base, extra = surcharged(quantity, AUTO_PRICE, SURCHARGE)
        self.charges[charge_id] = ModelCharge(
            kind="auto_purchase",
            quantity=quantity,
            amount=base + extra,
            surcharge=extra,
            window_start=self.window()[0],
            opened_at=self.now,
        )
        return ("reserved", charge_id, quantity, base + extra, extra)

    def open_manual(self, charge_id, quantity, amount, at):
        self.arrive(at)
        if charge_id in self.charges:
            old = self.charges[charge_id]
            same = (old.quantity, old.amount) == (quantity, amount)
            return "repeated" if same else "idempotency_conflict"
        reason = self.refusal()
        if reason:
            return reason
        self.charges[charge_id] = ModelCharge(
            kind="manual_purchase",
            quantity=quantity,
            amount=amount,
            surcharge=0,
            window_start=self.window()[0],
            opened_at=self.now,
        )
        return "opened"

    def pay(self, charge_id, order, at):
        self.arrive(at)
        charge = self.charges[charge_id]
        first = charge.state != "paid"
        if first:
            charge.state, charge.window_start = "paid", self.window()[0]
            self.cash += charge.amount
        return (first, self.grant(order, at))

    def decline(self, charge_id, attempt, at):
        self.arrive(at)
        charge = self.charges[charge_id]
        if charge.state != "open":
            return charge.state
        if charge.declines >= attempt:
            return "repeated"
        charge.declines = attempt
        return "declined"

    def void(self, charge_id, at):
        self.arrive(at)
        charge = self.charges[charge_id]
        charge.state = "void" if charge.state == "open" else charge.state
        return charge.state

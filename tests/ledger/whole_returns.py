"""Money that goes back, in the model of the whole: facts are noted, then settled."""

from dataclasses import replace

from domain.burn import Grant
from tests.ledger.model import ModelCharge
from tests.ledger.whole_model import WholeWallet
from tests.ledger.whole_rollover import WholeGrant

DISPUTE_WAYS = ("open", "lost", "won")


class ReturningWallet(WholeWallet):
    """What refunds and disputes do to grants, debt and money."""

    def _grants_of(self, charge) -> list[WholeGrant]:
        return [grant for grant in self.grants.values() if grant.charge == charge]

    def _went_back(self, charge) -> bool:
        return any(fact[0] == charge for fact in (*self.refunds.values(), *self.disputes.values()))

    def refunded_of(self, charge) -> int:
        return sum(a for c, a, state in self.refunds.values() if c == charge and state != "failed")

    def disputed_of(self, charge) -> int:
        return sum(a for c, a, state in self.disputes.values() if c == charge and state != "won")

    def settle_again(self, names, by=None) -> None:
        charges = {self.grants[name].charge for name in names}
        for charge in sorted(c for c in charges if c and self._went_back(c)):
            self.settle(charge, by)

    def settle(self, charge, by=None) -> None:
        """Bring the grants of a charge to what all facts of it say."""
        self.expire(self.now, by)
        grants = [g for g in self._grants_of(charge) if g.terms.cost_minor]
        returned, disputed = self.refunded_of(charge), self.disputed_of(charge)
        back = min(returned + disputed, sum(g.returnable for g in grants))
        change = back - sum(g.refunded_minor for g in grants)
        latest = sorted(grants, key=lambda g: (g.terms.effective_at, g.part), reverse=True)
        for grant in latest if change > 0 else reversed(latest):
            room = grant.returnable - grant.refunded_minor if change > 0 else grant.refunded_minor
            step = min(abs(change), room) * (1 if change > 0 else -1)
            change -= step
            if step:
                minor = grant.refunded_minor + step
                self._take_back(grant, minor, grant.worth(minor))
        unpaid = disputed - max(0, back - returned)
        for grant in latest:
            self._set_owed(grant, min(grant.used, grant.worth(unpaid)))
            cost = -(-grant.used * grant.terms.cost_minor // grant.terms.granted)
            unpaid = max(0, unpaid - cost)
        self._take_companions(charge, returned + disputed)
        self.expire(self.now, by)

    def _take_back(self, grant, minor, amount) -> None:
        change = grant.refunded - amount
        self.seq += change != 0
        grant.refunded, grant.refunded_minor = amount, minor
        grant.take(-change)

    def _take_companions(self, charge, gone) -> None:
        paid = self.charges[charge].amount
        for grant in self._grants_of(charge):
            if grant.terms.cost_minor == 0:
                share = -(-grant.terms.granted * min(paid, gone) // paid)
                amount = min(share, grant.unheld + grant.refunded)
                if amount != grant.refunded:
                    self._take_back(grant, 0, amount)

    def _set_owed(self, grant, owed) -> None:
        change, kind = owed - grant.owed, grant.terms.credit_type
        if not change:
            return
        standing = self.debt.get(kind, 0)
        grant.owed = owed
        self.seq += 1
        self._owe(kind, change)
        if standing + change < 0:
            self._give_repaid(grant.terms, -standing - change, grant.ties)

    def _give_repaid(self, terms: Grant, amount, ties) -> None:
        ends = None if terms.expires_at is None else max(terms.expires_at, self.window()[1])
        again = replace(
            terms,
            effective_at=self.now,
            expires_at=ends if ends and ends > self.now else None,
            granted=amount,
            remaining=amount,
            held=0,
            cost_minor=0,
        )
        self._give(again, source="adjustment", ties=ties)

    def refund(self, name, charge, amount, at):
        self.arrive(at)
        if name in self.refunds:
            old = self.refunds[name]
            same = old[0] == charge and amount in (None, old[1])
            return ("repeated" if same else "idempotency_conflict", old[1], 0)
        if self.disputed_of(charge):
            return ("charge_disputed", 0, 0)
        self.expire(self.now)
        most = sum(g.returnable for g in self._grants_of(charge)) - self.refunded_of(charge)
        most = max(0, most)
        amount = most if amount is None else amount
        if not 1 <= amount <= most:
            return ("above_refundable", amount, most)
        self.refunds[name] = [charge, amount, "asked"]
        self.settle(charge)
        return ("refunded", amount, most)

    def note_refund(self, name, charge, amount, state, at):
        self.arrive(at)
        old = self.refunds.get(name)
        if old and old[:2] != [charge, amount]:
            return "idempotency_conflict"
        if old and old[2] != "asked" and state in (old[2], "made"):
            return "repeated"
        self.refunds[name] = [charge, amount, state]
        self.settle(charge)
        return "noted"

    def note_dispute(self, name, charge, amount, state, at):
        self.arrive(at)
        old = self.disputes.get(name)
        if old and old[:2] != [charge, amount]:
            return "idempotency_conflict"
        if old and DISPUTE_WAYS.index(state) <= DISPUTE_WAYS.index(old[2]):
            return "repeated"
        self.auto_on = self.auto_on and old is not None
        self.disputes[name] = [charge, amount, state]
        self.settle(charge)
        return "noted"

    def freeze(self, frozen, at):
        self.arrive(at)
        changed, self.frozen = self.frozen != frozen, frozen
        return changed

    def purchase(self, charge_id, kind, order, at):
        """Open a charge, pay it and give its first grant."""
        self.arrive(at)
        reason = None if kind == "period" else self.refusal()
        if reason:
            return (reason, None)
        charge = ModelCharge(
            kind=kind,
            quantity=order.quantity_micro,
            amount=order.cost_minor,
            surcharge=0,
            window_start=self.now,
            opened_at=self.now,
        )
        charge.state = "paid"
        self.charges[charge_id] = charge
        self.cash += order.cost_minor
        return ("opened", self.grant(order, at))

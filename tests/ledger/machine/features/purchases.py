"""What is bought by itself and by hand, paid, declined, given up; what its money earned."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.builders import a_grant
from tests.ledger.machine import standing
from tests.ledger.machine.history import HOUR, History
from tests.ledger.machine.model.purchases import (
    CREDIT,
    decline,
    open_manual,
    pay,
    reserve,
    void,
)

with_charge = precondition(lambda self: self.model.charges)


class Purchases(History):
    """One automatic purchase at a time and any number by hand."""

    @rule(needed=st.sampled_from([0, 1, 3, 12, 25, 45]), again=st.sampled_from([0, 1, 1, 2]))
    def reserve(self, needed, again):
        known = self.charges("auto_purchase")
        name = known[-1] if known and again == 1 else self.new_key()
        for charge_id in (name, self.new_key())[: max(again, 1)]:
            answer = self.ask(reserve, charge_id=charge_id, needed=needed * CREDIT)
            self.saw(f"reserve {answer[0]}")

    @rule(quantity=st.integers(1, 15), again=st.sampled_from([None, None, 0, 1]))
    def buy(self, quantity, again):
        name, quantity = self.new_key(), quantity * CREDIT
        known = self.charges("manual_purchase")
        if known and again is not None:
            name, quantity = known[-1], self.model.charges[known[-1]].quantity + again
        amount = 7 * quantity // CREDIT
        answer = self.ask(open_manual, charge_id=name, quantity=quantity, amount=amount)
        self.saw(f"manual {answer}")

    def charges(self, kind: str) -> list[str]:
        return [name for name, charge in self.model.charges.items() if charge.kind == kind]

    def some_charge(self, data) -> str:
        return data.draw(st.sampled_from(sorted(self.model.charges)))

    @with_charge
    @rule(data=st.data())
    def pay(self, data):
        self.pay_one(self.some_charge(data))

    @precondition(lambda self: any(c.state == "open" for c in self.model.charges.values()))
    @rule()
    def pay_what_is_open(self):
        self.pay_one(next(n for n, c in self.model.charges.items() if c.state == "open"))

    def pay_one(self, name: str) -> None:
        charge = self.model.charges[name]
        # Voided purchases are voided at their window's end: only then can money still arrive.
        if charge.state == "void" and charge.window_start == self.model.window()[0]:
            return
        order = a_grant(
            key=f"{name}:grant",
            source=charge.kind,
            quantity_micro=charge.quantity,
            priority=30,
            effective_at=self.clock,
            expires_at=self.clock + 60 * HOUR,
            cost_minor=charge.amount,
            charge_id=name,
            part=0,
        )
        first, _ = self.ask(pay, kept=False, charge_id=name, order=order, total=charge.total)
        self.saw("pay first" if first else "pay repeated")

    @with_charge
    @rule(data=st.data(), attempt=st.integers(1, 3), times=st.integers(1, 2))
    def decline(self, data, attempt, times):
        name = self.some_charge(data)
        for _ in range(times):
            self.saw(f"decline {self.ask(decline, charge_id=name, attempt=attempt)}")

    @with_charge
    @rule(data=st.data())
    def void(self, data):
        self.saw(f"void {self.ask(void, charge_id=self.some_charge(data), kept=False)}")


class Earnings(History):
    """What is used is earned and what runs out is broken, where no money goes back."""

    def compare(self, row):
        super().compare(row)
        earned = (-standing.booked(row, "revenue"), -standing.booked(row, "breakage"))
        assert earned == (self.model.revenue, self.model.breakage)

"""Money that goes back: refunds, disputes, and what the processor says of them in any order."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.ledger.machine.features.holds import finish, hold_for
from tests.ledger.machine.features.paid import buy_a_pack
from tests.ledger.machine.history import History
from tests.ledger.machine.model.refunds import note_dispute, note_refund, refund
from tests.ledger.machine.model.settlement import disputed_of, refunded_of


def paid_charges(history: History) -> list[str]:
    return [name for name, one in history.model.charges.items() if one.state == "paid"]


with_paid_charge = precondition(paid_charges)


def some_charge(history: History, data) -> str:
    return data.draw(st.sampled_from(paid_charges(history)[-3:]))


def some_money(history: History, data, charge: str) -> int:
    """Draw a third of a charge, two thirds or all."""
    whole = history.model.charges[charge].total
    return max(1, whole * data.draw(st.sampled_from([1, 1, 2, 3])) // 3)


def still_there(history: History, charge: str) -> int:
    """Return what did not go back of a charge."""
    model = history.model
    gone = refunded_of(model, charge) + disputed_of(model, charge)
    return model.charges[charge].total - gone


def dispute(history: History, data, *, holding: bool) -> None:
    """Dispute a charge; one whose credits are held, if there is one and it is asked for."""
    model, charge = history.model, some_charge(history, data)
    if holding and model.open_holds():
        names = [line.grant_id for hold in model.open_holds() for line in hold.lines]
        charge = next((c for c in (model.grants[name].charge for name in names) if c), charge)
    left = still_there(history, charge)
    if left > 0:
        amount = min(some_money(history, data, charge), left)
        facts = {"charge": charge, "amount": amount, "state": "open"}
        held = any(one.terms.held for one in model.grants_of(charge))
        history.ask(note_dispute, kept=False, name=history.new_key(), **facts)
        history.saw("dispute of what is held" if held else "dispute open")


def hear_of_a_dispute(history: History, data, state: str) -> None:
    name = data.draw(st.sampled_from(list(history.model.disputes)))
    charge, amount, _ = history.model.disputes[name]
    facts = {"name": name, "charge": charge, "amount": amount, "state": state}
    history.saw(f"dispute {state} {history.ask(note_dispute, kept=False, **facts)}")


class Refunds(History):
    """Money that is given back, here or at the processor."""

    @with_paid_charge
    @rule(data=st.data(), every=st.booleans())
    def refund(self, data, every):
        charge = some_charge(self, data)
        amount = None if every else some_money(self, data, charge)
        known = [name for name in self.model.refunds if name.startswith("r-")]
        name = f"r-{self.new_key()}"
        if known and data.draw(st.integers(0, 3)) == 0:
            name = data.draw(st.sampled_from(known))
        answer = self.ask(refund, kept=False, name=name, charge=charge, amount=amount)
        self.saw(f"refund {answer[0]}")

    @precondition(lambda self: self.model.refunds)
    @rule(data=st.data(), state=st.sampled_from(["made", "failed"]))
    def hear_of_a_refund(self, data, state):
        known = self.model.refunds
        asked = [name for name, (_, _, heard) in known.items() if heard == "asked"]
        name = data.draw(st.sampled_from([*asked, *known]))
        charge, amount, _ = known[name]
        facts = {"name": name, "charge": charge, "amount": amount, "state": state}
        self.saw(f"refund {state} {self.ask(note_refund, kept=False, **facts)}")

    @with_paid_charge
    @rule(data=st.data())
    def refund_at_the_processor(self, data):
        charge = some_charge(self, data)
        left = still_there(self, charge)
        if left > 0:
            amount = min(some_money(self, data, charge), left)
            facts = {"charge": charge, "amount": amount, "state": "made"}
            self.ask(note_refund, kept=False, name=self.new_key(), **facts)
            self.saw("refund of the processor's own")


class Disputes(History):
    """Money that a customer's bank takes back, and may bring again."""

    @with_paid_charge
    @rule(data=st.data(), holding=st.booleans())
    def dispute(self, data, holding):
        dispute(self, data, holding=holding)

    @rule(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=2))
    def work_while_money_goes_back(self, data, sizes):
        buy_a_pack(self, sum(sizes) + 1, None)
        keys = [hold_for(self, size, 24) for size in sizes]
        if paid_charges(self):
            dispute(self, data, holding=True)
        for key in keys:
            finish(self, data, key)
        if self.model.disputes and data.draw(st.booleans()):
            hear_of_a_dispute(self, data, data.draw(st.sampled_from(["lost", "won"])))

    @precondition(lambda self: self.model.disputes)
    @rule(data=st.data(), state=st.sampled_from(["open", "lost", "won", "won"]))
    def hear_of_a_dispute(self, data, state):
        hear_of_a_dispute(self, data, state)

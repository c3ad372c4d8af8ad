"""Use on terms: credits that are lent and owed, and purchases that are frozen."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.builders import a_grant
from tests.ledger.machine.features.debits import a_use
from tests.ledger.machine.features.paid import serve_again_paid
from tests.ledger.machine.history import HOUR, History
from tests.ledger.machine.model.debits import plain_terms
from tests.ledger.machine.model.grants import freeze, grant
from tests.ledger.machine.model.purchases import CREDIT
from tests.ledger.machine.model.terms import debit_on_terms


def use_on_terms(history: History, event) -> None:
    """Debit an event on terms that may draw from what is lent."""
    before = dict(history.model.debt)
    status = history.ask(debit_on_terms, kept=False, event=event, terms=plain_terms(event))[0]
    history.saw(f"terms {status}")
    if history.model.debt != before:
        history.saw("overdraft")


def lend(history: History, quantity: int, hours: int) -> None:
    """Let some actions go below zero for a while."""
    order = a_grant(
        key=history.new_key(),
        source="overdraft",
        priority=90,
        scope=("email", "lookup"),
        quantity_micro=quantity * CREDIT,
        effective_at=history.clock,
        expires_at=history.clock + hours * HOUR,
    )
    history.ask(grant, order=order)


class Overdraft(History):
    """Some actions may go below zero for a while."""

    @rule(quantity=st.integers(1, 9), lasts=st.sampled_from([24, 96]))
    def lend(self, quantity, lasts):
        lend(self, quantity, lasts)


class Credit(History):
    """What is lent is drawn, and owed."""

    @rule(data=st.data())
    def debit_on_terms(self, data):
        use_on_terms(self, a_use(self, data))

    @rule(data=st.data(), beyond=st.integers(1, 2))
    def live_on_credit(self, data, beyond):
        serve_again_paid(self)
        lend(self, beyond, 24)
        everything = self.model.available("credits", "email") + beyond * CREDIT
        event = replace(a_use(self, data), action="email", credit_type="credits")
        use_on_terms(self, replace(event, amount=everything, event_at=self.clock))


class Freezing(History):
    """What was bought waits for a paid plan."""

    @rule(frozen=st.sampled_from([False, False, True]))
    def freeze(self, frozen):
        if self.ask(freeze, kept=False, frozen=frozen):
            self.saw("frozen" if frozen else "thawed")

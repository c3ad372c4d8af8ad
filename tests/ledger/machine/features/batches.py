"""Usage decided together, by a sender whose clock may be behind."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.ledger.machine.features.debits import a_use
from tests.ledger.machine.history import HOUR, History
from tests.ledger.machine.model.debits import batch, debit
from tests.ledger.machine.model.purchases import CREDIT


class Batches(History):
    """Events in one request."""

    @rule(data=st.data(), size=st.integers(2, 6), behind=st.sampled_from([False, False, True]))
    def batch(self, data, size, behind):
        events = [a_use(self, data) for _ in range(size)]
        if data.draw(st.booleans()):  # the set-based path takes events of one type that cost
            events = [self.of_one_kind(event) for event in events]
        known = self.asked(debit)
        if known and data.draw(st.booleans()):
            events.insert(1, data.draw(st.sampled_from(known))["event"])
        if behind:
            self.saw("clock behind")
        at = self.clock - 7 * HOUR if behind else self.clock
        statuses = {answer[0] for answer in self.ask(batch, at=at, events=events)}
        self.saw("batch of one kind" if statuses == {"debited"} else "batch mixed")
        if "debited" in statuses and statuses - {"debited", "repeated"}:
            self.saw("batch with a refusal")
        if "repeated" in statuses:
            self.saw("batch with a repeat")

    def of_one_kind(self, event):
        amount = max(event.amount // CREDIT % 4, 1) * CREDIT
        return replace(event, event_at=self.clock, credit_type="credits", amount=amount)

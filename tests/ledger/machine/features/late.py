"""Usage of a window that is over, and usage that was said to be less afterwards."""

from dataclasses import replace
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.ledger.machine.features.debits import a_use
from tests.ledger.machine.features.grants import run_out
from tests.ledger.machine.features.holds import capture_one, hold_for
from tests.ledger.machine.features.paid import serve_again_paid
from tests.ledger.machine.history import HOUR, History
from tests.ledger.machine.model.corrections import correct
from tests.ledger.machine.model.debits import debit, plain_terms
from tests.ledger.machine.model.purchases import CREDIT
from tests.ledger.machine.model.terms import debit_on_terms


def expired(history: History) -> int:
    return sum(one.expired for one in history.model.grants.values())


def come_late(history: History, data) -> None:
    """Ask for usage of the window before this one, as far as that is known."""
    start = history.model.window()[0]
    event = a_use(history, data)
    amount = data.draw(st.sampled_from([1, 2 * CREDIT, event.amount]))
    event = replace(event, event_at=start - HOUR, credit_type="credits", amount=amount)
    before = expired(history)
    if data.draw(st.booleans()):
        answer = history.ask(debit, kept=False, event=event)
    else:
        answer = history.ask(debit_on_terms, kept=False, event=event, terms=plain_terms(event))
    history.saw(f"late {answer[0]}")
    if expired(history) < before:
        history.saw("late reopened")


def correct_one(history: History, data, event: str) -> None:
    """Let an event be of none, one, half or all of its quantity."""
    model = history.model
    hold = model.holds.get(event)
    whole = (hold.captured or 1) if hold else model.keys[event][0][2]
    quantity = data.draw(st.sampled_from([0, 1, whole // 2, whole]))
    before = expired(history)
    facts = {"key": f"c-{history.new_key()}", "event": event, "quantity": quantity}
    status = history.ask(correct, **facts)[0]
    history.saw(f"correct {status}")
    if hold and status == "corrected":
        history.saw("correct what was held")
    if expired(history) > before:
        history.saw("corrected into a window that is over")


class Late(History):
    """Usage that comes late, where a plan may reopen its window."""

    POLICY: ClassVar = {"late_usage": st.sampled_from(["book_now", "reopen", "reopen", "refuse"])}

    @rule(data=st.data())
    def come_late(self, data):
        come_late(self, data)

    @rule(data=st.data(), tries=st.integers(1, 2))
    def be_late(self, data, tries):
        """Let a window end with something left, and be late in the next."""
        serve_again_paid(self)
        self.clock = self.model.window()[1]
        serve_again_paid(self)
        run_out(self)
        for _ in range(tries):
            come_late(self, data)


class Corrections(History):
    """Usage of any time is less, or none of it."""

    @precondition(lambda self: self.model.keys)
    @rule(data=st.data())
    def correct(self, data):
        model = self.model
        known = [*list(model.drawn)[-5:], *list(model.keys)[-2:], *list(model.holds)[-2:]]
        correct_one(self, data, data.draw(st.sampled_from(known)))

    @rule(data=st.data(), size=st.integers(1, 3), early=st.booleans())
    def correct_what_was_held(self, data, size, early):
        key = hold_for(self, size, 24)
        if key not in self.model.holds:
            return
        if early:
            correct_one(self, data, key)
        capture_one(self, key, size)
        correct_one(self, data, key)

"""Usage, one event after the other; under new keys and under known ones."""

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.ledger.machine.history import ACTIONS, HOUR, TYPES, WINDOW, History
from tests.ledger.machine.model.debits import debit
from tests.ledger.machine.model.purchases import CREDIT
from tests.ledger.machine.real import Use

ALL_THERE_IS = None
SIZES = st.sampled_from([0, 1, 2, 2, 3, 4, 6, 9, 35, ALL_THERE_IS, ALL_THERE_IS])
AGO = st.sampled_from([timedelta(), timedelta(), HOUR, WINDOW])


def a_use(history: History, data, key=None) -> Use:
    """Draw one usage event."""
    action, kind = data.draw(st.sampled_from(ACTIONS)), data.draw(st.sampled_from(TYPES))
    size = data.draw(SIZES)
    amount = history.model.available(kind, action) if size is ALL_THERE_IS else size * CREDIT
    return Use(
        key=key or history.new_key(),
        action=action,
        quantity=data.draw(st.integers(1, 3)),
        event_at=history.clock - data.draw(AGO),
        credit_type=kind,
        amount=amount,
    )


def use(history: History, event: Use) -> None:
    """Debit one event and say what it was an example of."""
    model = history.model
    left = {name: grant.terms.remaining for name, grant in model.grants.items()}
    answer = history.ask(debit, event=event)
    history.saw(f"debit {answer[0]}")
    if answer[0] != "debited":
        return
    if answer[4]:
        history.saw("debit crossed")
    if not event.amount:
        history.saw("debit free")
    if event.event_at < model.window()[0]:
        history.saw("debit late")
    if sum(model.grants[name].terms.remaining < was for name, was in left.items()) > 1:
        history.saw("debit of several grants")


class Debits(History):
    """Usage under new keys."""

    @rule(data=st.data())
    def debit(self, data):
        use(self, a_use(self, data))


class ManyDebits(History):
    """Usage in a row, and under keys that are known."""

    @rule(data=st.data(), size=st.integers(1, 4))
    def debit_one_by_one(self, data, size):
        for _ in range(size):
            use(self, a_use(self, data))

    @precondition(lambda self: self.model.keys or self.model.own_keys)
    @rule(data=st.data())
    def debit_with_a_known_key(self, data):
        known = sorted(self.model.keys | self.model.own_keys)
        use(self, a_use(self, data, data.draw(st.sampled_from(known))))

    @precondition(lambda self: self.asked(debit))
    @rule(data=st.data())
    def debit_again(self, data):
        use(self, data.draw(st.sampled_from(self.asked(debit)))["event"])

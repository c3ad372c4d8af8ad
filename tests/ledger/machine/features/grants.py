"""Credits that are given, taken away by hand, and run out."""

from datetime import datetime

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.builders import a_grant
from tests.ledger.machine.history import HOUR, TYPES, History
from tests.ledger.machine.model.debits import remove
from tests.ledger.machine.model.grants import expire, grant
from tests.ledger.machine.model.purchases import CREDIT

SCOPES = (None, None, None, ("email",), ("lookup", "email"))


def run_out(history: History) -> None:
    """Book what has run out."""
    model = history.model
    rolled = sum(one.rolled for one in model.grants.values())
    if history.ask(expire):
        history.saw("expiry booked")
    if sum(one.rolled for one in model.grants.values()) > rolled:
        history.saw("rolled over")


class Grants(History):
    """Credits for nothing: of any type, for some actions, from now or later, for a time."""

    @rule(
        quantity=st.integers(1, 12),
        scope=st.sampled_from(SCOPES),
        credit_type=st.sampled_from(TYPES),
        priority=st.sampled_from([15, 20, 20, 30]),
        starts=st.sampled_from([-5, 0, 0, 0, 6, 30]),
        lasts=st.sampled_from([None, 6, 24, 24, 96]),
    )
    def grant(self, quantity, scope, credit_type, priority, starts, lasts):
        effective = self.clock + starts * HOUR
        order = a_grant(
            key=self.new_key(),
            quantity_micro=quantity * CREDIT,
            scope=scope,
            credit_type=credit_type,
            priority=priority,
            effective_at=effective,
            expires_at=effective + lasts * HOUR if lasts else None,
        )
        self.ask(grant, order=order)
        if scope:
            self.saw("grant of a scope")
        if starts > 0:
            self.saw("grant from the future")
        if credit_type != "credits":
            self.saw("grant of another type")

    @rule()
    def expire(self):
        run_out(self)

    @precondition(lambda self: self.expiries())
    @rule()
    def jump_onto_an_expiry(self):
        self.clock = min(self.expiries())
        self.saw("jump onto an expiry")

    def expiries(self) -> list[datetime]:
        ends = [one.terms.expires_at for one in self.model.grants.values()]
        return [end for end in ends if end is not None and end > self.clock]


class GrantsAgain(History):
    """The same grant a second time, or another under its key."""

    @precondition(lambda self: self.asked(grant))
    @rule(data=st.data(), other=st.booleans())
    def grant_again(self, data, other):
        order = data.draw(st.sampled_from(self.asked(grant)))["order"]
        if other:
            order = a_grant(
                key=order.key,
                quantity_micro=order.quantity_micro + 1,
                credit_type=order.credit_type,
            )
        answer = self.ask(grant, kept=False, order=order)
        self.saw("grant conflict" if answer == "idempotency_conflict" else "grant repeated")


class Removals(History):
    """Credits taken away by an operator."""

    @rule(credit_type=st.sampled_from(TYPES), amount=st.integers(1, 9))
    def remove(self, credit_type, amount):
        facts = {"credit_type": credit_type, "amount": amount * CREDIT}
        self.saw(f"remove {self.ask(remove, key=self.new_key(), **facts)}")


class RemovalsAgain(History):
    """The same removal a second time, or another under its key."""

    @precondition(lambda self: self.asked(remove))
    @rule(data=st.data(), more=st.integers(0, 1))
    def remove_again(self, data, more):
        facts = data.draw(st.sampled_from(self.asked(remove)))
        facts = facts | {"amount": facts["amount"] + more}
        self.saw(f"remove {self.ask(remove, kept=False, **facts)}")

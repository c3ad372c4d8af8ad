"""Usage on any terms: several attempts and ways, rates that carry, limits, consents, objects."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from domain.credits import MICRO
from domain.usage import EVERY_TIME, Attempt, PricedWay, Terms
from tests.builders import a_grant
from tests.ledger.machine.history import ACTIONS, History
from tests.ledger.machine.model.grants import grant
from tests.ledger.machine.model.purchases import CREDIT
from tests.ledger.machine.model.terms import debit_on_terms, limit
from tests.ledger.machine.real import Use

KINDS = ("credits", "usd_wallet")
MEMBERS = ("member:a", "member:b@example.com")
RATES = ((1, 1), (1, 3), (2, 3), (5, 1), (7, 10), (3, 2))
ways = st.builds(
    lambda kind, rate, started, carry, consent: PricedWay(
        kind,
        *rate,
        started=started,
        carry=f"carry:{kind}:{rate[0]}/{rate[1]}" if carry else None,
        consent=consent,
    ),
    st.sampled_from(KINDS),
    st.sampled_from(RATES),
    st.sampled_from([False, False, False, True]),
    st.booleans(),
    st.sampled_from([None, None, None, EVERY_TIME, "consent:words", "consent:doc"]),
)


@st.composite
def any_terms(draw):
    """Draw terms of one attempt or two."""
    actions = draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2))
    attempts = [
        Attempt(action, tuple(draw(st.lists(ways, min_size=0 if n else 1, max_size=3))))
        for n, action in enumerate(actions)
    ]
    return Terms(
        attempts=tuple(attempts),
        counters=tuple(draw(st.sets(st.sampled_from(MEMBERS), max_size=1))),
        once=draw(st.sampled_from([None, None, None, "doc:1", "doc:2"])),
        at_zero=draw(st.sampled_from(["purchase", "prompt", "block"])),
        confirmed=draw(st.booleans()),
    )


def of_objects(terms: Terms) -> Terms:
    """Return terms with rates per whole object, each with its own carry."""
    attempts = [replace(one, ways=tuple(map(_of_objects, one.ways))) for one in terms.attempts]
    return replace(terms, attempts=tuple(attempts))


def _of_objects(way: PricedWay) -> PricedWay:
    carry = way.carry and f"{way.carry}:one"
    return replace(way, per_micro=way.per_micro * MICRO, carry=carry)


def use_on(history: History, event: Use, terms: Terms) -> None:
    """Debit an event on terms and say what it was an example of."""
    model, known = history.model, list(history.model.drawn)
    status, *_, charged, served_as, _, buys = history.ask(debit_on_terms, event=event, terms=terms)
    history.saw(status)
    if buys:
        history.saw("asked for a purchase")
    if model.frozen:
        history.saw("frozen")
    if any(name.startswith("carry") and value for (name, _), value in model.counters.items()):
        history.saw("carried")
    if any(model.debt.values()):
        history.saw("into debt")
    if served_as:
        history.saw("degraded")
    if status == "debited" and event.key not in known:
        classify(history, event, terms, charged)


def classify(history: History, event: Use, terms: Terms, charged) -> None:
    """Say what a debit on terms was an example of."""
    used = [way for attempt in terms.attempts for way in attempt.ways]
    is_one = {
        "split over types": len(charged) > 1,
        "of several grants": len(history.model.drawn[event.key]) > 1,
        "free line": not charged,
        "confirmed": terms.confirmed,
        "started units": any(way.started for way in used),
    }
    for what, true in is_one.items():
        if true:
            history.saw(what)


class AnyTerms(History):
    """Usage on terms under new keys and under known ones."""

    def an_event(self, action: str, quantity: int) -> Use:
        return Use(
            key=self.new_key(),
            action=action,
            quantity=quantity,
            event_at=self.clock,
            credit_type="credits",
            amount=0,
        )

    @rule(data=st.data(), times=st.integers(1, 4))
    def use_on_any_terms(self, data, times):
        self.serve_again()
        for _ in range(times):
            terms, quantity = data.draw(any_terms()), data.draw(st.sampled_from([1, 2, 3, 4, 7]))
            quantity *= data.draw(st.sampled_from([1, 1, CREDIT]))
            if terms.once and quantity < 4 * CREDIT:
                terms, quantity = of_objects(terms), MICRO
            use_on(self, self.an_event(terms.attempts[0].action, quantity), terms)

    @rule(
        beside=st.integers(-2, 3),
        at_zero=st.sampled_from(["prompt", "prompt", "block"]),
        confirmed=st.booleans(),
    )
    def use_all_there_is(self, beside, at_zero, confirmed):
        """Use so much that it is just short or just not."""
        self.serve_again()
        stock = self.model.stock()
        free = sum(one.usable("credits", "email", self.model.now) for one in stock)
        terms = Terms(
            (Attempt("email", (PricedWay("credits", 1, 1),)),), at_zero=at_zero, confirmed=confirmed
        )
        use_on(self, self.an_event("email", max(free + beside, 1)), terms)

    @rule(
        kind=st.sampled_from(KINDS),
        rate=st.sampled_from([(1, 3), (2, 3), (7, 10)]),
        pieces=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    )
    def use_piece_by_piece(self, kind, rate, pieces):
        """Use at a rate whose fractions carry from one event to the next."""
        self.serve_again()
        way = PricedWay(kind, *rate, carry=f"carry:{kind}:{rate[0]}/{rate[1]}")
        for quantity in pieces:
            terms = Terms((Attempt("email", (way,)),), at_zero="block")
            use_on(self, self.an_event("email", quantity), terms)

    @rule(beyond=st.integers(1, 40))
    def use_two_types(self, beyond):
        """Use a little more than there is of one type, the rest from another."""
        self.serve_again()
        usd = a_grant(
            key=self.new_key(),
            credit_type="usd_wallet",
            quantity_micro=CREDIT,
            expires_at=None,
        )
        self.ask(grant, order=usd)
        free = self.model.available("credits", "email")
        both = (PricedWay("credits", 1, 1), PricedWay("usd_wallet", 1, 1))
        terms = Terms((Attempt("email", both),), at_zero="block")
        use_on(self, self.an_event("email", free + beyond), terms)

    def served(self) -> list[Use]:
        known = self.model.keys
        return [one["event"] for one in self.asked(debit_on_terms) if one["event"].key in known]

    @precondition(lambda self: self.served())
    @rule(data=st.data(), more=st.integers(0, 1))
    def use_on_terms_again(self, data, more):
        event = data.draw(st.sampled_from(self.served()))
        use_on(self, replace(event, quantity=event.quantity + more), data.draw(any_terms()))


class Members(History):
    """Members are limited, perhaps to less than they used."""

    @rule(
        counter=st.sampled_from(MEMBERS),
        kind=st.sampled_from(KINDS),
        ceiling=st.sampled_from([None, 0, 3, 10, 3 * CREDIT]),
    )
    def limit(self, counter, kind, ceiling):
        used = self.model.counters_of(self.model.window()[0]).get(f"{counter}@{kind}", 0)
        if ceiling is not None and ceiling < used:
            self.saw("limit below use")
        self.ask(limit, counter=counter, credit_type=kind, ceiling=ceiling)

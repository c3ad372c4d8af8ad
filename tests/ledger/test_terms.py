"""Random terms: the SQL resolves and writes what the rules say, to the last micro-credit."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from domain.burn import Grant
from domain.credits import MICRO
from domain.usage import EVERY_TIME, Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import grants
from ledger.teams import limits
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import MONTH_END, NOON, START, a_grant, a_subscribed_wallet, auto_purchase_on
from tests.ledger.terms_model import Asking, TermsWallet

ACTIONS = ("doc", "words", "draft")
TYPES = ("quota", "credits")
HOUR = timedelta(hours=1)
CLASSES = {
    "debited", "repeated", "idempotency_conflict", "already_unlocked", "insufficient_credits",
    "user_limit", "confirmation_required", "purchase_needed", "split over types", "free line",
    "of several grants", "degraded", "carried", "started units", "confirmed", "into debt",
    "asked for a purchase", "frozen", "quantity_not_one", "limit below use", "a window ends",
}  # fmt: skip
seen: Counter[str] = Counter()

ways = st.builds(
    lambda credit_type, rate, started, carry, consent: PricedWay(
        credit_type,
        *rate,
        started=started,
        carry=f"carry:{credit_type}:{rate[0]}/{rate[1]}" if carry else None,
        consent=consent,
    ),
    st.sampled_from(TYPES),
    st.sampled_from([(1, 1), (1, 3), (2, 3), (5, 1), (7, 10), (3, 2)]),
    st.sampled_from([False, False, False, True]),
    st.booleans(),
    st.sampled_from([None, None, None, EVERY_TIME, "consent:words", "consent:doc"]),
)


@st.composite
def terms(draw):
    attempts = tuple(
        Attempt(action, tuple(draw(st.lists(ways, min_size=0 if n else 1, max_size=3))))
        for n, action in enumerate(draw(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=2)))
    )
    return Terms(
        attempts=attempts,
        counters=tuple(
            draw(st.sets(st.sampled_from(["member:a", "member:b@example.com"]), max_size=1))
        ),
        once=draw(st.sampled_from([None, None, None, "doc:1", "doc:2"])),
        at_zero=draw(st.sampled_from(["purchase", "prompt", "block"])),
        confirmed=draw(st.booleans()),
    )


def of_objects(wanted):
    """Return terms whose rates are of whole objects, with carries of their own."""
    attempts = [
        replace(
            one,
            ways=tuple(
                replace(
                    way, per_micro=way.per_micro * MICRO, carry=way.carry and f"{way.carry}:one"
                )
                for way in one.ways
            ),
        )
        for one in wanted.attempts
    ]
    return replace(wanted, attempts=tuple(attempts))


class Pair:
    """The wallet in the database and in the model."""

    def __init__(self, ledger, auto):
        self.ledger = ledger
        windows = ((START, MONTH_END), (MONTH_END, MONTH_END + timedelta(days=30)))
        policy = auto_purchase_on(cap=10**6) if auto else {}
        self.real = a_subscribed_wallet(ledger, allowance=0, windows=windows, **policy)
        self.model = TermsWallet(START, auto_type="credits" if auto else None)
        self.at = NOON
        self.number = 0

    def grant(self, source, credit_type, scope, quantity, lasts):
        self.number += 1
        order = a_grant(
            key=f"g{self.number}",
            source=source,
            credit_type=credit_type,
            scope=ACTIONS[:1] if source == "overdraft" else scope,
            quantity_micro=quantity,
            priority=90 if source == "overdraft" else 20,
            effective_at=self.at,
            expires_at=self.at + lasts if lasts else None,
        )
        grants.give(self.ledger, self.real.account_id, order, self.at)
        grant_id = self.ledger.scalar(
            text("SELECT seq FROM wallets WHERE account_id = :a"), {"a": self.real.account_id}
        )
        self.model.grants[grant_id] = Grant(
            grant_id=grant_id,
            credit_type=credit_type,
            scope=order.scope,
            priority=order.priority,
            effective_at=order.effective_at,
            expires_at=order.expires_at,
            granted=quantity,
            remaining=quantity,
            held=0,
            cost_minor=0,
        )
        self.model.sources[grant_id] = source

    def ask(self, asking):
        usage = UsageEvent(asking.key, asking.action, asking.quantity, asking.event_at)
        demand = Demand(self.real.account_id, PricedEvent(usage, "credits", 0, asking.terms))
        answer = debits.debit(self.ledger, [demand], self.at)[0]
        expected = self.model.debit(asking, self.at)
        got = (
            answer.status,
            dict(answer.charged),
            answer.missing_micro,
            dict(answer.asked.credits) if answer.asked else {},
        )
        assert got == expected
        self.classify(asking, answer)
        self.compare()
        return answer

    def classify(self, asking, answer):
        seen[answer.status] += 1
        if answer.status == "debited":
            lines = self.ledger.execute(
                text("SELECT grant_id FROM entries WHERE account_id = :a AND seq = :s"),
                {"a": self.real.account_id, "s": answer.seq},
            ).all()
            seen["split over types"] += len(answer.charged) > 1
            seen["of several grants"] += len(lines) > 1
            seen["free line"] += not answer.charged
            seen["degraded"] += answer.served_as is not None
            seen["confirmed"] += asking.terms.confirmed
            used = [way for attempt in asking.terms.attempts for way in attempt.ways]
            seen["started units"] += any(way.started for way in used)
        seen["asked for a purchase"] += bool(answer.asked and answer.asked.amount_minor)
        seen["frozen"] += self.model.frozen
        seen["carried"] += any(
            n.startswith("carry") and v for (n, _), v in self.model.counters.items()
        )
        seen["into debt"] += any(n.startswith("debt") for n, _ in self.model.counters)

    def compare(self):
        account = {"a": self.real.account_id}
        remaining = self.ledger.execute(
            text("SELECT grant_id, remaining FROM grants WHERE account_id = :a"), account
        ).all()
        assert dict(map(tuple, remaining)) == {n: g.remaining for n, g in self.model.grants.items()}
        rows = self.ledger.execute(
            text(
                "SELECT counter, nullif(window_start, '-infinity'), value FROM counters"
                " WHERE account_id = :a AND value > 0"
            ),
            account,
        ).all()
        counted = {(name, start): value for name, start, value in rows}
        assert counted == {key: value for key, value in self.model.counters.items() if value}

    def limit(self, counter, credit_type, ceiling):
        used = self.model.counters.get((f"{counter}@{credit_type}", self.model.window_start), 0)
        seen["limit below use"] += ceiling is not None and ceiling < used
        limits.set_limit(
            self.ledger,
            account_id=self.real.account_id,
            counter=counter,
            credit_type=credit_type,
            ceiling_micro=ceiling,
            at=self.at,
        )
        self.model.limits.pop((counter, credit_type), None)
        if ceiling is not None:
            self.model.limits[counter, credit_type] = ceiling

    def freeze(self, *, frozen):
        self.model.frozen = frozen
        grants.set_frozen(self.ledger, self.real.account_id, self.at, frozen=frozen)

    def end_the_window(self):
        seen["a window ends"] += self.model.window_start == START
        self.at = max(self.at, MONTH_END)
        self.model.window_start = MONTH_END

    def step(self, data):
        match data.draw(st.sampled_from("ddddddddgglfrwnn")):
            case "g":
                self.grant(
                    source=data.draw(st.sampled_from(["bonus", "bonus", "pack", "overdraft"])),
                    credit_type=data.draw(st.sampled_from(TYPES)),
                    scope=data.draw(st.sampled_from([None, None, ("doc",), ("words", "draft")])),
                    quantity=data.draw(st.integers(1, 30)),
                    lasts=data.draw(st.sampled_from([None, 2 * HOUR, 9 * HOUR])),
                )
            case "l":
                counter = data.draw(st.sampled_from(["member:a", "member:b@example.com"]))
                ceiling = data.draw(st.sampled_from([None, 0, 3, 10]))
                self.limit(counter, data.draw(st.sampled_from(TYPES)), ceiling)
            case "f":
                self.freeze(frozen=not self.model.frozen)
            case "w":
                if data.draw(st.integers(0, 3)) == 0:
                    self.end_the_window()
                self.at += HOUR
            case "n":  # near what there is, so that it is just short or just not
                stock = self.model.standing().stock("credits", "doc", self.at)
                near = sum(free for _, free in stock) + data.draw(st.integers(-2, 3))
                plain = Attempt("doc", (PricedWay("credits", 1, 1),))
                at_zero = data.draw(st.sampled_from(["prompt", "block"]))
                self.number += 1
                wanted = Terms((plain,), at_zero=at_zero, confirmed=data.draw(st.booleans()))
                self.ask(
                    Asking(
                        key=f"k{self.number}",
                        action="doc",
                        quantity=max(near, 1),
                        event_at=self.at,
                        terms=wanted,
                    )
                )
            case "r" if self.model.keys:
                first, _ = self.model.keys[data.draw(st.sampled_from(sorted(self.model.keys)))]
                more = data.draw(st.integers(0, 1))
                again = Asking(
                    key=first.key,
                    action=first.action,
                    quantity=first.quantity + more,
                    event_at=first.event_at,
                    terms=data.draw(terms()),
                )
                self.ask(again)
            case _:
                self.ask_on_any_terms(data)

    def ask_on_any_terms(self, data):
        self.number += 1
        wanted = data.draw(terms())
        quantity = data.draw(st.sampled_from([1, 1, 2, 3, 4, 7, 12, 40]))
        if wanted.once and quantity < 40:
            wanted, quantity = of_objects(wanted), MICRO
        key, action = f"k{self.number}", wanted.attempts[0].action
        self.ask(Asking(key=key, action=action, quantity=quantity, event_at=self.at, terms=wanted))


@given(data=st.data(), auto=st.booleans())
@settings(max_examples=80, suppress_health_check=list(HealthCheck), derandomize=True)
def run_histories(session_engine, data, auto):
    with session_engine.connect() as ledger:
        pair = Pair(ledger, auto)
        for credit_type in TYPES:
            pair.grant("bonus", credit_type, None, 15, None)
        for _ in range(14):
            pair.step(data)
        broken = text("SELECT law FROM violations WHERE account_id = :a")
        assert ledger.scalars(broken, {"a": pair.real.account_id}).all() == []
        ledger.rollback()


def test_the_ledger_and_the_rules_agree_on_random_terms(session_engine):
    seen.clear()
    run_histories(session_engine)
    assert CLASSES - (+seen).keys() == set()

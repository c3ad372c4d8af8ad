"""One customer's wallet in the database and in the model, moved by the same requests."""

from collections import Counter
from datetime import datetime, timedelta

from hypothesis import event as note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Engine

from tests.builders import START, a_grant, a_subscribed_wallet
from tests.ledger.model import AUTO_PRICE, AUTO_TYPE, AUTO_UNIT, SURCHARGE, ModelWallet
from tests.ledger.real import RealWallet, Use

WINDOW = timedelta(days=4)
HOUR = timedelta(hours=1)
TYPES = ("credits", "credits", "credits", "usd_wallet")
SCOPES = (None, None, None, ("email",), ("lookup", "email"))


class Histories(RuleBasedStateMachine):
    """One customer's wallet in the database and in the model, moved by the same requests."""

    Model = ModelWallet
    Real = RealWallet

    def __init__(self, engine: Engine, seen: Counter[str]) -> None:
        super().__init__()
        self.seen = seen
        self.connection = engine.connect()
        self.clock = START
        self.past: list[tuple[str, dict[str, object]]] = []
        self.number = 0

    def teardown(self) -> None:
        try:
            self.connection.rollback()
        finally:
            self.connection.close()

    def saw(self, what: str) -> None:
        self.seen[what] += 1
        note(what)

    @initialize(
        cap=st.sampled_from([10, 20, 30]),
        late_usage=st.sampled_from(["book_now", "refuse"]),
        auto_on=st.sampled_from([True, True, True, False]),
    )
    def subscribe(self, cap, late_usage, auto_on):
        first = (START, START + WINDOW)
        policy = {
            "late_usage": late_usage,
            "card_usable": True,
            "auto_on": auto_on,
            "auto_credit_type": AUTO_TYPE,
            "auto_unit": AUTO_UNIT,
            "auto_cap": cap,
            "auto_price_num": AUTO_PRICE.num,
            "auto_price_den": AUTO_PRICE.den,
            "auto_surcharge_num": SURCHARGE.num,
            "auto_surcharge_den": 100 * SURCHARGE.den,
        }
        wallet = a_subscribed_wallet(self.connection, allowance=0, windows=(first,), **policy)
        self.real = self.Real(self.connection, wallet)
        self.model = self.Model(START, [first], cap, late_usage, auto_on)
        for lasts in (1, 4):
            order = a_grant(key=self.new_key(), quantity_micro=6, expires_at=START + lasts * WINDOW)
            self.ask("grant", order=order)

    def ask(self, method, *, at=None, kept=True, **request):
        """Put one request to both and compare the answers."""
        at = at or self.clock
        answer = getattr(self.real, method)(**request, at=at)
        assert answer == getattr(self.model, method)(**request, at=at)
        if method in ("debit", "batch"):
            self.model.stood_at(self.real.decided_at(), at)
        if kept:
            self.past.append((method, request))
        return answer

    def new_key(self) -> str:
        self.number += 1
        return f"key-{self.number}"

    def use(self, data, key=None) -> Use:
        everything = self.model.available("credits", "email")
        amount = data.draw(st.sampled_from([0, 1, 1, 2, 2, 3, 4, 6, 9, 35, everything]))
        ago = data.draw(st.sampled_from([timedelta(), timedelta(), HOUR, WINDOW]))
        return Use(
            key or self.new_key(),
            data.draw(st.sampled_from(["email", "lookup", "export"])),
            data.draw(st.integers(1, 3)),
            self.clock - ago,
            data.draw(st.sampled_from(TYPES)),
            amount,
        )

    def classify(self, use: Use, answer, before: int) -> None:
        self.saw(f"debit {answer[0]}")
        if answer[0] != "debited":
            return
        if answer[4]:
            self.saw("debit crossed")
        if not use.amount:
            self.saw("debit free")
        if use.event_at < self.model.window()[0]:
            self.saw("debit late")
        if before > 1:
            self.saw("debit of several grants")

    @rule(data=st.data())
    def debit(self, data):
        self.debit_one(self.use(data))

    @precondition(lambda self: self.model.keys or self.model.own_keys)
    @rule(data=st.data())
    def debit_with_a_known_key(self, data):
        known = sorted(self.model.keys | self.model.own_keys)
        self.debit_one(self.use(data, data.draw(st.sampled_from(known))))

    @precondition(lambda self: self.uses())
    @rule(data=st.data())
    def debit_again(self, data):
        self.debit_one(data.draw(st.sampled_from(self.uses())))

    def uses(self) -> list[Use]:
        return [request["event"] for method, request in self.past if method == "debit"]

    @rule(data=st.data(), size=st.integers(1, 4))
    def debit_one_by_one(self, data, size):
        for _ in range(size):
            self.debit_one(self.use(data))

    def debit_one(self, use: Use) -> None:
        left = {name: grant.terms.remaining for name, grant in self.model.grants.items()}
        answer = self.ask("debit", event=use)
        drawn = sum(self.model.grants[name].terms.remaining < was for name, was in left.items())
        self.classify(use, answer, drawn)

    @rule(data=st.data(), size=st.integers(2, 6), behind=st.sampled_from([False, False, True]))
    def batch(self, data, size, behind):
        uses = [self.use(data) for _ in range(size)]
        if data.draw(st.booleans()):  # the set-based path takes events of one type that cost
            uses = [
                Use(u.key, u.action, u.quantity, self.clock, "credits", max(u.amount % 4, 1))
                for u in uses
            ]
        if self.uses() and data.draw(st.booleans()):
            uses.insert(1, data.draw(st.sampled_from(self.uses())))
        if behind:
            self.saw("clock behind")
        at = self.clock - 7 * HOUR if behind else self.clock
        statuses = {answer[0] for answer in self.ask("batch", at=at, events=uses)}
        self.saw("batch of one kind" if statuses == {"debited"} else "batch mixed")
        if "debited" in statuses and statuses - {"debited", "repeated"}:
            self.saw("batch with a refusal")
        if "repeated" in statuses:
            self.saw("batch with a repeat")

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
            quantity_micro=quantity,
            scope=scope,
            credit_type=credit_type,
            priority=priority,
            effective_at=effective,
            expires_at=effective + lasts * HOUR if lasts else None,
        )
        self.ask("grant", order=order)
        if scope:
            self.saw("grant of a scope")
        if starts > 0:
            self.saw("grant from the future")
        if credit_type != "credits":
            self.saw("grant of another type")

    @precondition(lambda self: any(method == "grant" for method, _ in self.past))
    @rule(data=st.data(), other=st.booleans())
    def grant_again(self, data, other):
        orders = [request["order"] for method, request in self.past if method == "grant"]
        order = data.draw(st.sampled_from(orders))
        if other:
            order = a_grant(
                key=order.key,
                quantity_micro=order.quantity_micro + 1,
                credit_type=order.credit_type,
            )
        answer = self.ask("grant", kept=False, order=order)
        self.saw("grant conflict" if answer == "idempotency_conflict" else "grant repeated")

    @precondition(lambda self: self.model.now >= self.model.window()[1])
    @rule()
    def renew_at_last(self):
        self.renew()

    @rule()
    def expire(self):
        if self.ask("expire"):
            self.saw("expiry booked")

    @rule(hours=st.sampled_from([1, 5, 20]))
    def wait(self, hours):
        self.clock += hours * HOUR

    @precondition(lambda self: self.expiries())
    @rule()
    def jump_onto_an_expiry(self):
        self.clock = min(self.expiries())
        self.saw("jump onto an expiry")

    def expiries(self) -> list[datetime]:
        ends = [grant.terms.expires_at for grant in self.model.grants.values()]
        return [end for end in ends if end is not None and end > self.clock]

    @precondition(lambda self: self.model.window()[1] > self.clock)
    @rule()
    def jump_onto_the_windows_end(self):
        self.clock = self.model.window()[1]
        self.saw("jump onto a window's end")

    @rule()
    def renew(self):
        start = self.model.windows[-1][1]
        self.saw("window paid ahead" if self.clock < start else "window paid late")
        self.ask("renew", window=(start, start + WINDOW))

    @precondition(lambda self: len(self.model.paused) < 2)
    @rule(cause=st.sampled_from(["payment_failed", "by_operator"]), times=st.integers(0, 1))
    def pause(self, cause, times):
        if times and self.ask("pause", cause=cause, paused=True, kept=False):
            self.saw("pause True")

    @precondition(lambda self: self.model.paused)
    @rule(times=st.integers(1, 2))
    def resume(self, times):
        for cause in self.model.paused[:times]:
            self.ask("pause", cause=cause, paused=False, kept=False)
            self.saw("pause False")

    @rule(credit_type=st.sampled_from(TYPES), amount=st.integers(1, 9))
    def remove(self, credit_type, amount):
        answer = self.ask("remove", key=self.new_key(), credit_type=credit_type, amount=amount)
        self.saw(f"remove {answer}")

    @precondition(lambda self: any(method == "remove" for method, _ in self.past))
    @rule(data=st.data(), more=st.integers(0, 1))
    def remove_again(self, data, more):
        known = [request for method, request in self.past if method == "remove"]
        request = data.draw(st.sampled_from(known))
        request = request | {"amount": request["amount"] + more}
        self.saw(f"remove {self.ask('remove', kept=False, **request)}")

    @rule(needed=st.sampled_from([0, 1, 3, 12, 25, 45]), again=st.sampled_from([0, 1, 2]))
    def reserve(self, needed, again):
        known = [name for name, c in self.model.charges.items() if c.kind == "auto_purchase"]
        name = known[-1] if known and again == 1 else self.new_key()
        for charge_id in (name, self.new_key())[: max(again, 1)]:
            answer = self.ask("reserve", charge_id=charge_id, needed=needed)
            self.saw(f"reserve {answer[0]}")

    @rule(quantity=st.integers(1, 15), again=st.sampled_from([None, None, 0, 1]))
    def buy(self, quantity, again):
        name = self.new_key()
        known = [n for n, c in self.model.charges.items() if c.kind == "manual_purchase"]
        if known and again is not None:
            name, quantity = known[-1], self.model.charges[known[-1]].quantity + again
        answer = self.ask("open_manual", charge_id=name, quantity=quantity, amount=7 * quantity)
        self.saw(f"manual {answer}")

    with_charge = precondition(lambda self: self.model.charges)

    @with_charge
    @rule(data=st.data())
    def pay(self, data):
        name = data.draw(st.sampled_from(sorted(self.model.charges)))
        self.pay_one(name)

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
        first, _ = self.ask("pay", kept=False, charge_id=name, order=order)
        self.saw("pay first" if first else "pay repeated")

    @with_charge
    @rule(data=st.data(), attempt=st.integers(1, 3), times=st.integers(1, 2))
    def decline(self, data, attempt, times):
        name = data.draw(st.sampled_from(sorted(self.model.charges)))
        for _ in range(times):
            self.saw(f"decline {self.ask('decline', charge_id=name, attempt=attempt)}")

    @with_charge
    @rule(data=st.data())
    def void(self, data):
        name = data.draw(st.sampled_from(sorted(self.model.charges)))
        self.saw(f"void {self.ask('void', charge_id=name, kept=False)}")

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def deliver_again(self, data):
        method, request = data.draw(st.sampled_from(self.past))
        self.ask(method, kept=False, **request)
        self.saw("redelivery")

    @invariant()
    def the_ledger_is_what_the_model_is(self):
        model, state = self.model, self.real.state()
        assert state.position == (model.now, model.seq, *model.window())
        expected = {
            name: (grant.terms.remaining, grant.terms.held, grant.expired, grant.voided)
            for name, grant in model.grants.items()
        }
        assert state.grants == expected
        assert state.replayed == expected
        assert state.books == (model.cash, -model.revenue, -model.breakage)
        assert state.crossings == model.crossings
        assert state.violations == []

"""Histories of everything at once: the same requests to the ledger and the model, in any order."""

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from domain.money import Ratio
from domain.pricing.policies import Alert, Channel
from ledger.grants import RollTerms
from ledger.notifications import alerts
from tests.builders import a_grant, set_policy
from tests.ledger.hold_machine import HoldHistories
from tests.ledger.machine import HOUR, WINDOW, Histories
from tests.ledger.whole_corrections import CorrectingWallet
from tests.ledger.whole_model import REOPEN_DAYS
from tests.ledger.whole_real import RealWholeWallet

# A credit of these histories: far more than a minor unit of money has, as real ones have.
CREDIT = 40
LEVELS = (3 * CREDIT, 8 * CREDIT)  # balances at which somebody is told
with_charge = precondition(lambda self: self.model.charges)


class WholeHistories(HoldHistories):
    """What happens to a wallet of which every feature is used."""

    Model = CorrectingWallet
    Real = RealWholeWallet
    batch, remove = Histories.batch, Histories.remove
    # What was is looked back on in the histories of holds.
    look_back = hold_again = grant_again = None
    a_lapse_is_decided_by_the_instant = None

    @initialize(
        late_usage=st.sampled_from(["book_now", "reopen", "reopen", "refuse"]),
        auto_on=st.booleans(),
        repays=st.booleans(),
    )
    def subscribe(self, late_usage, auto_on, repays):
        super().subscribe(20, late_usage, auto_on)
        self.model.repays = repays
        told = [Alert(f"{n}_credits", None, n, Channel.EMAIL) for n in LEVELS]
        account = self.real.account
        alerts.put(self.connection, account, "credits", told, own=False)
        repaid_from = "all_grants" if repays else "purchases"
        facts = {"debt_repaid_from": repaid_from, "reopen_days": REOPEN_DAYS}
        set_policy(self.connection, self.real.wallet, **facts)
        self.renew_with_an_allowance(9, 2)

    def ask(self, method, **request):
        """Put a request in whole credits to both; its transaction ends."""
        if method == "grant":
            order = request["order"]
            request["order"] = replace(order, quantity_micro=order.quantity_micro * CREDIT)
        elif method == "hold":
            asked = request["asked"]
            request["asked"] = replace(asked, rate=asked.rate * CREDIT)
        elif method == "remove":
            request["amount"] *= CREDIT
        return self.ask_exactly(method, **request)

    def ask_exactly(self, method, **request):
        answer = super(HoldHistories, self).ask(method, **request)
        self.real.commit()
        return answer

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def deliver_again(self, data):
        method, request = data.draw(st.sampled_from(self.past))
        self.ask_exactly(method, kept=False, **request)
        self.saw("redelivery")

    def use(self, data, key=None):
        one = super().use(data, key)
        all_there_is = data.draw(st.integers(0, 5)) == 0
        amount = self.model.available(one.credit_type, one.action)
        return replace(one, amount=amount if all_there_is else one.amount % 36 * CREDIT)

    # Credits

    @rule(quantity=st.integers(1, 12), times=st.sampled_from([0, 1, 2, 2]), data=st.data())
    def renew_paid(self, data, quantity, times):
        if self.model.windows[-1][0] <= self.clock:
            self.renew_with_an_allowance(quantity, times, data)

    def renew_with_an_allowance(self, quantity, times, data=None):
        """Open the next window and give its allowance, some of which may move on."""
        start = self.model.windows[-1][1]
        share = data.draw(st.sampled_from([(1, 2), (1, 1), (2, 3)])) if data else (1, 2)
        cap = data.draw(st.sampled_from([None, 3])) if data else None
        self.ask("renew", window=(start, start + WINDOW))
        self.buy_one(
            "period",
            quantity,
            source="allowance",
            priority=20,
            effective_at=start,
            expires_at=start + WINDOW,
            rolls=RollTerms(times, Ratio(*share), cap, 15) if times else None,
        )

    @rule(quantity=st.integers(1, 6))
    def upgrade(self, quantity):
        start, end = self.model.window()
        facts = {"source": "allowance", "priority": 20, "expires_at": end}
        if start <= self.clock < end and self.buy_one("upgrade", quantity, **facts) == "opened":
            self.saw("upgrade")

    @rule(quantity=st.integers(1, 12), lasts=st.sampled_from([None, None, 30, 96]))
    def pack(self, quantity, lasts):
        ends = self.clock + lasts * HOUR if lasts else None
        facts = {"source": "manual_purchase", "priority": 30, "expires_at": ends}
        self.saw(f"pack {self.buy_one('manual_purchase', quantity, **facts)}")

    def buy_one(self, kind, quantity, **facts):
        name = self.new_key()
        facts = {"effective_at": self.clock} | facts
        order = a_grant(
            key=f"{name}:grant",
            quantity_micro=quantity * CREDIT,
            cost_minor=7 * quantity + 1,
            charge_id=name,
            part=0,
            **facts,
        )
        before = dict(self.model.debt)
        status, _ = self.ask("purchase", kept=False, charge_id=name, kind=kind, order=order)
        if self.model.debt != before:
            self.saw("repayment")
        return status

    @rule(quantity=st.integers(1, 9), lasts=st.sampled_from([24, 96]))
    def lend(self, quantity, lasts):
        order = a_grant(
            key=self.new_key(),
            source="overdraft",
            priority=90,
            scope=("email", "lookup"),
            quantity_micro=quantity,
            effective_at=self.clock,
            expires_at=self.clock + lasts * HOUR,
        )
        self.ask("grant", order=order)

    @rule(data=st.data(), beyond=st.integers(1, 2))
    def live_on_credit(self, data, beyond):
        self.serve_again()
        self.lend(quantity=beyond, lasts=24)
        everything = self.model.available("credits", "email") + beyond * CREDIT
        event = replace(self.use(data), action="email", credit_type="credits", amount=everything)
        event, before = replace(event, event_at=self.clock), dict(self.model.debt)
        self.saw(f"terms {self.ask('debit_on_terms', kept=False, event=event)[0]}")
        if self.model.debt != before:
            self.saw("overdraft")

    def serve_again(self):
        while self.model.windows[-1][1] <= self.clock:
            self.renew_with_an_allowance(9, 1)
        for cause in list(self.model.paused):
            self.ask("pause", cause=cause, paused=False, kept=False)

    @rule(data=st.data(), tries=st.integers(1, 2))
    def be_late(self, data, tries):
        """Let a window end with something left, and be late in the next."""
        self.serve_again()
        self.clock = self.model.window()[1]
        self.serve_again()
        self.expire()
        for _ in range(tries):
            self.come_late(data=data)

    @rule(data=st.data())
    def debit_on_terms(self, data):
        event, before = self.use(data), dict(self.model.debt)
        status = self.ask("debit_on_terms", kept=False, event=event)[0]
        self.saw(f"terms {status}")
        if self.model.debt != before:
            self.saw("overdraft")

    @rule(data=st.data())
    def come_late(self, data):
        """Usage of the window before this one, as far as that is known."""
        start = self.model.window()[0]
        event = self.use(data)
        amount = data.draw(st.sampled_from([1, 2 * CREDIT, event.amount]))
        event = replace(event, event_at=start - HOUR, credit_type="credits", amount=amount)
        expired = sum(g.expired for g in self.model.grants.values())
        method = data.draw(st.sampled_from(["debit", "debit_on_terms"]))
        self.saw(f"late {self.ask(method, kept=False, event=event)[0]}")
        if sum(g.expired for g in self.model.grants.values()) < expired:
            self.saw("late reopened")

    @precondition(lambda self: self.model.keys)
    @rule(data=st.data())
    def correct(self, data):
        """Let usage of any time be less, or none of it."""
        known = list(self.model.drawn)[-6:] + list(self.model.keys)[-2:]
        event = data.draw(st.sampled_from(known))
        hold = self.model.holds.get(event)
        whole = (hold.captured or 1) if hold else self.model.keys[event][0][2]
        quantity = data.draw(st.sampled_from([0, 1, whole // 2, whole]))
        facts = {"key": f"c-{self.new_key()}", "event": event, "quantity": quantity}
        expired = sum(g.expired for g in self.model.grants.values())
        status = self.ask("correct", **facts)[0]
        self.saw(f"correct {status}")
        if hold and status == "corrected":
            self.saw("correct what was held")
        if sum(g.expired for g in self.model.grants.values()) > expired:
            self.saw("corrected into a window that is over")

    @rule(frozen=st.sampled_from([False, False, True]))
    def freeze(self, frozen):
        if self.ask("freeze", kept=False, frozen=frozen):
            self.saw("frozen" if frozen else "thawed")

    @rule()
    def expire(self):
        rolled = sum(grant.rolled for grant in self.model.grants.values())
        if self.ask("expire"):
            self.saw("expiry booked")
        if sum(grant.rolled for grant in self.model.grants.values()) > rolled:
            self.saw("rolled over")

    # Money that goes back

    def some_charge(self, data) -> str:
        return data.draw(st.sampled_from(list(self.model.charges)[-3:]))

    def part_of(self, data, charge) -> int:
        whole = self.model.charges[charge].amount
        return max(1, whole * data.draw(st.sampled_from([1, 1, 2, 3])) // 3)

    @with_charge
    @rule(data=st.data(), every=st.booleans())
    def refund(self, data, every):
        charge = self.some_charge(data)
        amount = None if every else self.part_of(data, charge)
        known = [name for name in self.model.refunds if name.startswith("r-")]
        name = f"r-{self.new_key()}"
        if known and data.draw(st.integers(0, 3)) == 0:
            name = data.draw(st.sampled_from(known))
        answer = self.ask("refund", kept=False, name=name, charge=charge, amount=amount)
        self.saw(f"refund {answer[0]}")

    @precondition(lambda self: self.model.refunds)
    @rule(data=st.data(), state=st.sampled_from(["made", "failed"]))
    def hear_of_a_refund(self, data, state):
        name = data.draw(st.sampled_from(list(self.model.refunds)))
        charge, amount, _ = self.model.refunds[name]
        facts = {"name": name, "charge": charge, "amount": amount, "state": state}
        self.saw(f"refund {state} {self.ask('note_refund', kept=False, **facts)}")

    @with_charge
    @rule(data=st.data())
    def refund_at_the_processor(self, data):
        charge = self.some_charge(data)
        paid, gone = self.model.charges[charge].amount, self.back_of(charge)
        if gone < paid:
            amount = min(self.part_of(data, charge), paid - gone)
            facts = {"charge": charge, "amount": amount, "state": "made"}
            self.ask("note_refund", kept=False, name=self.new_key(), **facts)
            self.saw("refund of the processor's own")

    def back_of(self, charge) -> int:
        return self.model.refunded_of(charge) + self.model.disputed_of(charge)

    @with_charge
    @rule(data=st.data(), holding=st.booleans())
    def dispute(self, data, holding):
        charge = self.some_charge(data)
        if holding and self.model.open_holds():
            names = [line.grant_id for hold in self.model.open_holds() for line in hold.lines]
            held = [self.model.grants[name].charge for name in names]
            charge = next((one for one in held if one), charge)
        paid, gone = self.model.charges[charge].amount, self.back_of(charge)
        if gone < paid:
            amount = min(self.part_of(data, charge), paid - gone)
            facts = {"charge": charge, "amount": amount, "state": "open"}
            held = any(g.charge == charge and g.terms.held for g in self.model.grants.values())
            self.ask("note_dispute", kept=False, name=self.new_key(), **facts)
            self.saw("dispute of what is held" if held else "dispute open")

    @rule(data=st.data(), sizes=st.lists(st.integers(1, 4), min_size=1, max_size=2))
    def work_while_money_goes_back(self, data, sizes):
        self.pack(quantity=sum(sizes) + 1, lasts=None)
        keys = [self.hold_for(size, 24) for size in sizes]
        self.dispute(data=data, holding=True)
        for key in keys:
            self.finish(data, key)
        if self.model.disputes and data.draw(st.booleans()):
            self.hear_of_a_dispute(data=data, state=data.draw(st.sampled_from(["lost", "won"])))

    @precondition(lambda self: self.model.disputes)
    @rule(data=st.data(), state=st.sampled_from(["open", "lost", "won", "won"]))
    def hear_of_a_dispute(self, data, state):
        name = data.draw(st.sampled_from(list(self.model.disputes)))
        charge, amount, _ = self.model.disputes[name]
        facts = {"name": name, "charge": charge, "amount": amount, "state": state}
        self.saw(f"dispute {state} {self.ask('note_dispute', kept=False, **facts)}")

    @invariant()
    def the_ledger_is_what_the_model_is(self):
        model, state = self.model, self.real.state()
        assert (state.violations or []) == []
        assert tuple(state[:4]) == (model.now, model.seq, *model.window())
        expected = {
            str(name): [
                grant.terms.remaining, grant.terms.held, grant.expired, grant.voided,
                grant.refunded, grant.rolled + grant.unrolled, grant.owed,
            ]
            for name, grant in model.grants.items()
        }  # fmt: skip
        assert state.grants == expected
        assert state.replayed == expected
        assert state.used == {str(name): grant.used for name, grant in model.grants.items()}
        assert state.money == {
            str(name): [
                grant.terms.granted, grant.refunded_minor, grant.rolled_minor,
                grant.terms.cost_minor, grant.terms.priority,
            ]
            for name, grant in model.grants.items()
        }  # fmt: skip
        assert (state.debt or {}) == {
            f"debt:{kind}": value for kind, value in model.debt.items() if value
        }
        assert state.crossings == model.crossings
        self.check_books(state.books or {})
        self.check_alerts(state.alerts or [])

    def check_books(self, books):
        model = self.model
        assert books.get("cash", 0) == model.cash
        assert -books.get("refunds", 0) == sum(map(model.refunded_of, model.charges))
        assert -books.get("disputes", 0) == sum(map(model.disputed_of, model.charges))

    def check_alerts(self, told):
        """Each threshold once a window, and only at or below it."""
        keys = [(one["window_start"], one["threshold"]) for one in told]
        assert len(set(keys)) == len(keys)
        assert all(one["available"] <= one["amount"] for one in told)
        if told:
            self.saw("alert")

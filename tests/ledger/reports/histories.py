"""Random histories of two customers, told through the ledger's functions and written down here."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import Connection

from domain.money import Ratio
from domain.payments.charges import ChargeKind
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import grants
from ledger.grants import RollTerms
from ledger.payments import charges, refunds
from ledger.payments.receivables import grant_before_money
from ledger.usage import corrections, debits, holds
from ledger.usage.corrections import CorrectionOrder
from ledger.usage.debits import Demand
from tests.builders import SubscribedWallet, a_grant, a_subscribed_wallet

BEGINS = datetime(2027, 1, 20, tzinfo=UTC)
STRETCH = timedelta(days=20)
WINDOWS = tuple((BEGINS + k * STRETCH, BEGINS + (k + 1) * STRETCH) for k in range(4))
LAST = WINDOWS[-1][1] - timedelta(hours=1)
OUTCOME = "meeting_booked"
REOPENS_AND_REPAYS = {"late_usage": "reopen", "reopen_days": 40, "debt_repaid_from": "all_grants"}
HALF_TWICE = RollTerms(2, Ratio(1, 2), None, 15)

who = st.sampled_from([0, 1])
credit_type = st.sampled_from(["credits", "credits", "credits", "seo_docs"])
tags = st.sampled_from(
    [(), (("campaign", "ai"),), (("campaign", "template"), ("member", "ada"))],
)
waits = st.sampled_from([1, 30, 100, 250, 400]).map(lambda hours: timedelta(hours=hours))
orders = st.fixed_dictionaries(
    {
        "who": who,
        "credit_type": credit_type,
        "quantity": st.integers(1, 30),
        "cost": st.integers(2, 1_000),
        "currency": st.sampled_from(["USD", "USD", "EUR", "JPY"]),
        "lasts": st.sampled_from([timedelta(days=9), timedelta(days=30), None]),
        "later": st.sampled_from([timedelta(), timedelta(), timedelta(days=12)]),
        "rolls": st.sampled_from([False, False, True]),
    }
)
uses = st.fixed_dictionaries(
    {
        "who": who,
        "credit_type": credit_type,
        "action": st.sampled_from(["email", "lookup"]),
        "quantity": st.integers(1, 5),
        "amount": st.sampled_from([0, 1, 2, 3, 5, 8, 13, 21]),
        "ago": st.sampled_from([timedelta(), timedelta(), timedelta(days=20)]),
        "tags": tags,
    }
)
backs = st.fixed_dictionaries({"number": st.integers(0, 9), "step": st.integers(0, 2)})
works = st.fixed_dictionaries(
    {"held": uses, "lasts": st.sampled_from([1, 60, 200]).map(lambda hours: timedelta(hours=hours))}
)
ends = st.fixed_dictionaries({"number": st.integers(0, 9), "taken": st.integers(0, 7)})
fixes = st.fixed_dictionaries({"number": st.integers(0, 9), "part": st.sampled_from([0, 1, 2])})
moves = st.one_of(
    st.tuples(st.just("correct"), fixes),
    st.tuples(st.just("use"), uses),
    st.tuples(st.just("use"), uses),
    st.tuples(st.just("use"), uses),
    st.tuples(st.just("outcome"), uses),
    st.tuples(st.just("buy"), orders),
    st.tuples(st.just("give"), orders),
    st.tuples(st.just("remove"), uses),
    st.tuples(st.just("back"), backs),
    st.tuples(st.just("owe"), orders),
    st.tuples(st.just("bank"), backs),
    st.tuples(st.just("hold"), works),
    st.tuples(st.just("hold"), works),
    st.tuples(st.just("end_hold"), ends),
    st.tuples(st.just("end_hold"), ends),
    st.tuples(st.just("lend"), orders),
    st.tuples(st.just("sweep"), st.fixed_dictionaries({"who": who})),
    st.tuples(st.just("wait"), st.fixed_dictionaries({"for_": waits})),
)
# Most begin with paid credits in hand: there is little to report on an empty wallet.
beginnings = st.lists(st.tuples(st.sampled_from(["buy", "buy", "lend"]), orders), max_size=5)


def of_second(move, facts, **sure):
    """One move of the second customer's credits."""
    sure = {"who": 1, "credit_type": "credits"} | sure
    return facts.map(lambda drawn: (move, drawn | sure))


WAIT = st.just(("wait", {"for_": timedelta(hours=250)}))
# What hardly comes about by chance: a window reopened, credits that moved on, a debt repaid, one
# event paid for in two currencies.
stories = st.one_of(
    st.just(()),
    st.tuples(
        of_second("buy", orders, rolls=False, lasts=timedelta(days=9)),
        WAIT,
        WAIT,
        st.just(("sweep", {"who": 1})),
        of_second("use", uses, amount=2, ago=timedelta(days=20)),
    ),
    st.tuples(of_second("buy", orders, rolls=True, quantity=21), WAIT, WAIT),
    st.tuples(
        of_second("lend", orders, quantity=9),
        of_second("use", uses, amount=8, action="lookup", ago=timedelta()),
        of_second("buy", orders),
    ),
    st.tuples(
        of_second("buy", orders, currency="USD", quantity=1, later=timedelta()),
        of_second("buy", orders, currency="EUR", quantity=2, later=timedelta()),
        of_second("use", uses, amount=3, action="lookup", ago=timedelta()),
    ),
)
steps = st.builds(
    lambda story, first, then: [*story, *first, *then],
    stories,
    beginnings,
    st.lists(moves, min_size=15, max_size=40),
)
cuts = st.integers(0, 20)


@dataclass(frozen=True, slots=True)
class Accepted:
    """One usage event that the ledger took."""

    key: str
    account_id: int
    customer_id: str
    action: str
    tags: dict[str, str]
    quantity: int
    credit_type: str
    amount: int
    at: datetime
    late: bool
    kind: str = "debit"


@dataclass
class History:
    """Two customers' wallets; `before_waiting` is asked whenever time is about to pass.

    The second's late usage reopens its window, and its new credits repay what it owes first.
    """

    connection: Connection
    before_waiting: Callable[["History"], None] = lambda _: None
    wallets: list[SubscribedWallet] = field(default_factory=list)
    clock: datetime = BEGINS
    waited_until: list[datetime] = field(default_factory=list)
    number: int = 0
    events: list[Accepted] = field(default_factory=list)
    paid: list[tuple[int, str, int]] = field(default_factory=list)
    coming: list[tuple[int, str, int]] = field(default_factory=list)
    holding: list[Accepted] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.wallets = [
            a_subscribed_wallet(self.connection, allowance=0, windows=WINDOWS, **policy)
            for policy in ({}, REOPENS_AND_REPAYS)
        ]

    @property
    def end(self) -> datetime:
        return self.clock + timedelta(microseconds=1)

    def cut(self, number: int) -> datetime:
        """Return an instant that things were decided at: the ends of a scope matter there."""
        return self.waited_until[number % len(self.waited_until)] if self.waited_until else BEGINS

    def tell(self, told: list[tuple[str, dict[str, Any]]]) -> "History":
        for name, facts in told:
            getattr(self, name)(**facts)
        return self

    def new_key(self) -> str:
        self.number += 1
        return f"key-{self.number}"

    def use(self, who, credit_type, action, quantity, amount, ago, tags):
        wallet, key = self.wallets[who], self.new_key()
        event = UsageEvent(key, action, quantity, self.clock - ago, tags)
        terms = None
        if action == "lookup" and amount:  # what may be served on credit is priced on terms
            way = PricedWay(credit_type, amount, quantity)
            terms = Terms((Attempt(action, (way,)),), at_zero="block")
        demand = Demand(wallet.account_id, PricedEvent(event, credit_type, amount, terms))
        outcome = debits.debit(self.connection, [demand], self.clock)[0]
        if outcome.status != "debited":
            return
        window = max(start for start, _ in WINDOWS if start <= self.clock)
        accepted = Accepted(
            key,
            wallet.account_id,
            wallet.customer_id,
            action,
            dict(tags),
            quantity,
            credit_type,
            amount,
            self.clock,
            event.event_at < window,
        )
        self.events.append(accepted)

    def correct(self, number, part):
        """Let one of the last events be of a part of its quantity, or of none."""
        used = [one for one in self.events if one.kind == "debit" and one.amount]
        if not used:
            return
        was = used[-1 - number % len(used)]
        order = CorrectionOrder(
            self.new_key(), was.key, was.quantity * part // 3, "counted twice", "ann"
        )
        done = corrections.correct(self.connection, was.account_id, order, None, self.clock)
        if done.status != "corrected":
            return
        before = sum(one.quantity for one in self.events if one.key == was.key)
        given = sum(amount for _, amount in done.given)
        less = {"quantity": order.quantity_micro - before, "amount": -given, "at": self.clock}
        self.events.append(replace(was, kind="correction", **less))

    def outcome(self, **facts):
        self.use(**facts | {"action": OUTCOME, "amount": 0})

    def hold(self, held, lasts):
        """Set aside what an event costs until `lasts` has passed."""
        wallet, key = self.wallets[held["who"]], self.new_key()
        event = UsageEvent(key, held["action"], held["quantity"], self.clock, held["tags"])
        priced = PricedEvent(event, held["credit_type"], held["amount"])
        account, until = wallet.account_id, self.clock + lasts
        if holds.hold(self.connection, account, priced, until, self.clock).status == "held":
            accepted = Accepted(
                key,
                account,
                wallet.customer_id,
                event.action,
                dict(event.tags),
                event.quantity_micro,
                priced.credit_type,
                priced.amount_micro,
                self.clock,
                False,
                "capture",
            )
            self.holding.append(accepted)

    def end_hold(self, number, taken):
        """Capture a hold for some quantity, more or less than was held, or let go of it."""
        if not self.holding:
            return
        held = self.holding.pop(number % len(self.holding))
        if not taken:
            holds.release(self.connection, held.account_id, held.key, self.clock)
            return
        done = holds.capture(self.connection, held.account_id, held.key, taken, self.clock)
        if done.status == "captured":
            amount = dict(done.taken).get(held.credit_type, 0)
            captured = {"quantity": taken, "amount": amount, "at": self.clock}
            self.events.append(replace(held, **captured))

    def lend(self, who, credit_type, quantity, lasts, **_):
        """Give an overdraft: an action's way into debt."""
        facts = {"priority": 90, "scope": ("lookup",)}
        self.grant(
            self.wallets[who], credit_type, quantity, lasts, timedelta(), "overdraft", **facts
        )

    def buy(self, who, credit_type, quantity, cost, currency, lasts, later, rolls, *, owed=False):
        """Pay a charge that funds a grant of now and one of later; or get them first (`owed`)."""
        wallet, charge = self.wallets[who], self.new_key()
        account = wallet.account_id
        demand = (charge, ChargeKind.PERIOD, currency, cost, None, self.clock)
        opened = charges.open_charge(self.connection, account, wallet.subscription_id, *demand)
        assert opened == "opened"
        known = self.coming if owed else self.paid
        if not owed:
            charges.mark_paid(self.connection, account, charge, f"in_{charge}", cost, self.clock)
        elif grant_before_money(self.connection, account, charge, self.clock) != "granted":
            return  # credits of an earlier one that failed are owed
        known.append((account, charge, cost))
        for part, share in enumerate((cost - cost // 2, cost // 2)):
            paid = {"cost_minor": share, "charge_id": charge, "part": part, "currency": currency}
            delay = later * part
            if rolls:
                paid["rolls"] = HALF_TWICE
            self.grant(wallet, credit_type, quantity + part, lasts, delay, "allowance", **paid)

    def give(self, who, credit_type, quantity, lasts, later, **_):
        self.grant(self.wallets[who], credit_type, quantity, lasts, later, "bonus")

    def grant(self, wallet, credit_type, quantity, lasts, later, source, **paid):
        begins = self.clock + later
        ends = begins + lasts if lasts else None
        if "rolls" in paid:  # what moves on ends with its window
            ends = next((end for start, end in WINDOWS if start <= begins < end), None)
        usual = {"key": self.new_key(), "source": source, "credit_type": credit_type}
        usual |= {"quantity_micro": quantity, "effective_at": begins, "expires_at": ends}
        order = a_grant(**usual | paid)
        grants.give(self.connection, wallet.account_id, order, self.clock)

    def remove(self, who, credit_type, amount, **_):
        account, why = self.wallets[who].account_id, '{"reason": "given twice"}'
        grants.remove(
            self.connection, account, self.new_key(), credit_type, amount + 1, why, self.clock
        )

    def owe(self, **order):
        self.buy(**order, owed=True)

    def bank(self, number, step):
        """Let the money of what came before it fail, or come, once and again."""
        for account, charge, cost in self.coming[number : number + 1]:
            told = (self.connection, account, charge, f"in_{charge}")
            if step:
                charges.mark_declined(*told, step, "account_closed", self.clock)
            else:
                charges.mark_paid(*told, cost, self.clock)

    def back(self, number, step):
        """Let the money of a charge go back, or come back, as the processor says it."""
        if not self.paid:
            return
        number %= len(self.paid)
        account, charge, cost = self.paid[number]
        note, states = (
            (refunds.note_refund, ("made", "made", "failed"))
            if number % 2
            else (refunds.note_dispute, ("open", "lost", "won"))
        )
        note(self.connection, account, f"{charge}:back", charge, cost, states[step], self.clock)

    def sweep(self, who):
        grants.expire_due(self.connection, self.wallets[who].account_id, self.clock)

    def wait(self, for_):
        until = min(self.clock + for_, LAST)
        if any(self.clock < end <= until for _, end in WINDOWS):
            for who in (0, 1):  # no window passes unbooked: reports foresee one move on, not two
                self.sweep(who)
        self.before_waiting(self)
        self.clock = until
        self.waited_until.append(self.clock)

"""Coupons and taxes: what is taken off a price, and what comes to it, before it is paid."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.builders import a_grant
from tests.ledger.machine.features.debits import a_use, use
from tests.ledger.machine.features.purchases import with_charge
from tests.ledger.machine.features.refunds import still_there
from tests.ledger.machine.history import HOUR, History
from tests.ledger.machine.model.prices import redeem, tax
from tests.ledger.machine.model.purchases import CREDIT, open_manual, pay, void
from tests.ledger.machine.model.refunds import note_dispute, note_refund, refund

COUPONS = st.sampled_from(["spring", "spring", "friend"])
EACH = st.sampled_from([None, None, 1, 2])
PARTS = st.sampled_from([3, 3, 1, 2, 4, 0])  # of a price, in thirds: all of it, too much, nothing
RATES = st.sampled_from([77, 200, 200, 1_000, 0])  # in thousandths
STEPS = st.sampled_from(["on", "on", "both", "off"])


def asked_for(history: History) -> list[str]:
    """Return the charges that a person asked for: nothing is taken off what is bought by itself."""
    charges = history.model.charges.items()
    return [name for name, charge in charges if charge.kind != "auto_purchase"]


def take_off(history: History, data, name: str) -> None:
    """Redeem a coupon for a charge, whatever it is."""
    charge = history.model.charges[name]
    minor = charge.amount * data.draw(PARTS) // 3
    facts = {
        "coupon": data.draw(COUPONS),
        "each": data.draw(EACH),
        "first": data.draw(st.sampled_from([False, False, False, True])),
    }
    answer = history.ask(redeem, kept=False, charge_id=name, minor=minor, **facts)
    history.saw(f"redeem {answer}")
    if answer == "redeemed" and not charge.amount:
        history.saw("redeem all of it")


def put_on(history: History, data, name: str) -> None:
    """Tax a charge, whatever it is."""
    charge, inside = history.model.charges[name], data.draw(st.booleans())
    minor = charge.price * data.draw(RATES) // 1_000
    answer = history.ask(tax, kept=False, charge_id=name, minor=minor, inside=inside)
    history.saw(f"tax {answer}")
    if answer == "taxed" and minor:
        history.saw("tax inside" if inside else "tax beside")


def buy(history: History, data, quantity: int, lasts: int | None) -> str | None:
    """Buy credits by hand at another price; return the charge, None: they cannot be bought."""
    name = history.new_key()
    facts = {"quantity": quantity * CREDIT, "amount": 7 * quantity + 1}
    if history.ask(open_manual, kept=False, charge_id=name, **facts) != "opened":
        return None
    steps = data.draw(STEPS)
    if steps in ("off", "both"):
        take_off(history, data, name)
    if steps in ("on", "both"):
        put_on(history, data, name)
        if data.draw(st.booleans()):  # another invoice says another tax
            put_on(history, data, name)
    charge = history.model.charges[name]
    order = a_grant(
        key=f"{name}:grant",
        source="manual_purchase",
        quantity_micro=charge.quantity,
        priority=30,
        effective_at=history.clock,
        expires_at=history.clock + lasts * HOUR if lasts else None,
        cost_minor=charge.amount,
        charge_id=name,
        part=0,
    )
    history.ask(pay, kept=False, charge_id=name, order=order, total=charge.total)
    history.saw("paid with tax" if charge.tax else "paid without tax")
    return name


class Prices(History):
    """Credits that are bought at another price than the plan's."""

    @rule(data=st.data(), quantity=st.integers(1, 12), lasts=st.sampled_from([None, None, 30]))
    def buy_for_less_or_more(self, data, quantity, lasts):
        buy(self, data, quantity, lasts)

    @rule(data=st.data(), comes_back=st.booleans())
    def a_coupon_that_is_had_once(self, data, comes_back):
        facts = {"quantity": 3 * CREDIT, "amount": 22}
        for again in (False, True):
            name = self.new_key()
            if self.ask(open_manual, kept=False, charge_id=name, **facts) != "opened":
                return
            wanted = {"coupon": "once", "minor": 5, "each": 1, "first": False}
            self.saw(f"redeem {self.ask(redeem, kept=False, charge_id=name, **wanted)}")
            if comes_back and not again:
                self.ask(void, kept=False, charge_id=name)

    @precondition(asked_for)
    @rule(data=st.data())
    def redeem(self, data):
        take_off(self, data, data.draw(st.sampled_from(asked_for(self))))

    @with_charge
    @rule(data=st.data())
    def tax(self, data):
        put_on(self, data, data.draw(st.sampled_from(sorted(self.model.charges))))


class PricesBack(Prices):
    """What was bought so goes back, before it is used and after."""

    @rule(data=st.data(), sizes=st.lists(st.integers(2, 12), min_size=2, max_size=3))
    def buy_and_give_back(self, data, sizes):
        self.serve_again()
        for quantity in sizes:
            name = buy(self, data, quantity, None)
            if data.draw(st.booleans()):
                use(self, a_use(self, data))
            if name is not None:
                give_back(self, data, name)


def give_back(history: History, data, name: str) -> None:
    """Refund parts of a charge, here and at the processor, and hear that its bank wants more."""
    charge = history.model.charges[name]
    for _ in range(data.draw(st.integers(1, 2))):
        most = charge.with_tax(sum(one.returnable for one in history.model.grants_of(name)))
        amount = data.draw(st.one_of(st.none(), st.integers(1, max(1, most))))
        facts = {"charge": name, "amount": amount}
        answer = history.ask(refund, kept=False, name=f"r-{history.new_key()}", **facts)
        history.saw(f"refund {answer[0]}")
        if charge.tax and answer[0] == "refunded":
            history.saw("refund with tax")
    for request, state in ((note_refund, "made"), (note_dispute, "open")):
        left = still_there(history, name)
        if left > 0 and data.draw(st.integers(0, 2)) == 0:
            facts = {"charge": name, "amount": data.draw(st.integers(1, left)), "state": state}
            history.ask(request, kept=False, name=history.new_key(), **facts)

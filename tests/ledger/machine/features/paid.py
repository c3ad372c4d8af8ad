"""Allowances of paid windows, some of which moves on; upgrades; packs."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from domain.money import Ratio
from ledger.grants import RollTerms
from tests.builders import a_grant
from tests.ledger.machine.history import HOUR, WINDOW, History
from tests.ledger.machine.model.purchases import CREDIT, purchase


def buy(history: History, kind: str, quantity: int, **facts) -> str:
    """Open a charge, pay it and give its credits; return what became of it."""
    name = history.new_key()
    facts = {"effective_at": history.clock} | facts
    order = a_grant(
        key=f"{name}:grant",
        quantity_micro=quantity * CREDIT,
        cost_minor=7 * quantity + 1,
        charge_id=name,
        part=0,
        **facts,
    )
    before = dict(history.model.debt)
    status, _ = history.ask(purchase, kept=False, charge_id=name, kind=kind, order=order)
    if history.model.debt != before:
        history.saw("repayment")
    return status


def buy_a_pack(history: History, quantity: int, lasts: int | None) -> None:
    """Buy credits that last for so many hours, or for ever."""
    ends = history.clock + lasts * HOUR if lasts else None
    facts = {"source": "manual_purchase", "priority": 30, "expires_at": ends}
    history.saw(f"pack {buy(history, 'manual_purchase', quantity, **facts)}")


def renew_paid(history: History, quantity: int, times: int, share=(1, 2), cap=None) -> None:
    """Serve the next window and give its allowance, some of which may move on `times` times."""
    start = history.model.windows[-1][1]
    history.open_a_window()
    buy(
        history,
        "period",
        quantity,
        source="allowance",
        priority=20,
        effective_at=start,
        expires_at=start + WINDOW,
        rolls=RollTerms(times, Ratio(*share), cap, 15) if times else None,
    )


def serve_again_paid(history: History, quantity: int = 9) -> None:
    """End whatever stops use; each window that is served has its allowance."""
    while history.model.windows[-1][1] <= history.clock:
        renew_paid(history, quantity, 1)
    history.serve_again()


class Paid(History):
    """Windows with an allowance, and more of it bought in them."""

    def begin(self):
        super().begin()
        renew_paid(self, 9, 2)

    @rule(
        quantity=st.integers(1, 12),
        times=st.sampled_from([0, 1, 2, 2]),
        share=st.sampled_from([(1, 2), (1, 1), (2, 3)]),
        cap=st.sampled_from([None, 3]),
    )
    def renew_paid(self, quantity, times, share, cap):
        if self.model.windows[-1][0] <= self.clock:
            renew_paid(self, quantity, times, share, cap)

    @rule(quantity=st.integers(1, 6))
    def upgrade(self, quantity):
        start, end = self.model.window()
        facts = {"source": "allowance", "priority": 20, "expires_at": end}
        if start <= self.clock < end and buy(self, "upgrade", quantity, **facts) == "opened":
            self.saw("upgrade")


class Packs(History):
    """Credits bought by hand, for a time or for ever."""

    @rule(quantity=st.integers(1, 12), lasts=st.sampled_from([None, None, 30, 96]))
    def pack(self, quantity, lasts):
        buy_a_pack(self, quantity, lasts)

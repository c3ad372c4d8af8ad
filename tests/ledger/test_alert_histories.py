"""Random histories of one wallet: alerts match a small model of thresholds."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledger import grants
from ledger.usage import debits
from tests.builders import MONTH_END, START, a_grant, an_event, use
from tests.ledger.test_alerts import NEXT_END, amount, names, percent, watched

HOUR = timedelta(hours=1)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("one"), st.integers(1, 60)),
        st.tuples(st.just("batch"), st.lists(st.integers(1, 30), min_size=2, max_size=4)),
        st.tuples(st.just("pack"), st.integers(1, 80)),
        st.tuples(st.just("bonus"), st.integers(1, 20)),
        st.tuples(st.just("window"), st.none()),
    ),
    max_size=14,
)
FIGURES = st.lists(st.sampled_from([5, 20, 50, 90]), min_size=1, max_size=3, unique=True)


class Model:
    """Allowance and packs of two windows of 100 credits, and their alerts."""

    def __init__(self, percents, amounts):
        self.thresholds = [(f"{n}_percent", n, None) for n in percents]
        self.thresholds += [(f"{n}_credits", None, n) for n in amounts]
        self.allowance, self.packs, self.bonus, self.base = 100, 0, 0, 100
        self.fired, self.told = set(), []

    def enter_window(self):
        self.allowance, self.bonus, self.base = 100, 0, 100 + self.packs
        self.fired = set()

    def debit(self, size):
        if size > self.left:
            return
        for part in ("bonus", "allowance", "packs"):  # free ones first, packs last
            took = min(size, getattr(self, part))
            setattr(self, part, getattr(self, part) - took)
            size -= took
        for name, share, fixed in self.thresholds:
            level = fixed if share is None else self.base * share / 100
            if self.left <= level and name not in self.fired:
                self.fired.add(name)
                self.told.append(name)

    @property
    def left(self):
        return self.allowance + self.packs + self.bonus


@given(steps=STEPS, percents=FIGURES, amounts=FIGURES)
def test_what_is_told_is_what_the_model_says(session_engine, steps, percents, amounts):
    model = Model(percents, amounts)
    with session_engine.connect() as connection:
        thresholds = [*map(percent, percents), *map(amount, amounts)]
        windows = ((START, MONTH_END), (MONTH_END, NEXT_END))
        wallet = watched(connection, 100, *thresholds, windows=windows)
        at, second = START, False
        for what, size in steps:
            at += HOUR
            if what == "one":
                use(connection, wallet, size, at=at)
                model.debit(size)
            elif what == "batch":
                events = [an_event(wallet.account_id, one, event_at=at) for one in size]
                debits.debit(connection, events, at)
                for one in size:
                    model.debit(one)
            elif what == "window" and not second:
                at, second = MONTH_END, True
                model.enter_window()
            elif what in ("pack", "bonus"):
                facts = {"effective_at": at, "expires_at": NEXT_END if second else MONTH_END}
                if what == "pack":
                    facts |= {"source": "pack", "expires_at": None, "priority": 30}
                    model.packs, model.base = model.packs + size, model.base + size
                else:
                    model.bonus += size
                order = a_grant(quantity_micro=size * 1_000_000, **facts)
                grants.give(connection, wallet.account_id, order, at)
            assert sorted(names(connection, wallet)) == sorted(model.told)
        connection.rollback()

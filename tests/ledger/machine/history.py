"""One customer's wallet in the database and in the model, moved by the same requests.

A history is put together from the features beside it: each brings its own rules, and none takes
another's away.
"""

import os
from collections import Counter
from datetime import datetime, timedelta
from typing import ClassVar

from hypothesis import Phase, seed, settings
from hypothesis import event as note
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    run_state_machine_as_test,
)
from sqlalchemy import Engine

from tests.builders import START, a_grant, a_subscribed_wallet
from tests.ledger.machine import standing
from tests.ledger.machine.model.arrival import stood_at
from tests.ledger.machine.model.debits import batch, debit
from tests.ledger.machine.model.grants import grant, pause, renew
from tests.ledger.machine.model.purchases import (
    AUTO_PRICE,
    AUTO_TYPE,
    AUTO_UNIT,
    CREDIT,
    SURCHARGE,
)
from tests.ledger.machine.model.terms import REOPEN_DAYS, debit_on_terms
from tests.ledger.machine.model.wallet import Wallet
from tests.ledger.machine.real import RealWallet

WINDOW = timedelta(days=4)
HOUR = timedelta(hours=1)
TYPES = ("credits", "credits", "credits", "usd_wallet")
ACTIONS = ("email", "lookup", "export")
# Shrinking a history takes minutes: ask for it with HYPOTHESIS_PROFILE=thorough. Otherwise the
# histories are the same in every run: a rare class that chance leaves out is no news.
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
# After how many steps the laws are looked at, beside the end: they cost most of a step.
LAWS_EVERY = 8
ROUNDS = 60  # at most; three or four are enough to come to every class
PHASES = tuple(Phase) if THOROUGH else (Phase.generate,)


class History(RuleBasedStateMachine):
    """A wallet with credits for two windows, of which the first is being served."""

    # What is drawn once for a whole history. A feature that needs more says so by the same name.
    POLICY: ClassVar = {
        "cap": st.sampled_from([10, 20, 30]),
        "late_usage": st.sampled_from(["book_now", "refuse"]),
        "auto_on": st.sampled_from([True, True, True, False]),
        "repays": st.booleans(),
    }

    def __init__(self, engine: Engine, seen: Counter[str], laws_every: int) -> None:
        super().__init__()
        self.seen = seen
        self.laws_every = laws_every
        self.connection = engine.connect()
        self.clock = START
        self.past: list[tuple[object, dict[str, object]]] = []
        self.stood: dict[datetime, dict[str, tuple[int, int]]] = {}
        self.number = 0
        self.steps = 0
        self.agreed = False  # after the last step, as far as was looked

    def teardown(self) -> None:
        try:
            if self.agreed:
                self.keep_the_laws()
            self.connection.rollback()
        finally:
            self.connection.close()

    @initialize(data=st.data())
    def subscribe(self, data):
        strategies = {}
        for feature in reversed(type(self).__mro__):
            strategies |= vars(feature).get("POLICY", {})
        drawn = {name: data.draw(strategy) for name, strategy in strategies.items()}
        drawn["cap"] *= CREDIT
        first = (START, START + WINDOW)
        policy = {
            "late_usage": drawn["late_usage"],
            "reopen_days": REOPEN_DAYS,
            "debt_repaid_from": "all_grants" if drawn["repays"] else "purchases",
            "card_usable": True,
            "auto_on": drawn["auto_on"],
            "auto_credit_type": AUTO_TYPE,
            "auto_unit": AUTO_UNIT,
            "auto_cap": drawn["cap"],
            "auto_price_num": AUTO_PRICE.num,
            "auto_price_den": AUTO_PRICE.den,
            "auto_surcharge_num": SURCHARGE.num,
            "auto_surcharge_den": 100 * SURCHARGE.den,
        }
        wallet = a_subscribed_wallet(self.connection, allowance=0, windows=(first,), **policy)
        self.real = RealWallet(self.connection, wallet)
        self.model = Wallet(START, [first], **drawn)
        for lasts in (1, 4):
            order = a_grant(
                key=self.new_key(), quantity_micro=6 * CREDIT, expires_at=START + lasts * WINDOW
            )
            self.ask(grant, order=order)
        self.begin()

    def begin(self):
        """What a feature does before the first step."""

    def ask(self, request, *, at=None, kept=True, **facts):
        """Put one request to the ledger and to the model, and compare the answers."""
        self.agreed = False
        at = at or self.clock
        answer = getattr(self.real, request.__name__)(**facts, at=at)
        self.real.commit()
        expected = request(self.model, **facts, at=at)
        assert answer == expected, f"{request.__name__} {facts}: {answer}, not {expected}"
        if request in (debit, batch, debit_on_terms):
            answers = answer if request is batch else [answer]
            if any(one[0] in ("repeated", "idempotency_conflict") for one in answers):
                stood_at(self.model, self.real.decided_at(), at)
        self.stood[self.model.now] = self.model.balances()
        if kept:
            self.past.append((request, facts))
        return answer

    def asked(self, request) -> list[dict[str, object]]:
        """Return what was asked before by a request."""
        return [facts for known, facts in self.past if known is request]

    def saw(self, what: str) -> None:
        self.seen[what] += 1
        note(what)

    def new_key(self) -> str:
        self.number += 1
        return f"key-{self.number}"

    def open_a_window(self):
        """Serve the window behind the last one."""
        start = self.model.windows[-1][1]
        self.ask(renew, window=(start, start + WINDOW))

    def serve_again(self):
        """End whatever stops use."""
        while self.model.windows[-1][1] <= self.clock:
            self.open_a_window()
        for cause in list(self.model.paused):
            self.ask(pause, cause=cause, paused=False, kept=False)

    @invariant()
    def the_ledger_is_what_the_model_is(self):
        if self.agreed:  # nothing was asked since
            return
        self.compare(self.real.state())
        self.agreed = True
        self.steps += 1
        if self.steps % self.laws_every == 0:
            self.keep_the_laws()

    def keep_the_laws(self):
        broken = self.real.violations()
        assert not broken, broken

    def compare(self, row):
        """Compare what was read of the ledger; a feature compares more of it."""
        ledger, model = standing.of_ledger(row), standing.of_model(self.model)
        assert ledger == model, f"{ledger}\nnot\n{model}"


def agree(
    engine: Engine,
    histories: type[History],
    classes: set[str],
    examples: int,
    *,
    deep: bool = False,
) -> None:
    """Run histories; a generator that no longer produces a class of them proves nothing of it.

    Deep ones are others, and look at the laws after every step. They come in rounds, which end with
    the first after which every class has been met: what one round came to by chance alone, a later
    one may. Hypothesis draws constants of the modules that are loaded, so the same seed is another
    history in another process.
    """
    seen: Counter[str] = Counter()

    def history() -> History:
        return histories(engine, seen, laws_every=1 if deep or THOROUGH else LAWS_EVERY)

    for number in range(ROUNDS):
        seeded = (deep or number) and not THOROUGH
        run_state_machine_as_test(
            seed(examples + number)(history) if seeded else history,
            settings=settings(
                max_examples=examples * 6 if THOROUGH else examples,
                stateful_step_count=40,
                phases=PHASES,
                derandomize=not THOROUGH,
                database=None,
            ),
        )
        missing = classes - seen.keys()
        if not missing:
            break
    assert not missing, f"no history came to {sorted(missing)}"

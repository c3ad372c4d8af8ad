"""Random histories with holds: the ledger and the model agree after every step."""

from collections import Counter

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.hold_machine import HoldHistories
from tests.ledger.test_histories import PHASES, THOROUGH

EXAMPLES = 600 if THOROUGH else 120
# A generator that no longer produces one of these proves nothing about it.
CLASSES = {
    "hold held", "hold repeated", "hold idempotency_conflict", "hold insufficient_credits",
    "hold purchase_needed", "hold renewal_pending", "hold invalid_lapse", "hold period_closed",
    "capture captured", "capture repeated", "capture hold_released",
    "capture idempotency_conflict", "capture hold_lapsed", "capture unknown_hold", "capture more",
    "capture less", "capture all", "capture uncollected", "capture in a later window",
    "release released", "release repeated", "release hold_captured", "release hold_lapsed",
    "extend extended", "extend repeated", "extend hold_lapsed", "lapse written down",
    "jump onto a lapse", "looked back", "expiry booked", "redelivery", "debit debited",
}  # fmt: skip


def test_the_ledger_and_the_model_agree_on_random_histories_with_holds(session_engine):
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: HoldHistories(session_engine, seen),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            phases=PHASES,
            derandomize=not THOROUGH,
            database=None,
        ),
    )
    assert CLASSES - seen.keys() == set()

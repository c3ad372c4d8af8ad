"""Random histories of everything at once: the ledger and the model agree after every step."""

from collections import Counter

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.test_histories import PHASES, THOROUGH
from tests.ledger.whole_machine import WholeHistories

EXAMPLES = 2_000 if THOROUGH else 150
# A generator that no longer produces one of these proves nothing about it.
CLASSES = {
    "alert", "rolled over", "correct corrected", "correct event_free", "correct event_held",
    "correct not_less", "correct what was held", "corrected into a window that is over",
    "expiry booked", "overdraft", "repayment", "frozen", "thawed",
    "upgrade", "pack opened", "late debited", "late reopened", "late period_closed",
    "hold held", "capture captured", "capture more", "capture less", "release released",
    "extend extended", "jump onto a lapse", "dispute of what is held",
    "dispute open", "dispute lost noted", "dispute won noted", "dispute open repeated",
    "refund refunded", "refund above_refundable", "refund charge_disputed",
    "refund made noted", "refund failed noted",
    "refund of the processor's own", "terms debited", "terms insufficient_credits",
    "batch mixed", "batch of one kind", "debit debited", "debit crossed", "remove debited",
    "debit insufficient_credits",
}  # fmt: skip


def test_the_ledger_and_the_model_agree_whatever_happens_together(session_engine):
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: WholeHistories(session_engine, seen),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            phases=PHASES,
            derandomize=not THOROUGH,
            database=None,
        ),
    )
    assert CLASSES - seen.keys() == set()

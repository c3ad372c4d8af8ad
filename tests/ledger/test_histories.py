"""Random histories: the ledger and a small model of the rules agree after every step."""

import os
from collections import Counter

from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.ledger.machine import Histories

# Shrinking a history takes minutes: ask for it with HYPOTHESIS_PROFILE=thorough. Otherwise the
# histories are the same in every run: a rare class that chance leaves out is no news.
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
PHASES = tuple(Phase) if THOROUGH else (Phase.generate,)
EXAMPLES = 1_000 if THOROUGH else 320
# A generator that no longer produces one of these proves nothing about it.
CLASSES = {
    "debit debited", "debit repeated", "debit idempotency_conflict", "debit insufficient_credits",
    "debit purchase_needed", "debit cap_reached", "debit renewal_pending", "debit period_closed",
    "debit paused:payment_failed", "debit paused:by_operator", "debit crossed", "debit free",
    "debit late", "debit of several grants", "batch with a refusal", "batch of one kind",
    "batch with a repeat", "grant of a scope", "grant from the future", "grant of another type",
    "grant repeated", "grant conflict", "expiry booked", "jump onto an expiry",
    "jump onto a window's end", "clock behind", "remove debited", "remove insufficient_credits",
    "remove repeated", "remove idempotency_conflict", "reserve reserved", "reserve repeated",
    "reserve purchase_pending", "reserve not_needed", "reserve cap_reached",
    "reserve auto_purchase_off", "reserve renewal_pending", "reserve paused:payment_failed",
    "manual opened", "manual repeated", "manual idempotency_conflict", "pay first", "pay repeated",
    "decline declined", "decline repeated", "decline paid", "void void", "void paid",
    "window paid ahead", "window paid late", "pause True", "pause False", "redelivery",
}  # fmt: skip


def test_the_ledger_and_the_model_agree_on_random_histories(session_engine):
    seen: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: Histories(session_engine, seen),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            phases=PHASES,
            derandomize=not THOROUGH,
            database=None,
        ),
    )
    assert CLASSES - seen.keys() == set()

"""Random histories of usage, grants and purchases: the ledger and a small model of the rules agree
after every step.
"""

import pytest

from tests.ledger.machine.features.batches import Batches
from tests.ledger.machine.features.debits import Debits, ManyDebits
from tests.ledger.machine.features.grants import Grants, GrantsAgain, Removals, RemovalsAgain
from tests.ledger.machine.features.prices import Prices
from tests.ledger.machine.features.purchases import Earnings, Purchases
from tests.ledger.machine.features.time import Pauses, Time, Windows, WindowsEnd
from tests.ledger.machine.history import agree

EXAMPLES = 10
DEEP_EXAMPLES = 40
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
    "redeem redeemed", "redeem repeated", "redeem paid", "redeem void", "redeem wrong_amount",
    "redeem coupon_already_used", "redeem coupon_for_first_purchase", "redeem all of it",
    "tax taxed", "tax wrong_amount", "tax paid", "tax inside", "tax beside",
    "window paid ahead", "window paid late", "pause True", "pause False", "redelivery",
}  # fmt: skip


class Histories(
    Debits, ManyDebits, Batches, Grants, GrantsAgain, Removals, RemovalsAgain, Purchases, Prices,
    Earnings, Time, Windows, WindowsEnd, Pauses,
):  # fmt: skip
    """Usage, what it takes from and what is bought for it."""


def test_the_ledger_and_the_model_agree_on_random_histories(session_engine):
    agree(session_engine, Histories, set(), EXAMPLES)


@pytest.mark.long
def test_the_ledger_and_the_model_agree_on_random_histories_at_length(session_engine):
    agree(session_engine, Histories, CLASSES, DEEP_EXAMPLES, deep=True)

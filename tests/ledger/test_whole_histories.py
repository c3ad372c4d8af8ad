"""Random histories of everything at once: the ledger and the model agree after every step."""

import pytest

from tests.ledger.machine.features.alerts import Alerts
from tests.ledger.machine.features.batches import Batches
from tests.ledger.machine.features.credit import Credit, Freezing, Overdraft
from tests.ledger.machine.features.debits import Debits
from tests.ledger.machine.features.grants import Grants, Removals
from tests.ledger.machine.features.holds import Holds
from tests.ledger.machine.features.late import Corrections, Late
from tests.ledger.machine.features.paid import Packs, Paid
from tests.ledger.machine.features.prices import PricesBack
from tests.ledger.machine.features.refunds import Disputes, Refunds
from tests.ledger.machine.features.time import Pauses, Time, Windows
from tests.ledger.machine.history import agree

EXAMPLES = 8
DEEP_EXAMPLES = 30
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
    "tax inside", "tax beside", "redeem redeemed", "redeem all of it", "refund nothing_paid",
    "refund with tax",
    "paid with tax", "batch mixed",
    "batch of one kind", "debit debited", "debit crossed", "remove debited",
    "debit insufficient_credits",
}  # fmt: skip


class WholeHistories(
    Debits, Batches, Grants, Removals, Holds, Paid, Packs, Overdraft,
    Credit, Freezing, Late, Corrections, PricesBack, Refunds,
    Disputes, Alerts, Time, Windows, Pauses,
):  # fmt: skip
    """What happens to a wallet of which every feature is used."""


def test_the_ledger_and_the_model_agree_whatever_happens_together(session_engine):
    agree(session_engine, WholeHistories, set(), EXAMPLES)


@pytest.mark.long
def test_the_ledger_and_the_model_agree_whatever_happens_together_at_length(session_engine):
    agree(session_engine, WholeHistories, CLASSES, DEEP_EXAMPLES, deep=True)

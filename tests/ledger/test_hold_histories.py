"""Random histories with holds: the ledger and the model agree after every step."""

import pytest

from tests.ledger.machine.features.debits import Debits
from tests.ledger.machine.features.grants import Grants
from tests.ledger.machine.features.holds import Holds, HoldsAgain
from tests.ledger.machine.features.instants import Instants
from tests.ledger.machine.features.time import Pauses, Time, Windows
from tests.ledger.machine.history import agree

EXAMPLES = 30
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


class HoldHistories(Debits, Grants, Holds, HoldsAgain, Instants, Time, Windows, Pauses):
    """A wallet whose credits are sometimes held."""


@pytest.mark.long
def test_the_ledger_and_the_model_agree_on_random_histories_with_holds(session_engine):
    agree(session_engine, HoldHistories, CLASSES, EXAMPLES, deep=True)

"""Random histories whose old lines are archived in between: the model knows nothing of it."""

import pytest

from tests.ledger.machine.features.archive import Archiving
from tests.ledger.machine.features.batches import Batches
from tests.ledger.machine.features.credit import Credit, Overdraft
from tests.ledger.machine.features.debits import Debits, ManyDebits
from tests.ledger.machine.features.grants import Grants, GrantsAgain, Removals, RemovalsAgain
from tests.ledger.machine.features.holds import Holds
from tests.ledger.machine.features.late import Corrections, Late
from tests.ledger.machine.features.paid import Packs, Paid
from tests.ledger.machine.features.refunds import Disputes, Refunds
from tests.ledger.machine.features.time import Time, Windows
from tests.ledger.machine.history import agree

EXAMPLES = 20
CLASSES = {
    "archived", "nothing to archive", "redelivery", "debit debited", "debit repeated",
    "debit idempotency_conflict", "batch with a repeat", "grant repeated", "grant conflict",
    "remove repeated", "hold held", "capture captured",
    "correct corrected", "rolled over", "refund refunded", "dispute won noted", "repayment",
    "late debited", "expiry booked",
}  # fmt: skip


class ArchivedHistories(
    Debits, ManyDebits, Batches, Grants, GrantsAgain, Removals, RemovalsAgain, Holds, Paid, Packs,
    Overdraft, Credit, Late, Corrections, Refunds, Disputes, Time, Windows, Archiving,
):  # fmt: skip
    """What happens to a wallet whose journal is archived again and again."""


@pytest.mark.long
def test_the_ledger_and_the_model_agree_whatever_is_archived(session_engine):
    agree(session_engine, ArchivedHistories, CLASSES, EXAMPLES, deep=True)

"""Random terms: the SQL resolves and writes what the rules say, to the last micro-credit."""

import pytest

from tests.ledger.machine.features.credit import Freezing, Overdraft
from tests.ledger.machine.features.grants import Grants
from tests.ledger.machine.features.paid import Packs
from tests.ledger.machine.features.terms import AnyTerms, Members
from tests.ledger.machine.features.time import Time, Windows, WindowsEnd
from tests.ledger.machine.history import agree

EXAMPLES = 6
DEEP_EXAMPLES = 20
CLASSES = {
    "debited", "repeated", "idempotency_conflict", "already_unlocked", "insufficient_credits",
    "user_limit", "confirmation_required", "purchase_needed", "split over types", "free line",
    "of several grants", "degraded", "carried", "started units", "confirmed", "into debt",
    "asked for a purchase", "frozen", "quantity_not_one", "limit below use",
    "jump onto a window's end",
}  # fmt: skip


class TermHistories(
    AnyTerms, Members, Grants, Packs, Overdraft, Freezing, Time, Windows, WindowsEnd
):
    """Usage on any terms, of a wallet whose members are limited."""


def test_the_ledger_and_the_rules_agree_on_random_terms(session_engine):
    agree(session_engine, TermHistories, set(), EXAMPLES)


@pytest.mark.long
def test_the_ledger_and_the_rules_agree_on_random_terms_at_length(session_engine):
    agree(session_engine, TermHistories, CLASSES, DEEP_EXAMPLES, deep=True)

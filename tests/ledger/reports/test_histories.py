"""The random histories: a generator that no longer reaches one of these proves nothing about it."""

from collections import Counter

import pytest
from hypothesis import given, seed, settings
from sqlalchemy import text

from ledger.reports.liability import liability
from tests.ledger.reports.histories import OUTCOME, History, steps

ROUNDS = 12  # short ones: it ends with the first that has reached the rest
DUE = ("expired_micro", "earned_not_posted_minor", "broken_not_posted_minor")
REACHED = {
    "debit", "debit of several grants", "debit of two currencies", "free debit", "late",
    "adjustment", "expiry", "refund", "chargeback", "debt", "hold",
    "capture", "release", "correction", "reopen", "repayment", "rollover", "on credit",
    "owed for ever", OUTCOME, *DUE,
}  # fmt: skip

SEEN = text("""
    SELECT e.kind::text AS kind, count(*) > 1 AS several, count(DISTINCT g.currency) AS currencies,
           bool_or(g.source = 'overdraft' AND e.kind = 'debit') AS lent
    FROM entries e LEFT JOIN grants g USING (account_id, grant_id)
    GROUP BY e.account_id, e.seq, e.kind
""")


def reached(ledger, history):
    for row in ledger.execute(SEEN):
        yield f"{row.kind} of several grants" if row.several else row.kind
        if row.lent:
            yield "on credit"
        if row.currencies > 1:
            yield f"{row.kind} of two currencies"
    for one in history.events:
        yield OUTCOME if one.action == OUTCOME else f"{'' if one.amount else 'free '}debit"
        if one.late and one.amount:
            yield "late"
    for owed in liability(ledger, history.clock):
        yield from (name for name in DUE if getattr(owed, name))
        if owed.month is None and owed.owed_minor:
            yield "owed for ever"


@pytest.mark.long
def test_histories_reach_what_the_laws_are_about(books):
    seen: Counter[str] = Counter()

    # Hypothesis draws constants of the modules that are loaded, so the same seed is another history
    # in another process: what one round came to by chance alone, the next may.
    @settings(max_examples=25)
    @given(told=steps)
    def live(told):
        with books() as ledger:
            seen.update(reached(ledger, History(ledger).tell(told)))

    for number in range(ROUNDS):
        if REACHED - seen.keys():
            seed(number)(live)()
    assert sorted(REACHED - seen.keys()) == []

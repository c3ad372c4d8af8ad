"""Debits on terms that their first way pays: alone, together and with care they are the same."""

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from domain.credits import MICRO
from domain.usage import EVERY_TIME, Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger import balances, grants
from ledger.teams import limits
from ledger.usage import debits
from ledger.usage.debits import Demand
from tests.builders import NOON, START, a_grant, a_subscribed_wallet, an_event, micro
from tests.ledger.undone import undone

RATES = ((1, 1), (1, 3), (2, 3), (5, 1), (7, 10))
CARRY = "carry:{}/{}"
COUNTERS = """
    SELECT counter, window_start::text, value FROM counters
    WHERE account_id = %s AND counter NOT LIKE 'alerts:%%' AND value <> 0 ORDER BY 1, 2
"""
JOURNAL = """
    SELECT seq, line, kind, change, balance_after, held_after, available_after, event_at, at, late,
           credit_type, key, action, served_as, quantity
    FROM entries WHERE account_id = %s AND kind = 'debit' ORDER BY seq, line
"""
ways = st.builds(
    lambda rate, started, carry, consent: PricedWay(
        "credits",
        *rate,
        started=started,
        carry=CARRY.format(*rate) if carry else None,
        consent=consent,
    ),
    st.sampled_from(RATES),
    st.sampled_from([False, False, False, True]),
    st.booleans(),
    st.sampled_from([None] * 9 + [EVERY_TIME]),
)


@st.composite
def uses(draw):
    """Draw one event on terms, or a plain one."""
    key = draw(st.sampled_from([f"key-{n}" for n in range(12)]))
    if draw(st.integers(0, 5)) == 0:
        return (UsageEvent(key, "operation", draw(st.integers(1, 4)), NOON), None)
    once = draw(st.sampled_from([None] * 5 + ["doc:1", "doc:2", "doc:3"]))
    quantity = MICRO if once else draw(st.integers(1, 40))
    terms = Terms(
        attempts=tuple(
            Attempt(action, tuple(draw(st.lists(ways, min_size=1, max_size=2))))
            for action in draw(st.sampled_from([("operation",), ("operation", "draft")]))
        ),
        counters=draw(st.sampled_from([(), ("member:a",), ("member:b",)])),
        once=once,
        at_zero="block",
    )
    return (UsageEvent(key, "operation", quantity, NOON), terms)


def a_team(connection, have, ceiling):
    """A wallet of so many micro-credits in two grants, where one member has a limit."""
    wallet = a_subscribed_wallet(connection, allowance=0)
    for key, part in (("one", have // 3), ("two", have - have // 3)):
        gift = a_grant(key=key, quantity_micro=part, ties=(0, 0))
        grants.give(connection, wallet.account_id, gift, START)
    limits.set_limit(
        connection,
        account_id=wallet.account_id,
        counter="member:a",
        credit_type="credits",
        ceiling_micro=ceiling,
        at=START,
    )
    return wallet


def demand(wallet, use):
    usage, terms = use
    return Demand(wallet.account_id, PricedEvent(usage, "credits", usage.quantity_micro, terms))


def standing(connection, wallet):
    """Return the journal of usage, and the counters."""
    journal = connection.exec_driver_sql(JOURNAL, (wallet.account_id,)).all()
    counters = connection.exec_driver_sql(COUNTERS, (wallet.account_id,)).all()
    return [tuple(row) for row in journal], [tuple(row) for row in counters]


ANY_BATCHES = given(
    batches=st.lists(st.lists(uses(), min_size=2, max_size=6), min_size=1, max_size=4),
    have=st.sampled_from([30, 200, 20 * MICRO]),
    ceiling=st.sampled_from([10, 60, 50 * MICRO]),
)


@pytest.mark.long
@settings(max_examples=40)
@ANY_BATCHES
def test_a_batch_on_terms_is_its_events_one_by_one(session_engine, batches, have, ceiling):
    are_the_same(session_engine, batches, have, ceiling)


@pytest.mark.long
@settings(max_examples=150)
@ANY_BATCHES
def test_a_batch_on_terms_is_its_events_one_by_one_at_length(
    session_engine, batches, have, ceiling
):
    are_the_same(session_engine, batches, have, ceiling)


def are_the_same(session_engine, batches, have, ceiling):
    with undone(session_engine) as connection:
        alone, together = (a_team(connection, have, ceiling) for _ in range(2))
        neighbour = a_subscribed_wallet(connection)
        for uses_ in batches:
            ones = [debits.debit(connection, [demand(alone, use)], NOON)[0] for use in uses_]
            asked = [demand(together, use) for use in uses_]
            beside = an_event(neighbour.account_id, 1)
            answers = debits.debit(connection, [*asked, beside], NOON)
            assert answers[:-1] == ones
            for one in ones:
                event(one.status)
        assert standing(connection, alone) == standing(connection, together)
        assert balances.violations(connection) == []


def test_a_whole_batch_on_terms_moves_each_counter_once(ledger):
    wallet = a_team(ledger, have=micro(100), ceiling=micro(7))
    third = PricedWay("credits", 1, 3, carry="carry:third")
    whole = PricedWay("credits", 1, 1)
    batch = [
        *[(f"third-{n}", 7, Terms((Attempt("operation", (third,)),))) for n in range(4)],
        *[
            (f"member-{n}", micro(2), Terms((Attempt("operation", (whole,)),), ("member:a",)))
            for n in range(3)
        ],
        ("once", MICRO, Terms((Attempt("operation", (whole,)),), once="doc:1")),
    ]
    asked = [
        demand(wallet, (UsageEvent(key, "operation", quantity, NOON), terms))
        for key, quantity, terms in batch
    ]
    answers = debits.debit(ledger, asked, NOON)
    assert {one.status for one in answers} == {"debited"}
    assert [dict(one.charged)["credits"] for one in answers[:4]] == [2, 3, 2, 2]
    assert [(name, value) for name, _, value in standing(ledger, wallet)[1]] == [
        ("carry:third", 1),
        ("member:a@credits", micro(6)),
        ("once:doc:1", 1),
    ]
    again = debits.debit(ledger, asked, NOON)
    assert {one.status for one in again} == {"repeated"}
    assert [one.charged for one in again] == [one.charged for one in answers]

"""A check answers what the debit would, and leaves nothing behind."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ledger import balances
from ledger.usage import debits
from ledger.usage.debits import Demand
from ledger.usage.requests import ask
from tests.builders import MONTH_END, NOON, START, an_event, micro
from tests.ledger import test_first_way as ways
from tests.ledger import test_one_debit as plain
from tests.ledger.undone import undone

WHOLE = """
    SELECT w::text, (SELECT array_agg(g::text ORDER BY grant_id) FROM grants g
                     WHERE g.account_id = w.account_id),
           (SELECT array_agg(c::text ORDER BY counter, window_start) FROM counters c
            WHERE c.account_id = w.account_id),
           (SELECT count(*) FROM entries e WHERE e.account_id = w.account_id),
           (SELECT count(*) FROM outbox o WHERE o.account_id = w.account_id)
    FROM wallets w WHERE account_id = %s
"""


def whole(connection, account_id):
    return tuple(connection.exec_driver_sql(WHOLE, (account_id,)).one())


def check_then_debit(connection, demand: Demand, at):
    """Check, look that nothing moved, debit; return the answer."""
    before = whole(connection, demand.account_id)
    checked = ask(connection, debits.checking(demand, at))
    assert whole(connection, demand.account_id) == before
    (debited,) = debits.debit(connection, [replace(demand, revision=None)], at)
    expected = replace(debited, seq=None) if debited.status == "debited" else debited
    assert checked == expected
    return debited


@settings(max_examples=60)
@given(events=plain.EVENTS, instants=plain.INSTANTS, scope=plain.SCOPES)
def test_of_plain_events(session_engine, events, instants, scope):
    with undone(session_engine) as connection:
        wallet = plain.wallet(connection, scope)
        for facts, at in zip(events, instants, strict=False):
            demand = replace(an_event(wallet.account_id, **facts), revision=0)
            event(check_then_debit(connection, demand, at).status)
        assert balances.violations(connection) == []


@settings(max_examples=80)
@given(
    uses=st.lists(ways.uses(), min_size=1, max_size=8),
    have=st.sampled_from([30, 200, micro(20)]),
    ceiling=st.sampled_from([10, 60, micro(50)]),
)
def test_of_events_on_terms(session_engine, uses, have, ceiling):
    with undone(session_engine) as connection:
        wallet = ways.a_team(connection, have, ceiling)
        for use in uses:
            demand = replace(ways.demand(wallet, use), revision=0)
            event(check_then_debit(connection, demand, NOON).status)
        assert balances.violations(connection) == []


def test_what_expires_by_then_is_not_counted(session_engine):
    with undone(session_engine) as connection:
        wallet = plain.wallet(connection, None)
        demand = replace(an_event(wallet.account_id, 1, event_at=START), revision=0)
        after = MONTH_END + timedelta(days=1)
        assert check_then_debit(connection, demand, after).status == "renewal_pending"

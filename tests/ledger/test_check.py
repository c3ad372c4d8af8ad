"""A check answers what the debit would, and leaves nothing behind."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ledger import balances
from ledger.usage import checks, debits
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
    (read,) = read_together(connection, [demand], at)
    assert whole(connection, demand.account_id) == before
    assert read in (checked, None)
    (debited,) = debits.debit(connection, [replace(demand, revision=None)], at)
    expected = replace(debited, seq=None) if debited.status == "debited" else debited
    assert checked == expected
    return debited


def read_together(connection, demands, at):
    """Ask about many in the one call that locks nothing; None: it leaves an event to the lock."""
    rows = connection.exec_driver_sql(checks.STATEMENT, checks.arguments(demands, at)).all()
    return checks.outcomes(demands, [tuple(row) for row in rows])


def unnamed(demand):
    event = replace(demand.priced.event, key=checks.UNNAMED)
    return replace(demand, priced=replace(demand.priced, event=event))


def nameless(outcomes):
    return [one and replace(one, key="") for one in outcomes]


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


@settings(max_examples=40)
@given(
    events=plain.EVENTS,
    uses=st.lists(ways.uses(), max_size=5),
    scope=plain.SCOPES,
    at=st.sampled_from([NOON, MONTH_END]),
)
def test_together_each_is_answered_as_if_it_were_alone(session_engine, events, uses, scope, at):
    with undone(session_engine) as connection:
        wallets = [plain.wallet(connection, scope), plain.wallet(connection, None)]
        team = ways.a_team(connection, micro(20), micro(50))
        asked = [an_event(wallets[n % 2].account_id, **one) for n, one in enumerate(events)]
        asked += [ways.demand(team, use) for use in uses]
        demands = [replace(one, revision=0) for one in asked]
        alone = [read_together(connection, [one], at)[0] for one in demands]
        assert read_together(connection, demands, at) == alone
        # Under a key that nobody used an answer is the same; a sender's may be one of the ledger's.
        usual = [one for one in demands if not one.priced.event.key.startswith("ledger:")]
        of_usual = read_together(connection, usual, at)
        of_unnamed = read_together(connection, [unnamed(one) for one in usual], at)
        assert nameless(of_unnamed) == nameless(of_usual)


def test_what_can_be_read_is_read(session_engine):
    with undone(session_engine) as connection:
        wallet = plain.wallet(connection, None)
        fits, too_much, free, stale = (
            replace(an_event(wallet.account_id, amount), revision=revision)
            for amount, revision in ((3, 0), (15, 0), (0, 0), (3, 1))
        )
        debits.debit(connection, [an_event(wallet.account_id, 1, key="used")], NOON)
        used = replace(an_event(wallet.account_id, 1, key="used"), revision=0)
        found = read_together(connection, [fits, too_much, free, stale, used], NOON)
        assert found[0].status == "debited"
        assert (found[0].available_micro, found[0].charged) == (micro(11), (("credits", micro(3)),))
        assert found[1:] == [None] * 4

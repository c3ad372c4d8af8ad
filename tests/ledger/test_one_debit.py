"""A debit that goes alone is answered and written as it would be in a batch."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import exc

from ledger import grants
from ledger.usage import debits
from ledger.usage.debits import ALONE, STATEMENT, statement
from tests.builders import MONTH_END, NOON, START, a_grant, a_subscribed_wallet, an_event, micro
from tests.ledger.undone import undone

EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "amount": st.sampled_from([0, 1, 3, 5, 8, 30]),
            "key": st.sampled_from(["a", "b", "c", "d", "ledger:e"]),
            "action": st.sampled_from(["operation", "export"]),
            "credit_type": st.sampled_from(["credits", "credits", "others"]),
            "event_at": st.sampled_from([NOON, START, START - timedelta(days=1)]),
            "tags": st.sampled_from([(), (("team", "a"),)]),
        }
    ),
    min_size=1,
    max_size=7,
)
INSTANTS = st.lists(st.sampled_from([NOON, MONTH_END]), min_size=7, max_size=7)
SCOPES = st.sampled_from([None, ("export",)])
JOURNAL = """
    SELECT seq, line, kind, grant_id, change, balance_after, held_after, available_after, event_at,
           at, late, credit_type, key, action, quantity, tags
    FROM entries WHERE account_id = %s ORDER BY seq, line
"""


def wallet(connection, scope):
    """Ten credits, then five more that only some actions may use."""
    made = a_subscribed_wallet(connection, 10)
    gift = a_grant(quantity_micro=micro(5), scope=scope, ties=(0, 0))
    grants.give(connection, made.account_id, replace(gift, key="gift"), START)
    return made


def journal(connection, account_id):
    rows = connection.exec_driver_sql(JOURNAL, (account_id,)).all()
    return [tuple(row)[:12] + tuple(row)[13:] if row.kind == "grant" else row for row in rows]


@settings(max_examples=60)
@given(events=EVENTS, instants=INSTANTS, scope=SCOPES)
def test_alone_or_beside_another_an_event_has_the_same_answer_and_entries(
    session_engine, events, instants, scope
):
    with undone(session_engine) as connection:
        alone, batched, neighbour = (wallet(connection, scope) for _ in range(3))
        for facts, at in zip(events, instants, strict=False):
            (one,) = debits.debit(connection, [an_event(alone.account_id, **facts)], at)
            beside = [an_event(batched.account_id, **facts), an_event(neighbour.account_id, 1)]
            other, _ = debits.debit(connection, beside, at)
            assert one == other
        assert journal(connection, alone.account_id) == journal(connection, batched.account_id)


def test_one_event_goes_without_arrays():
    plain = an_event(1)
    assert statement([plain], NOON)[0] == ALONE
    assert statement([plain, plain], NOON)[0] == STATEMENT


@pytest.mark.parametrize("missing", [2, 4, 6])
def test_alone_too_an_event_has_an_action_a_type_and_a_time(ledger, missing):
    made = a_subscribed_wallet(ledger)
    query, arguments = statement([an_event(made.account_id)], NOON)
    bent = tuple(None if place == missing else one for place, one in enumerate(arguments))
    with pytest.raises(exc.DBAPIError) as refusal:
        ledger.exec_driver_sql(query, bent)
    assert isinstance(refusal.value.orig, psycopg.Error)
    assert refusal.value.orig.sqlstate == "DD005"

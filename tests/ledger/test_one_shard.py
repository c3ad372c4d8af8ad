"""Every statement on the way of usage asks for one account: on a ledger that is spread over
machines by account it touches one shard. Looked at in the plans of a real run, functions included.
"""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text, update

from activities.usage.meter import meter
from domain.pricing.policies import Alert, Channel
from domain.usage import Attempt, PricedWay, Terms
from ledger import balances, grants, subscriptions
from ledger.distribution import setup
from ledger.distribution.placements import BY_ACCOUNT
from ledger.notifications import alerts
from ledger.usage import debits, holds, policies
from models.base import connect
from models.tables import Subscription
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    auto_purchase_on,
    micro,
    set_policy,
    use,
)
from tests.ledger.holding import LAPSE, capture, extend, hold, release
from tests.ledger.plans import ROWS_OWN, plans_of, queries_of
from tests.ledger.teams import put
from tests.ledger.teams import use as use_as_member
from tests.price_lists import shipped

STARTER = shipped()["salestools"].plan("starter")
FIFTH = Alert("20_percent", 20, None, Channel.BOTH)


@pytest.fixture(scope="module", params=["as it is shipped", "as shards have it"])
def spread(request, new_database):
    """A ledger with a customer that has everything, among others; and its shapes for shards."""
    database = new_database()
    if request.param == "as shards have it":
        owner = connect(database.owner_url)
        with owner.begin() as connection:
            for one in list(setup.shapes(connection)):
                connection.exec_driver_sql(one)
        owner.dispose()
    engine = connect(database.url)
    with engine.begin() as connection:
        wallets = [a_customer(connection) for _ in range(3)]
    engine.dispose()
    yield database, wallets[1]
    with psycopg.connect(database.owner_url) as connection:
        assert connection.execute("SELECT * FROM violations").fetchall() == []


def a_customer(connection):
    """500 of an allowance, a bonus of 10, a limit, an alert, an open hold, an archived debit."""
    wallet = a_subscribed_wallet(connection, 500)
    connection.execute(
        update(Subscription)
        .where(Subscription.account_id == wallet.account_id)
        .values(plan=subscriptions.as_json(STARTER))
    )
    policies.set_policy(connection, wallet.account_id, STARTER)
    set_policy(connection, wallet, **auto_purchase_on())
    grants.give(connection, wallet.account_id, a_grant(), START)
    alerts.put(connection, wallet.account_id, "credits", (FIFTH,), own=False)
    put(connection, wallet, "ada", 50, at=START)
    use(connection, wallet, 1, key="archived", at=START)
    archived = text("SELECT archive_entries(:account, :before, 1000)")
    values = {"account": wallet.account_id, "before": START + timedelta(hours=1)}
    assert connection.scalar(archived, values) > 1
    use(connection, wallet, 1, key="first")
    hold(connection, wallet, 5, key="open")
    return wallet


def on_terms(connection, wallet, **facts):
    """An event that is bought once, counted for a member, rounded and asked for."""
    demand = an_event(wallet.account_id, 1, tags=(("member", "ada"),))
    way = PricedWay("credits", micro(1), micro(3), carry="carry:lookup", consent="consent:lookup")
    facts = {"counters": ("member:ada",), "confirmed": True} | facts
    terms = Terms((Attempt("lookup", (way,)),), **facts)
    priced = replace(demand.priced, terms=terms)
    return debits.debit(connection, [replace(demand, priced=priced)], NOON)[0]


def lapsed(connection, wallet):
    use(connection, wallet, 1, at=LAPSE)
    return holds.lapse_due(connection, wallet.account_id, LAPSE)


WAYS = {
    "debit": lambda c, w: use(c, w, 1),
    "debit of several grants": lambda c, w: use(c, w, 502),
    "debit to zero": lambda c, w: use(c, w, 503),
    "debit past an alert": lambda c, w: use(c, w, 420),
    "debit, repeated": lambda c, w: use(c, w, 1, key="first"),
    "debit, repeated from the archive": lambda c, w: use(c, w, 1, key="archived", at=START),
    "debit, short": lambda c, w: use(c, w, 900),
    "debit of nothing": lambda c, w: use(c, w, 0),
    "debit, late": lambda c, w: use(c, w, 1, event_at=START - (NOON - START)),
    "debit on terms": on_terms,
    "debit on terms, once": lambda c, w: on_terms(c, w, once="lookup:a", counters=()),
    "debit of a member": lambda c, w: use_as_member(c, w, 1),
    "debit above a limit": lambda c, w: use_as_member(c, w, 60),
    "hold": lambda c, w: hold(c, w, 502, key="new"),
    "hold of a member": lambda c, w: hold(c, w, 1, key="new", terms=a_members_terms()),
    "capture": lambda c, w: capture(c, w, 3, key="open"),
    "capture beyond the hold": lambda c, w: capture(c, w, 700, key="open"),
    "release": lambda c, w: release(c, w, key="open"),
    "extend": lambda c, w: extend(c, w, MONTH_END, key="open"),
    "lapse": lapsed,
    "balance": lambda c, w: balances.available(c, w.account_id, "credits", NOON),
    "balances": lambda c, w: balances.available_of_each(c, w.account_id, NOON),
    "by expiry": lambda c, w: balances.by_expiry(c, w.account_id, "credits", NOON),
    "meter": lambda c, w: meter(c, w.account_id, NOON, member="ada"),
}


def a_members_terms():
    return Terms((Attempt("operation", (PricedWay("credits", 1, 1),)),), ("member:ada",))


@pytest.mark.parametrize("name", WAYS)
def test_each_statement_on_the_way_of_usage_asks_for_one_account(spread, name):
    database, wallet = spread
    reader, plans = plans_of(database, lambda ledger: WAYS[name](ledger, wallet))

    reads = [read for plan in plans for read in reader.reads(plan) if read.table in BY_ACCOUNT]

    known = {wallet.account_id, "given", ROWS_OWN}
    assert {read.table for read in reads} >= {"wallets"} or name == "keys"
    assert [read for read in reads if not read.accounts or read.accounts - known] == []


@pytest.mark.parametrize("name", WAYS)
def test_no_query_on_the_way_of_usage_takes_a_row_of_a_shard_as_a_value(spread, name):
    database, wallet = spread
    reader, queries = queries_of(database, lambda ledger: WAYS[name](ledger, wallet))

    taken = {table for query in queries for table in reader.whole_rows(query)} & BY_ACCOUNT

    assert queries
    assert taken == set()


@pytest.mark.parametrize("name", WAYS)
def test_what_is_written_on_the_way_of_usage_is_of_one_account(spread, name):
    database, wallet = spread
    owner = connect(database.owner_url)
    query = " UNION ALL ".join(
        f"SELECT '{table}', account_id FROM {table} WHERE xmin = pg_current_xact_id()::xid"
        for table in sorted(BY_ACCOUNT)
    )
    with owner.connect() as connection:
        WAYS[name](connection, wallet)
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
        written = connection.execute(text(query)).all()
        connection.rollback()
    owner.dispose()

    assert {account for _, account in written} <= {wallet.account_id}


def test_a_batch_of_several_wallets_does_not(spread):
    database, wallet = spread
    events = [an_event(wallet.account_id, 1), an_event(wallet.account_id, 1)]
    reader, plans = plans_of(database, lambda ledger: debits.debit(ledger, events, NOON))

    reads = [read for plan in plans for read in reader.reads(plan) if read.table in BY_ACCOUNT]

    assert {read.table for read in reads if not read.accounts} >= {"wallets"}

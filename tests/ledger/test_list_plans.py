"""A page costs what is on it, however long the list is: it is read by index, from its place on."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.errors import InvalidInput
from ledger.reads import lists
from ledger.reads.lists import ChosenEntries
from ledger.usage import debits
from models.base import connect
from tests.builders import MONTH_END, NOON, START, a_subscribed_wallet, an_event

MANY = 6_000
FETCHED = text("""
    SELECT coalesce(sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)), 0)
    FROM pg_stat_xact_user_tables WHERE relname IN ('entries', 'archived_entries')
""")
MOST = 400  # rows: a page of a hundred with their operations, and a few halvings
LISTS = {
    "grants": lists.GRANTS,
    "charges": lists.CHARGES,
    "invoices": lists.INVOICES,
    "notices": lists.NOTICES,
    "approvals": lists.APPROVALS,
    "members": lists.MEMBERS,
}


@pytest.fixture(scope="module")
def busy(new_database):
    """One customer with a long journal among others."""
    engine = connect(new_database().url)
    with engine.begin() as ledger:
        wallet, other = a_subscribed_wallet(ledger), a_subscribed_wallet(ledger)
        for number in range(MANY // 500):
            at = NOON + timedelta(minutes=number)
            for one in (wallet, other):
                events = [an_event(one.account_id, event_at=at) for _ in range(500)]
                assert {each.status for each in debits.debit(ledger, events, at)} == {"debited"}
    yield engine, wallet
    engine.dispose()


@pytest.mark.parametrize("after", [None, (MANY, 0), (MANY // 2, 0), (10, 0)])
@pytest.mark.parametrize(
    "chosen",
    [
        ChosenEntries(),
        ChosenEntries(action="operation"),
        ChosenEntries(start=START, end=NOON + timedelta(minutes=3)),
    ],
    ids=["all", "action", "time"],
)
def test_a_page_of_entries_reads_no_more_than_it_shows(busy, after, chosen):
    engine, wallet = busy
    with engine.connect() as ledger:
        before = ledger.scalar(FETCHED)
        found = lists.entries(ledger, wallet.account_id, chosen, after=after, limit=100)
        assert found is not None
        assert found.items
        assert ledger.scalar(FETCHED) - before <= MOST
        ledger.rollback()


@pytest.mark.parametrize("rare", [{"action": "never"}, {"tags": '{"member": "nobody"}'}])
def test_what_is_rare_is_looked_for_in_so_many_changes_and_no_more(busy, rare):
    engine, wallet = busy
    most = 500
    with engine.connect() as ledger:
        for times in ({}, {"start": START}, {"end": NOON + timedelta(minutes=8)}):
            before = ledger.scalar(FETCHED)
            with pytest.raises(InvalidInput) as refusal:
                lists.entries(
                    ledger,
                    wallet.account_id,
                    ChosenEntries(**rare, **times),
                    after=None,
                    limit=20,
                    most=most,
                )
            assert refusal.value.reason == "report_too_large"
            assert ledger.scalar(FETCHED) - before <= 4 * most + MOST
        short = ChosenEntries(**rare, end=NOON + timedelta(seconds=1))
        found = lists.entries(ledger, wallet.account_id, short, after=None, limit=20, most=most * 2)
        assert found == lists.Page(found.names, (), has_more=False)
        ledger.rollback()


def test_a_page_has_what_was_found_and_the_next_goes_on_behind_it(busy):
    engine, wallet = busy
    tagged, seen, after = ChosenEntries(tags='{"member": "ada"}'), [], None
    with engine.connect() as ledger:
        for at in (MONTH_END - timedelta(hours=2), MONTH_END - timedelta(hours=1)):
            event = an_event(wallet.account_id, event_at=at, tags=(("member", "ada"),))
            others = [an_event(wallet.account_id, event_at=at) for _ in range(80)]
            assert debits.debit(ledger, [event, *others], at)
        while True:
            found = lists.entries(
                ledger, wallet.account_id, tagged, after=after, limit=20, most=100
            )
            seen += [one["seq"] for one in found.items]
            if len(seen) == 2:
                break
            after = (seen[-1], 0)
        assert found.has_more
        assert seen == [MANY + 83, MANY + 2]
        ledger.rollback()


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_by_the_index_of_its_customer(busy, name):
    engine, wallet = busy
    listing = LISTS[name]
    values = {"account": wallet.account_id, "limit": 21, **dict.fromkeys(listing.filters)}
    with engine.connect() as ledger:
        ledger.execute(text("SET LOCAL enable_seqscan = off"))
        (plan,) = ledger.scalar(text(f"EXPLAIN (FORMAT JSON) {listing.page(behind=False)}"), values)
        ledger.rollback()
    scans = [one for one in nodes(plan["Plan"]) if "Relation Name" in one]
    assert scans
    for one in scans:
        assert "account_id" in str(one.get("Index Cond", one.get("Recheck Cond", ""))), json.dumps(
            one
        )


def nodes(plan):
    """Yield the nodes of a plan."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)

"""Sums of days are those of their lines, whoever asks meanwhile, and spare reading them."""

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from ledger.reads import usage
from ledger.reports.scope import Scope
from ledger.usage import days, debits
from models.base import connect
from tests.builders import START, a_subscribed_wallet, an_event
from tests.ledger.sum_laws import SUM_LAWS, four_days, kept, sum_up, sums
from tests.ledger.test_concurrency import at_once
from tests.ledger.use_laws import DAY, HOUR

FETCHED = text("""
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_xact_user_tables WHERE relname = 'entries'
""")
MOST = 200  # rows: halvings of a few days
DAMAGES = (
    "UPDATE summed_days SET credits[1] = credits[1] + 1 WHERE actions IS NOT NULL",
    "UPDATE summed_days SET events[1] = 7 WHERE actions IS NOT NULL",
    "UPDATE summed_days SET tags[1] = '[7]' WHERE actions IS NOT NULL",
    "UPDATE summed_days SET upto = upto + 1 WHERE after = 0",
)


@pytest.mark.parametrize("law", SUM_LAWS, ids=lambda law: law.__name__)
def test_what_is_kept_of_days_holds(engine, database, law):
    law(engine, database)


@pytest.mark.parametrize("damage", DAMAGES)
def test_sums_that_are_not_those_of_the_lines_are_told(unguarded_database, damage):
    engine = connect(unguarded_database.url)
    with engine.begin() as ledger:
        wallet, _ = four_days(ledger)
        sum_up(ledger, wallet)
    engine.dispose()
    with psycopg.connect(unguarded_database.owner_url) as owner:
        owner.execute("ALTER TABLE summed_days DISABLE TRIGGER USER")
        owner.execute(damage.encode())
        told = {law for (law,) in owner.execute("SELECT law FROM archive_violations")}
        owner.rollback()
    assert told == {"the sums of a day are not those of its lines"}


def test_lines_of_days_that_are_summed_up_are_not_read(database):
    owner = connect(database.owner_url)
    with owner.begin() as ledger:
        wallet = a_subscribed_wallet(ledger, 10_000)
        for day in range(4):
            at = START + day * DAY + HOUR
            events = [an_event(wallet.account_id, 1, event_at=at) for _ in range(1_000)]
            assert {one.status for one in debits.debit(ledger, events, at)} == {"debited"}
    with owner.begin() as ledger:
        ledger.execute(text("ANALYZE"))
        ledger.execute(text("SET enable_seqscan = off"))
        scope = Scope(START, START + 5 * DAY, wallet.account_id)
        whole = usage.grouped(ledger, scope, ["action"])
    assert list(days.sum_up_all(owner)) == [3]
    assert list(days.sum_up_all(owner)) == []
    with owner.begin() as ledger:
        ledger.execute(text("SET enable_seqscan = off"))
        before = ledger.scalar(FETCHED)
        assert usage.grouped(ledger, scope, ["action"]) == whole
        assert ledger.scalar(FETCHED) - before <= 1_000 + MOST
    owner.dispose()


def test_a_wallet_that_cannot_be_summed_up_holds_up_no_other(database, monkeypatch):
    monkeypatch.setattr(days, "LEAST", 1)
    engine = connect(database.url)
    with engine.begin() as ledger:
        accounts = [four_days(ledger)[0].account_id for _ in range(3)]
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(f"ALTER TABLE summed_days ADD CHECK (account_id <> {accounts[0]})")
    with pytest.raises(IntegrityError):
        list(days.sum_up_all(engine))
    with engine.connect() as ledger:
        done = ledger.scalars(text("SELECT DISTINCT account_id FROM summed_days"))
        assert sorted(done) == accounts[1:]
    engine.dispose()


def test_days_are_summed_up_once_however_many_do_it(engine):
    with engine.begin() as ledger:
        wallet, at = four_days(ledger)
        before = sums(ledger, wallet, at)

    def write():
        with engine.begin() as ledger:
            return days.sum_up(ledger, wallet.account_id, least=1, fewer=0)

    assert sum(at_once([write] * 6)) == 3
    with engine.connect() as ledger:
        assert len(kept(ledger, wallet)) == 3
        assert sums(ledger, wallet, at) == before

"""A journal spread over partitions keeps its lines, its laws and its guards."""

import psycopg
import pytest

from ledger import balances
from local.postgres import Database
from migrations.partitioned import MOST, partition
from models.base import connect
from tests.builders import a_subscribed_wallet, use
from tests.ledger.battery import first_broken

PARTS = 4
LINES = "SELECT * FROM entries ORDER BY account_id, seq, line"
ATTACKS = (
    "TRUNCATE entries",
    "TRUNCATE entries_0, entries_1, entries_2, entries_3",
    "UPDATE entries SET change = change",
    "DELETE FROM entries_1",
    "DELETE FROM entries_0; DELETE FROM entries_2; DELETE FROM entries_3",
    "INSERT INTO entries SELECT * FROM entries",
    """
    INSERT INTO entries (account_id, seq, line, kind, change, balance_after, held_after,
                         available_after, event_at, at, credit_type, key)
    SELECT account_id, 99, 0, 'debit', 5, 9, 0, 9, at, at, credit_type, 'k' FROM entries LIMIT 1
    """,
)


@pytest.fixture
def partitioned(unguarded_database: Database) -> Database:
    """A ledger in use whose journal was spread afterwards."""
    engine = connect(unguarded_database.url)
    with engine.begin() as ledger:
        wallets = [a_subscribed_wallet(ledger, 100) for _ in range(3 * PARTS)]
        for wallet in wallets:
            use(ledger, wallet, 30, key="first")
    with psycopg.connect(unguarded_database.owner_url) as owner:
        before = owner.execute(LINES).fetchall()
        partition(owner, PARTS)
        assert owner.execute(LINES).fetchall() == before
    with engine.begin() as ledger:
        for wallet in wallets:
            assert use(ledger, wallet, 30, key="first").status == "repeated"
            assert use(ledger, wallet, 60).status == "debited"
        assert balances.violations(ledger) == []
    engine.dispose()
    return unguarded_database


@pytest.mark.long
def test_a_partitioned_journal_keeps_every_law(partitioned):
    with psycopg.connect(partitioned.url) as application:
        filled = application.execute(
            "SELECT count(*) FROM (SELECT DISTINCT tableoid FROM entries) t"
        ).fetchone()
        assert filled == (PARTS,)

    assert first_broken(partitioned) is None


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_part_of_the_journal_is_less_guarded_than_the_whole(partitioned, attack):
    with psycopg.connect(partitioned.owner_url) as owner:
        with pytest.raises(psycopg.Error) as refusal:
            owner.execute(attack.encode())
        owner.rollback()
    assert refusal.value.sqlstate in {"DD001", "23514", "23505"}


@pytest.mark.parametrize("count", [-1, 0, 1, MOST + 1])
def test_a_senseless_number_of_parts_changes_nothing(database, count):
    with psycopg.connect(database.owner_url) as owner, pytest.raises(ValueError, match="choose"):
        partition(owner, count)

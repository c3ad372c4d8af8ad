"""Old lines of the journal in the archive: nothing is forgotten, and all of it can be proven."""

import psycopg
import pytest
from sqlalchemy import text

import cli
from ledger import archive, balances
from ledger.usage import debits
from local.postgres import Database
from tests.builders import NOON, a_subscribed_wallet, an_event, use
from tests.deployment import environment
from tests.ledger.archive_laws import ARCHIVE_LAWS, EVERYTHING
from tests.ledger.test_concurrency import at_once
from tests.ledger.two_windows import LATER, WINDOWS

FIRST, SECOND = 30, 5  # events of the first window and of the second
BROKEN = text("SELECT law FROM archive_violations ORDER BY law")
READ_WHOLE = text("""
    SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'archived_entries'
""")
COUNTS = text("SELECT (SELECT count(*) FROM entries), (SELECT count(*) FROM archived_entries)")


@pytest.fixture
def wallet(engine):
    """A wallet whose first window is over."""
    with engine.begin() as ledger:
        made = a_subscribed_wallet(ledger, 100, windows=WINDOWS)
        for number in range(FIRST):
            use(ledger, made, key=f"first-{number}")
        for number in range(SECOND):
            use(ledger, made, at=LATER, key=f"second-{number}")
    return made


def counts(engine):
    with engine.connect() as ledger:
        assert ledger.scalars(BROKEN).all() == []
        return tuple(ledger.execute(COUNTS).one())


@pytest.mark.parametrize("law", ARCHIVE_LAWS, ids=lambda law: law.__name__)
def test_the_archive_forgets_nothing(engine, database, law):
    law(engine, database)


def test_archiving_goes_on_where_it_was_stopped(engine, wallet):
    grants = len(WINDOWS)
    with engine.connect() as ledger:
        assert archive.move(ledger, wallet.account_id, LATER, most=7) == 7
        ledger.rollback()  # as a crash would: nothing is half moved
    assert counts(engine) == (grants + FIRST + SECOND, 0)

    with engine.begin() as ledger:
        assert archive.move(ledger, wallet.account_id, LATER, most=7) == 7
    assert list(archive.archive(engine, LATER)) == [grants + FIRST - 7]
    assert list(archive.archive(engine, LATER)) == []
    assert counts(engine) == (SECOND, grants + FIRST)


def test_lines_move_while_their_wallet_is_used(engine, wallet):
    def debit(number):
        with engine.begin() as ledger:
            return use(ledger, wallet, at=LATER, key=f"first-{number}", event_at=NOON).status

    def move():
        with engine.begin() as ledger:
            archive.move(ledger, wallet.account_id, LATER, most=5)
        return "moved"

    calls = [lambda n=n: debit(n) for n in range(0, FIRST, 3)] + [move] * 6
    assert set(at_once(calls)) == {"repeated", "moved"}
    assert counts(engine)[0] < SECOND + FIRST


def test_sessions_that_knew_an_empty_archive_do_not_read_it_whole(engine, wallet, database):
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("ANALYZE")
    with engine.connect() as ledger:

        def ask():
            for number in range(8):  # more than it takes to keep a plan
                again = use(ledger, wallet, at=LATER, key=f"first-{number}", event_at=NOON)
                assert again.status == "repeated"
                balances.history(ledger, wallet.account_id, limit=2)

        ask()
        small = [an_event(wallet.account_id, "0.001", event_at=LATER) for _ in range(900)]
        debits.debit(ledger, small, LATER)
        ledger.commit()
        ledger.execute(EVERYTHING, {"account": wallet.account_id, "before": WINDOWS[1][1]})
        ledger.commit()
        before = ledger.scalar(READ_WHOLE)
        ask()
        assert ledger.scalar(READ_WHOLE) == before
        ledger.commit()


def test_the_laws_hold_without_the_archive_and_what_is_missing_in_it_is_told(
    engine, wallet, unguarded_database: Database
):
    list(archive.archive(engine, LATER))
    with psycopg.connect(unguarded_database.owner_url) as owner:
        owner.execute("ALTER TABLE archived_entries DISABLE TRIGGER USER")
        owner.execute("DELETE FROM archived_entries WHERE seq = 9")
        assert owner.execute("SELECT * FROM violations").fetchall() == []
        told = {law for (law,) in owner.execute("SELECT law FROM archive_violations")}
        owner.rollback()
    assert told == {
        "what is carried is not what is archived",
        "the archive has gaps",
        "balances of the archive do not chain",
    }


@pytest.mark.parametrize(
    ("damage", "law"),
    [
        ("UPDATE carried SET change = change + 1", "a grant is not the sum of its entries"),
        ("UPDATE wallets SET archived_seq = archived_seq - 1", "the sequence has gaps"),
        ("DELETE FROM carried", "balances do not chain"),
    ],
)
def test_what_is_carried_is_proven_by_the_laws(engine, wallet, database, damage, law):
    list(archive.archive(engine, LATER))
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(damage.encode())
        assert law in {law for (law,) in owner.execute("SELECT law FROM violations")}
        owner.rollback()


def test_operators_archive_by_a_command(engine, wallet, database, monkeypatch, capsys):
    for name, value in environment(database.url).items():
        monkeypatch.setenv(name, value)
    with engine.connect() as ledger:
        before = balances.history(ledger, wallet.account_id)
    words = ["archive", "--before", f"{LATER.date()}"]
    assert cli.main([*words, "--customer", "nobody"]) == 2
    assert cli.main([*words, "--customer", wallet.customer_id]) == 0
    assert cli.main(words) == 0
    out, err = capsys.readouterr()

    assert out == f"{FIRST + len(WINDOWS)} lines archived\n0 lines archived\n"
    assert err.startswith("unknown_customer")
    with engine.connect() as ledger:
        assert balances.history(ledger, wallet.account_id) == before
        again = [an_event(wallet.account_id, key=f"first-{number}") for number in range(2)]
        assert {one.status for one in debits.debit(ledger, again, LATER)} == {"repeated"}
        ledger.rollback()

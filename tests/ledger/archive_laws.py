"""The laws of the archive, each checked in a few calls, and faults that must break one."""

# ruff: noqa: E501 - one mutant a line

from contextlib import contextmanager

import psycopg
from sqlalchemy import text

from domain.errors import IdempotencyConflict
from ledger import archive, grants
from ledger.usage import debits
from ledger.usage.corrections import CorrectionOrder, correct
from tests.builders import (
    MONTH_END,
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    an_event,
    left,
    micro,
    use,
)
from tests.ledger.holding import capture, counter, hold
from tests.ledger.two_windows import LATER, WINDOWS
from tests.ledger.undone import undone
from tests.ledger.way_laws import on_terms

EVERYTHING = text("SELECT archive_entries(:account, :before, 1000)")
BROKEN = text("SELECT law FROM violations UNION ALL SELECT law FROM archive_violations")


@contextmanager
def an_archived_wallet(engine, allowance=20):
    """A wallet in its second window; what it did in the first is archived."""
    with engine.connect() as connection:
        wallet = a_subscribed_wallet(connection, allowance, windows=WINDOWS)
        grants.give(connection, wallet.account_id, a_grant(key="gift", expires_at=None), START)
        use(connection, wallet, 1)
        use(connection, wallet, 2, key="used")
        hold(connection, wallet, 3, key="held")
        capture(connection, wallet, 3, key="held")
        grants.remove(connection, wallet.account_id, "taken", "credits", micro(1), "{}", NOON)
        use(connection, wallet, 1, at=LATER, key="later")
        assert archive.move(connection, wallet.account_id, LATER, most=4) == 4
        assert archive.move(connection, wallet.account_id, LATER) > 0
        yield connection, wallet
        assert connection.scalars(BROKEN).all() == []
        connection.rollback()


def an_archived_key_binds(engine, _):
    with an_archived_wallet(engine) as (connection, wallet):
        account, before = wallet.account_id, left(connection, wallet, LATER)
        again = an_event(account, 2, key="used")
        other = an_event(account, 2, key="used", action="another")
        new = an_event(account, 1, event_at=LATER)
        assert debits.debit(connection, [again], LATER)[0].status == "repeated"
        assert debits.debit(connection, [other], LATER)[0].status == "idempotency_conflict"
        answers = debits.debit(connection, [again, new, other], LATER)
        assert [one.status for one in answers] == ["repeated", "debited", "idempotency_conflict"]
        assert hold(connection, wallet, 3, key="held").status == "repeated"
        assert hold(connection, wallet, 3, key="used").status == "idempotency_conflict"
        assert capture(connection, wallet, 3, key="held").status == "repeated"
        taken = grants.remove(connection, account, "taken", "credits", micro(1), "{}", LATER)
        assert taken == "repeated"
        grants.give(connection, account, a_grant(key="gift", expires_at=None), LATER)
        assert left(connection, wallet, LATER) == before - micro(1)


def an_archived_repeat_on_terms_counts_for_nothing(engine, _):
    with undone(engine) as connection:
        wallet = a_subscribed_wallet(connection, 20)
        first, new = (on_terms(wallet, key, micro(2), counters=("member:ada",)) for key in "ab")
        debits.debit(connection, [first], NOON)
        connection.execute(EVERYTHING, {"account": wallet.account_id, "before": MONTH_END})
        answers = debits.debit(connection, [first, new], NOON)
        assert [one.status for one in answers] == ["repeated", "debited"]
        assert counter(connection, wallet, "member:ada@credits") == micro(4)
        assert debits.debit(connection, [first], NOON)[0].status == "repeated"
        assert counter(connection, wallet, "member:ada@credits") == micro(4)


def an_archived_gift_is_not_another(engine, _):
    with an_archived_wallet(engine) as (connection, wallet):
        other = a_grant(key="gift", expires_at=None, quantity_micro=micro(11))
        try:
            grants.give(connection, wallet.account_id, other, LATER)
        except IdempotencyConflict:
            return
        raise AssertionError("two gifts of one key")


def an_archived_event_can_be_corrected(engine, _):
    with an_archived_wallet(engine) as (connection, wallet):
        order = CorrectionOrder(
            key="c", event="used", quantity_micro=micro(1), reason="one too many", by="ann"
        )

        def ask():
            return correct(
                connection, account_id=wallet.account_id, order=order, terms=None, at=LATER
            ).status

        assert ask() == "corrected"
        assert archive.move(connection, wallet.account_id, LATER) == 0
        connection.execute(EVERYTHING, {"account": wallet.account_id, "before": WINDOWS[1][1]})
        assert ask() == "repeated"


def what_is_archived_stays_as_it_was(engine, database):
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, 20, windows=WINDOWS)
        use(connection, wallet, 2, key="used")
        use(connection, wallet, 2, at=LATER)
        archive.move(connection, wallet.account_id, LATER)
    for attack in ATTACKS:
        with psycopg.connect(database.owner_url) as owner:
            try:
                owner.execute(attack)
            except psycopg.Error:
                owner.rollback()
                continue
            raise AssertionError(f"done: {attack}")


ATTACKS = (
    "DELETE FROM entries",
    """
    CREATE TEMP TABLE copies AS SELECT * FROM entries;
    UPDATE copies SET recorded_at = 'infinity';
    INSERT INTO archived_entries SELECT * FROM copies;
    DELETE FROM entries
    """,
    "UPDATE archived_entries SET change = change",
    "DELETE FROM archived_entries",
    "TRUNCATE archived_entries",
)


def nothing_is_archived_of_the_running_window(engine, _):
    with an_archived_wallet(engine) as (connection, wallet):
        assert archive.move(connection, wallet.account_id, WINDOWS[1][1]) == 0


ARCHIVE_LAWS = (
    an_archived_key_binds,
    an_archived_repeat_on_terms_counts_for_nothing,
    an_archived_gift_is_not_another,
    an_archived_event_can_be_corrected,
    what_is_archived_stays_as_it_was,
    nothing_is_archived_of_the_running_window,
)
ARCHIVE_FAULTS = (
    ("an archived key is new alone", "debit_one", r"IF is_archived\([^)]*\)", "IF false"),
    ("an archived key is new in a batch", "debit_plain_accounts", r"bool_or\(w\.archived_seq > 0\)", "false"),
    ("an archived key is new with care", "recall", r"INTO old FROM journal", "INTO old FROM entries"),
    ("an archived key is sized again", "size_by_terms", r"FROM journal e", "FROM entries e"),
    ("an archived gift is given again", "grant_credits", r"FROM journal e", "FROM entries e"),
    ("an archived hold is held again", "hold", r"FROM journal e", "FROM entries e"),
    ("what is not archived may leave", "leaves_as_it_is", r"AND ROW\(a\.\*\) IS NOT DISTINCT FROM ROW\(old\.\*\)", ""),
    ("what is carried is forgotten", "archive_entries", r"change = c\.change \+ excluded\.change", "change = excluded.change"),
    ("the place of the archive is forgotten", "archive_entries", r"UPDATE wallets SET archived_seq = upto[^;]*;", ""),
)  # fmt: skip

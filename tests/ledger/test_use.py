"""What was used is known without reading every line, also of types that are used now and then."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from ledger import grants
from ledger.reads import wallets
from ledger.reports.scope import Scope
from ledger.reports.usage import usage_by_action
from ledger.usage import debits
from tests.builders import MONTH_END, NOON, START, a_grant, a_subscribed_wallet, an_event, micro
from tests.ledger.use_laws import HOUR, USE_LAWS, give, parts, use_many

READ = text("""
    SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
    FROM pg_stat_xact_user_tables WHERE relname = 'entries'
""")
DAYS = 10
HALVINGS = 4  # more of them for ten times the lines
TINY = 60  # accounts


@pytest.mark.parametrize("law", USE_LAWS, ids=lambda law: law.__name__)
def test_use_is_what_a_scan_finds(engine, database, law):
    law(engine, database)


@pytest.fixture
def all_tiny(engine, database):
    """A database whose statistics, which stay as they are, know accounts of a line or two."""
    with engine.begin() as connection:
        for _ in range(TINY):
            a_subscribed_wallet(connection, 1)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("ALTER TABLE entries SET (autovacuum_enabled = false)")
        # A table as small as this one may rightly be read whole.
        owner.execute(f"ALTER DATABASE {database.name} SET enable_seqscan = off")
        owner.execute("ANALYZE")
    engine.dispose()
    return engine


def lines_read(ledger, read):
    before = ledger.scalar(READ)
    assert read(ledger)
    return ledger.scalar(READ) - before


def use_of_window_and_days(wallet, at):
    def read(ledger):
        now = wallets.wallet_now(ledger, wallet.account_id, at)
        return wallets.used_of_each(ledger, now) and wallets.burns_of_each(ledger, now)

    return read


def test_ten_times_the_lines_cost_a_few_more_halvings(all_tiny):
    """Whatever the statistics say: where all are tiny, each index of an account seems as good."""
    counts = (100, 1_000)
    with all_tiny.begin() as connection:
        customers = [a_subscribed_wallet(connection, 10_000) for _ in counts]
        for wallet, count in zip(customers, counts, strict=True):
            for day in range(DAYS):
                use_many(connection, wallet, count // DAYS, NOON + timedelta(days=day))
    at = NOON + timedelta(days=DAYS - 1) + HOUR
    with all_tiny.connect() as connection:
        few, many = (
            lines_read(connection, use_of_window_and_days(wallet, at)) for wallet in customers
        )
    assert many <= few + DAYS * HALVINGS, (few, many)


SELDOM = 5  # lines of a type of which something was used some time ago
SINCE = 600
NEAR = 25  # lines: as many are looked at for each part


def test_a_type_used_long_ago_is_looked_for_once_for_all_parts(all_tiny):
    with all_tiny.begin() as connection:
        wallet = a_subscribed_wallet(connection, 10_000)
        give(connection, wallet, "pages", NOON)
        use_many(connection, wallet, SELDOM, NOON, "pages")
        use_many(connection, wallet, SINCE, NOON)
    account = wallet.account_id
    with all_tiny.connect() as connection:
        seq = wallets.wallet_now(connection, account, NOON).seq
        ends, marks = (0, seq), range(0, seq + 1, 5)
        one = lines_read(connection, lambda ledger: parts(ledger, account, ends))
        many = lines_read(connection, lambda ledger: parts(ledger, account, marks))
    assert many <= 2 * one + len(marks) * NEAR, (one, many)


def test_a_report_finds_the_operation_of_a_line_by_its_number(all_tiny):
    """Of these, every third takes from two grants, and its second line does not say for what."""
    grants_of_three = 100
    most = 4_000  # lines: each is read a few times, and not once for each other
    with all_tiny.begin() as connection:
        wallet = a_subscribed_wallet(connection, 0)
        for _ in range(grants_of_three):
            order = a_grant(quantity_micro=micro(3), effective_at=NOON)
            grants.give(connection, wallet.account_id, order, NOON)
        events = [an_event(wallet.account_id, 2) for _ in range(grants_of_three * 3 // 2)]
        assert {one.status for one in debits.debit(connection, events, NOON)} == {"debited"}
    scope = Scope(START, MONTH_END, wallet.account_id)
    with all_tiny.connect() as connection:
        read = lines_read(connection, lambda ledger: usage_by_action(ledger, scope))
    assert read <= most, read

"""What was used is known without reading every line, also of types that are used now and then."""

from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from ledger.reads import wallets
from tests.builders import NOON, a_subscribed_wallet
from tests.ledger.use_laws import HOUR, USE_LAWS, use_many

READ = text("""
    SELECT idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'entries'
""")
DAYS = 10
HALVINGS = 4  # more of them for ten times the lines


@pytest.mark.parametrize("law", USE_LAWS, ids=lambda law: law.__name__)
def test_use_is_what_a_scan_finds(engine, database, law):
    law(engine, database)


def lines_read(ledger, wallet, at):
    before = ledger.scalar(READ)
    now = wallets.wallet_now(ledger, wallet.account_id, at)
    assert wallets.used_of_each(ledger, now)
    assert wallets.burns_of_each(ledger, now)
    return ledger.scalar(READ) - before


def test_ten_times_the_lines_cost_a_few_more_halvings(engine, database):
    counts = (100, 1_000)
    with engine.begin() as connection:
        customers = [a_subscribed_wallet(connection, 10_000) for _ in counts]
        for wallet, count in zip(customers, counts, strict=True):
            for day in range(DAYS):
                use_many(connection, wallet, count // DAYS, NOON + timedelta(days=day))
    # As the server does by itself: else it takes an account for a handful of lines, each index for
    # as good as any, and reads the account whole at each look.
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("ANALYZE")
    at = NOON + timedelta(days=DAYS - 1) + HOUR
    with engine.connect() as connection:
        few, many = (lines_read(connection, wallet, at) for wallet in customers)
    assert many <= few + DAYS * HALVINGS, (few, many)

"""What was used is known without reading every line, also of types that are used now and then."""

from datetime import timedelta

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


def test_ten_times_the_lines_cost_a_few_more_halvings(ledger):
    read = []
    for count in (100, 1_000):
        wallet = a_subscribed_wallet(ledger, 10_000)
        for day in range(DAYS):
            use_many(ledger, wallet, count // DAYS, NOON + timedelta(days=day))
        read.append(lines_read(ledger, wallet, NOON + timedelta(days=DAYS - 1) + HOUR))
    few, many = read
    assert many <= few + DAYS * HALVINGS, read

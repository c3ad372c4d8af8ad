"""A plan that was made while the ledger was empty serves it when it is large."""

import psycopg

from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger.usage import debits
from ledger.usage.debits import Demand
from local.postgres import Database
from models.base import connect
from tests.builders import NOON, a_subscribed_wallet, an_event

THIRD = PricedWay("credits", 1, 3, carry="carry:third")
ON_TERMS = Terms((Attempt("operation", (THIRD,)),), counters=("member:ada",))
READ_WHOLE = """
    SELECT relname::text, seq_scan FROM pg_stat_xact_user_tables
    WHERE relname IN ('entries', 'grants', 'wallets', 'counters', 'limits') ORDER BY relname
"""


def on_terms(wallet, key):
    event = UsageEvent(key, "operation", 7, NOON)
    return Demand(wallet.account_id, PricedEvent(event, "credits", 7, ON_TERMS))


def test_no_table_is_read_whole_by_a_batch_whatever_its_size_was(database: Database):
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")
    engine = connect(database.url)
    try:
        with engine.begin() as connection:
            wallet, other = a_subscribed_wallet(connection), a_subscribed_wallet(connection)
        with engine.begin() as connection:
            before = connection.exec_driver_sql(READ_WHOLE).all()
            for n in range(3):
                plain = [an_event(one.account_id, 1, key=f"p{n}") for one in (wallet, other)]
                tagged = [on_terms(one, f"t{n}-{k}") for one in (wallet, other) for k in range(3)]
                for batch in (plain, tagged, [*plain, *tagged]):
                    statuses = {one.status for one in debits.debit(connection, batch, NOON)}
                    assert statuses <= {"debited", "repeated"}
            assert connection.exec_driver_sql(READ_WHOLE).all() == before
    finally:
        engine.dispose()

"""Peers on narrow rows: the least that a debit can do, and the bare insert of a batch."""

import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from local.postgres import SUPERUSER, Postgres

DATABASE = "narrow"
_SQL = Path(__file__).with_name("narrow.sql")
ACCOUNTS = 5_000
AMOUNT = 1_000_000
_DEBIT = "SELECT * FROM debit_narrow(%s::bigint, %s::uuid, %s::bigint, %s::timestamptz)"
_INSERT = """
INSERT INTO raw_entry (account_id, seq, grant_id, change, balance_after, held_after,
                       available_after, event_at, at, quantity, kind, line, credit_type, key,
                       action)
SELECT 1, nextval('raw_seq'), 1, -u.amount, 1, 0, 1, u.at, u.at, u.amount, 1, 0, 'credits', u.key,
       'operation'
FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS u (amount, key, at)
"""

Connection = psycopg.Connection[tuple[object, ...]]


def prepare_narrow(server: Postgres) -> None:
    """Create the peers' tables in a database of their own."""
    server.create_database(DATABASE)
    with psycopg.connect(server.dsn(DATABASE, SUPERUSER), autocommit=True) as connection:
        # As it comes in: several statements at once would be one transaction, and VACUUM in none.
        for part in _SQL.read_text(encoding="utf-8").split("\n\n"):
            connection.execute(part)


def debit_narrow(connection: Connection) -> None:
    """Debit one event of a random account."""
    values = (random.randint(1, ACCOUNTS), uuid.uuid4(), AMOUNT, datetime.now(UTC))
    connection.execute(_DEBIT, values)


def raw_insert(each: int) -> Callable[[Connection], None]:
    """Return a call that inserts `each` rows of one account."""

    def call(connection: Connection) -> None:
        now = datetime.now(UTC)
        keys = [str(uuid.uuid4()) for _ in range(each)]
        connection.execute(_INSERT, ([AMOUNT] * each, keys, [now] * each))

    return call

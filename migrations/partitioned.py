"""Spread the journal over partitions by hash of the account: `python -m migrations.partitioned 16`.

For a ledger that nobody uses meanwhile, as its owner (DATABASE_URL), in one transaction. Functions,
keys and answers stay as they are; docs/decisions/0052 says what it costs and what it is good for.
"""

import os
import sys
from pathlib import Path

import psycopg
from psycopg import sql

from migrations import draft

MOST = 1_024
PRIVILEGES = "privileges.sql"
# Read before the journal is renamed: all that hangs on it.
KEYS = """
    SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = 'entries'::regclass AND contype IN ('p', 'u') ORDER BY conname
"""
INDEXES = """
    SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
    WHERE i.indrelid = 'entries'::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
TRIGGERS = """
    SELECT pg_get_triggerdef(oid), tgtype & 1 = 0 FROM pg_trigger
    WHERE tgrelid = 'entries'::regclass AND NOT tgisinternal
"""
MOVE = """
    ALTER TABLE entries RENAME TO entries_whole;
    CREATE TABLE entries (LIKE entries_whole INCLUDING DEFAULTS) PARTITION BY HASH (account_id);
"""
# What takes or returns a line of the journal goes with the old table and is made again.
FILL = """
    INSERT INTO entries SELECT * FROM entries_whole;
    DROP TABLE entries_whole CASCADE;
"""

Connection = psycopg.Connection[tuple[object, ...]]


def partition(connection: Connection, count: int) -> None:
    """Spread the journal over `count` partitions. Raises `ValueError` for a senseless number."""
    if not 1 < count <= MOST:
        raise ValueError(f"{count} partitions: choose a number from 2 to {MOST}")
    connection.execute("LOCK TABLE wallets, entries IN ACCESS EXCLUSIVE MODE")
    keys = connection.execute(KEYS).fetchall()
    indexes = connection.execute(INDEXES).fetchall()
    triggers = connection.execute(TRIGGERS).fetchall()
    connection.execute(MOVE)
    parts = [f"entries_{number}" for number in range(count)]
    for number, part in enumerate(parts):
        connection.execute(
            sql.SQL(
                "CREATE TABLE {} PARTITION OF entries FOR VALUES WITH (MODULUS {}, REMAINDER {})"
            ).format(sql.Identifier(part), sql.Literal(count), sql.Literal(number))
        )
    connection.execute(FILL)
    for name, definition in keys:
        connection.execute(f"ALTER TABLE entries ADD CONSTRAINT {name} {definition}".encode())
    for (definition,) in indexes:
        connection.execute(str(definition).encode())
    _restore_functions(connection)
    _guard(connection, parts, [(str(text), bool(whole)) for text, whole in triggers])


def _restore_functions(connection: Connection) -> None:
    connection.execute("SET LOCAL check_function_bodies = off")
    for path in sorted(draft.TODAY.glob("*.sql")):
        connection.execute(path.read_bytes())
    newest = draft.HERE / "sql" / draft.revisions(draft.HERE)[-1]
    connection.execute(Path(newest, PRIVILEGES).read_bytes())


def _guard(connection: Connection, parts: list[str], triggers: list[tuple[str, bool]]) -> None:
    """Put on the journal and its parts what held for the whole: triggers, and laws of a row."""
    for definition, of_statement in triggers:
        connection.execute(definition.encode())
        for part in parts if of_statement else ():
            connection.execute(definition.replace("public.entries", f"public.{part}").encode())
    for part in parts:
        # A law of the whole row cannot be inherited: each part has its own.
        connection.execute(
            sql.SQL(
                "ALTER TABLE {0} ADD CONSTRAINT entries_sound CHECK (entry_is_sound({0}::entries))"
            ).format(sql.Identifier(part))
        )


if __name__ == "__main__":
    try:
        with psycopg.connect(os.environ["DATABASE_URL"]) as owner:
            partition(owner, int(sys.argv[1]))
    except KeyError:
        sys.exit("DATABASE_URL is not set: name the database whose journal to partition")
    except (IndexError, ValueError) as error:
        sys.exit(f"python -m migrations.partitioned NUMBER: {error}")

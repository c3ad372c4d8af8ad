"""Where tables go when the ledger is spread over machines, compared with a migrated database.

What Citus demands is from its documentation (docs/decisions/0050): a unique key of a table that is
spread contains the account, and a foreign key joins tables that lie together by it.
"""

import psycopg
import pytest

from ledger.distribution.placements import (
    ANCHOR,
    BY_ACCOUNT,
    FAN_OUT,
    GLOBAL_KEYS,
    LOCAL,
    REFERENCE,
    WITHOUT_ACCOUNT,
)
from models.tables import Base

TABLES = """
    SELECT c.relname, a.attnotnull, a.atttypid = 'bigint'::regtype, a.atthasdef OR
           c.relkind <> 'r' OR c.relhassubclass OR c.relispartition
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'account_id'
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f', 'm')
"""
INDEXES = """
    SELECT t.relname, c.relname, i.indisunique, i.indimmediate,
           ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY k (n, place)
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n
                 ORDER BY k.place)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relnamespace = 'public'::regnamespace
"""
FOREIGN_KEYS = """
    SELECT c.conname, c.conrelid::regclass::text, c.confrelid::regclass::text,
           ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (n, place)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n
                 ORDER BY k.place),
           ARRAY(SELECT a.attname::text FROM unnest(c.confkey) WITH ORDINALITY k (n, place)
                 JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n
                 ORDER BY k.place)
    FROM pg_constraint c WHERE c.connamespace = 'public'::regnamespace AND c.contype = 'f'
"""
CALLED = """
    SELECT p.proname, p.proargnames[1] = 'p_account'
                      AND coalesce(nullif(t.typbasetype, 0), t.oid) = 'bigint'::regtype
    FROM pg_proc p LEFT JOIN pg_type t ON t.oid = p.proargtypes[0]
    WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'
      AND has_function_privilege('drawdown_app', p.oid, 'EXECUTE')
"""
# Rules and triggers of statements on every shard, and generated keys too small for many machines.
NOT_THERE = """
    SELECT 'rule', r.rulename::text FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
    UNION ALL
    SELECT 'identity', a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND a.attidentity <> ''
      AND a.atttypid <> 'bigint'::regtype
    UNION ALL
    SELECT 'exclusion or deferrable key', c.conname::text FROM pg_constraint c
    WHERE c.connamespace = 'public'::regnamespace
      AND (c.contype = 'x' OR c.contype IN ('p', 'u', 'f') AND c.condeferrable)
"""


@pytest.fixture(scope="module")
def catalog(session_database):
    with psycopg.connect(session_database.owner_url, autocommit=True) as connection:
        yield connection


def test_every_table_has_its_place(catalog):
    found = {row[0]: row[1:] for row in catalog.execute(TABLES)}
    places = [*BY_ACCOUNT, *REFERENCE, *LOCAL]

    assert sorted(places) == sorted(found)
    assert {found[name] for name in BY_ACCOUNT} == {(True, True, False)}
    assert set(Base.metadata.tables) == set(places) - {"alembic_version"}
    assert ANCHOR in BY_ACCOUNT


def test_every_unique_key_of_an_account_contains_the_account_or_says_why_not(catalog):
    keys = {
        name: columns
        for table, name, unique, _, columns in catalog.execute(INDEXES)
        if table in BY_ACCOUNT and unique and "account_id" not in columns
    }
    assert set(keys) == set(GLOBAL_KEYS)


def test_every_index_of_an_account_begins_with_the_account_or_says_who_asks_all(catalog):
    others = {
        name
        for table, name, _, _, columns in catalog.execute(INDEXES)
        if table in BY_ACCOUNT and columns[:1] != ["account_id"]
    }
    assert others == set(FAN_OUT)


def test_every_foreign_key_joins_what_lies_together(catalog):
    crossing = [
        name
        for name, table, referenced, columns, known in catalog.execute(FOREIGN_KEYS)
        if not (table in BY_ACCOUNT and referenced in REFERENCE)
        and not {table, referenced} <= set(LOCAL)  # both on the coordinator
        and not (
            {table, referenced} <= BY_ACCOUNT
            and ("account_id", "account_id") in list(zip(columns, known, strict=True))
        )
    ]
    assert crossing == []


def test_nothing_is_there_that_shards_cannot_have(catalog):
    assert catalog.execute(NOT_THERE).fetchall() == []


def test_every_call_names_its_account_first_or_says_why_not(catalog):
    others = {name for name, is_first in catalog.execute(CALLED) if not is_first}

    assert others == set(WITHOUT_ACCOUNT)

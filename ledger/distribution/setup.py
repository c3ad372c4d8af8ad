"""The statements that spread a ledger over the machines of a Citus cluster, made from its catalog.

First what any PostgreSQL can run, so that tests do: shapes and functions that shards can have. Then
the calls of Citus.
"""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from domain.errors import InvalidInput
from ledger.distribution.placements import ANCHOR, BY_ACCOUNT, COLUMN, GLOBAL_KEYS, REFERENCE

OLDEST = 14  # the first Citus for PostgreSQL 18, whose SQL functions it can plan
SHARDS = 64  # of each table: no more machines than these can share the accounts
SHAPES = Path(__file__).with_name("shapes.sql")

SETTINGS = text("""
    SELECT s FROM unnest(ARRAY[
        'SET LOCAL lock_timeout = 0',
        'SET LOCAL statement_timeout = 0',
        'SET LOCAL citus.multi_shard_modify_mode = sequential',
        'SET LOCAL citus.enable_unsafe_triggers = on',
        format('ALTER DATABASE %I SET citus.enable_unsafe_triggers = on', current_database()),
        format('SET LOCAL citus.shard_count = %s', CAST(:shards AS integer))
    ]) WITH ORDINALITY AS u (s, n) ORDER BY n
""")
# A function of this kind is put into the query that asks it, which Citus refuses; a volatile one is
# not. It answers the same: everything reads after the lock.
INLINED = text("""
    SELECT format('ALTER FUNCTION %s VOLATILE', p.oid::regprocedure)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'sql'
    WHERE p.pronamespace = 'public'::regnamespace AND p.proretset AND p.provolatile <> 'v'
      AND NOT p.prosecdef AND NOT p.proisstrict AND p.proconfig IS NULL
    ORDER BY p.oid::regprocedure::text
""")
# Foreign keys go while only one of their tables is distributed, as the documentation advises.
KEYS = """
    FROM pg_constraint c
    WHERE c.connamespace = 'public'::regnamespace AND c.contype = 'f'
    ORDER BY c.conrelid::regclass::text, c.conname
"""
UNTIE = text("SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname)"
             + KEYS)  # fmt: skip
TIE = text(
    "SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s',"
    " c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))" + KEYS
)
LOOSEN = text("""
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname)
    FROM pg_constraint c
    WHERE c.connamespace = 'public'::regnamespace AND c.conname = ANY (:names)
    ORDER BY c.conname
""")
REFER = text("""
    SELECT format('SELECT create_reference_table(%L)', t) FROM unnest(CAST(:names AS text[])) t
    ORDER BY t
""")
SPREAD = text("""
    SELECT format('SELECT create_distributed_table(%L, %L, colocate_with => %L)', t,
                  CAST(:column AS text), CASE t WHEN :anchor THEN 'none' ELSE :anchor END)
    FROM unnest(CAST(:names AS text[])) t ORDER BY t <> :anchor, t
""")
# What the application calls for an account runs where its rows are, inside a transaction too, and
# may touch no other account there. All other functions only have to exist on every machine.
DELEGATE = text("""
    SELECT CASE WHEN p.proargnames[1] = 'p_account' AND p.prosecdef
                     AND coalesce(nullif(t.typbasetype, 0), t.oid) = 'bigint'::regtype
                     AND has_function_privilege('drawdown_app', p.oid, 'EXECUTE')
           THEN format('SELECT create_distributed_function(%L, %L, colocate_with => %L,'
                       ' force_delegation => true)', p.oid::regprocedure, 'p_account',
                       CAST(:anchor AS text))
           ELSE format('SELECT create_distributed_function(%L)', p.oid::regprocedure) END
    FROM pg_proc p LEFT JOIN pg_type t ON t.oid = p.proargtypes[0]
    WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype
    ORDER BY p.oid::regprocedure::text
""")


class CannotSpread(InvalidInput):
    """Why a server cannot spread the ledger: told to operators, no answer of the contract."""


def shapes(connection: Connection) -> Iterator[str]:
    """Yield what changes before anything is distributed: plain PostgreSQL."""
    yield from SHAPES.read_text(encoding="utf-8").strip().split("\n\n")
    yield from connection.scalars(INLINED)
    yield from connection.scalars(UNTIE)
    yield from connection.scalars(LOOSEN, {"names": list(GLOBAL_KEYS)})


def calls(connection: Connection) -> Iterator[str]:
    """Yield the calls of Citus, and the foreign keys as they were."""
    yield from connection.scalars(REFER, {"names": list(REFERENCE)})
    spread = {"names": list(BY_ACCOUNT), "column": COLUMN, "anchor": ANCHOR}
    yield from connection.scalars(SPREAD, spread)
    yield from connection.scalars(TIE)
    yield from connection.scalars(DELEGATE, {"anchor": ANCHOR})


def statements(connection: Connection, shards: int = SHARDS) -> tuple[str, ...]:
    """Return the whole set-up of this ledger in order, for one transaction of its owner."""
    settings = connection.scalars(SETTINGS, {"shards": shards}).all()
    return (*settings, *shapes(connection), *calls(connection))


def distribute(connection: Connection, shards: int = SHARDS) -> int:
    """Spread the ledger; return how many statements it took. Everything or nothing.

    Raises `CannotSpread`: `citus_missing`, `citus_too_old`, `already_distributed`.
    """
    check(connection)
    made = statements(connection, shards)
    for one in made:
        connection.exec_driver_sql(one)
    return len(made)


def check(connection: Connection) -> None:
    """Raise `CannotSpread` unless this server can spread the ledger, and has not yet."""
    query = text("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
    version = connection.scalar(query)
    if version is None:
        raise CannotSpread(
            "citus_missing",
            f"this database has no Citus: add citus {OLDEST} or newer to shared_preload_libraries,"
            " CREATE EXTENSION citus, add its workers, and repeat; --print shows what would run",
        )
    if int(version.partition(".")[0]) < OLDEST:
        message = f"Citus {version} cannot plan the ledger's functions: upgrade to {OLDEST}"
        raise CannotSpread("citus_too_old", message)
    spread = text("SELECT FROM pg_dist_partition WHERE logicalrelid = CAST(:anchor AS regclass)")
    if connection.execute(spread, {"anchor": ANCHOR}).first() is not None:
        message = "this ledger is spread already: citus_rebalance_start moves it to new machines"
        raise CannotSpread("already_distributed", message)

"""Measure what the whole balance of one customer costs the database, by how much that one has used.

Its use of the window and of each day are asked apart, and read line by line beside it, as they
would be without the chain of balances.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.remove(str(Path(__file__).parent))  # whose `http` would hide Python's own
sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg
from sqlalchemy import text

from activities.reads.balance import standing
from benchmarks.load.accounts import CREDIT, broken_laws, open_accounts
from benchmarks.load.backend import cpu_of
from benchmarks.load.machine import describe, fresh_postgres, ratio
from catalogs.reader import read_catalog
from ledger.reads import wallets
from ledger.subscriptions import as_json
from local.postgres import DATABASE, OWNER, Postgres
from models.base import connect
from settings import CATALOGS

AGE = timedelta(days=30)
TOGETHER = 2_000  # events of one call
CALLS = 40  # of each read

_FILL = """
SELECT count(*) FROM (
    SELECT array_agg(gen_random_uuid()::text) AS keys FROM generate_series(1, %(many)s::int)) k
CROSS JOIN LATERAL debit(
    array_fill(%(account)s::bigint, ARRAY[%(many)s::int]), k.keys,
    array_fill('operation'::text, ARRAY[%(many)s::int]),
    array_fill(%(credits)s::bigint, ARRAY[%(many)s::int]),
    array_fill('credits'::text, ARRAY[%(many)s::int]),
    array_fill(%(credits)s::bigint, ARRAY[%(many)s::int]),
    array_fill(%(at)s::timestamptz, ARRAY[%(many)s::int]),
    array_fill(NULL::jsonb, ARRAY[%(many)s::int]), %(at)s) d
WHERE d.status = 'debited'
"""
_LINES = text("""
    SELECT floor(extract(epoch FROM :at - e.at) / 86400)::integer, e.credit_type, -sum(e.change)
    FROM journal e WHERE e.account_id = :account AND e.seq > seq_before(:account, :since)
                     AND e.kind IN ('debit', 'capture', 'correction')
    GROUP BY 1, 2
""")


def a_customer(server: Postgres, entries: int, now: datetime) -> int:
    """Return the account of a customer that has used so many credits in a month, one by one."""
    plan = json.dumps(as_json(read_catalog(CATALOGS / "make.yaml").plan("core_10k")))
    (account,) = open_accounts(
        server, 1, credits_each=max(entries, 10), age=AGE + timedelta(days=1), plan=plan
    )
    many = min(entries, TOGETHER)
    calls = entries // many
    with psycopg.connect(server.dsn(DATABASE), autocommit=True) as connection:
        for number in range(calls):
            at = now - AGE + AGE * number / calls
            values = {"account": account, "many": many, "credits": CREDIT, "at": at}
            if connection.execute(_FILL, values).fetchone() != (many,):
                raise SystemExit("the filling was refused")
    with psycopg.connect(server.dsn(DATABASE, OWNER), autocommit=True) as connection:
        connection.execute("ANALYZE entries, grants, wallets")
    return account


def costs(server: Postgres, account: int, now: datetime) -> dict[str, tuple[float, float]]:
    """Return of each read the milliseconds of the backend's CPU, and those that it took."""
    engine = connect(server.dsn(DATABASE), pool_size=1)
    with engine.connect() as connection:
        pid = int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)
        wallet = wallets.wallet_now(connection, account, now)
        values = {"account": account, "at": wallet.at, "since": wallet.at - AGE}
        found = {
            name: _cost(read, pid)
            for name, read in {
                "whole balance": lambda: standing(connection, account, now),
                "use of the window": lambda: wallets.used_of_each(connection, wallet),
                "use of each day": lambda: wallets.burns_of_each(connection, wallet),
                "each day, line by line": lambda: connection.execute(_LINES, values).all(),
            }.items()
        }
    engine.dispose()
    return found


def _cost(read: Callable[[], object], pid: int) -> tuple[float, float]:
    read()
    cpu, began, calls = cpu_of(pid), time.perf_counter(), 0
    while calls < CALLS and time.perf_counter() - began < CALLS / 2:
        read()
        calls += 1
    took = (time.perf_counter() - began) * 1e3
    return (cpu_of(pid) - cpu) / 1e6 / calls, took / calls


def main() -> None:
    """Print the costs; fail when a law of the ledger is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs=2, default=[10_000, 1_000_000])
    few, many = parser.parse_args().entries
    found = {}
    with fresh_postgres() as server:
        print(describe(server))
        print(f"{'':<12}{'':<24}{'CPU ms':>9}{'ms':>9}")
        for entries in (20, few, many):
            now = datetime.now(UTC)
            found[entries] = costs(server, a_customer(server, entries, now), now)
            for name, (cpu, took) in found[entries].items():
                print(f"{entries:>10,}  {name:<24}{cpu:>9.2f}{took:>9.2f}", flush=True)
        broken = broken_laws(server)
    print(f"\nlaws of the ledger broken: {broken}")
    print(
        ratio("balance_of_many", found[many]["whole balance"][0] / found[few]["whole balance"][0])
    )
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

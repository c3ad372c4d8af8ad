"""Compare a journal in one table with one spread over partitions by hash of the account.

Two databases of one server with the same wallets and as many entries; the same calls go to both in
turn and are charged by the CPU time of their backends; figures are medians over the rounds.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg
from sqlalchemy import Connection, text

from benchmarks.load.accounts import broken_laws, open_accounts
from benchmarks.load.backend import Way, debiting, measure, way
from benchmarks.load.filling import Span, fill
from benchmarks.load.machine import describe, fresh_postgres, ratio
from ledger import balances
from local.postgres import OWNER, SUPERUSER, Postgres
from migrations.partitioned import partition
from models.base import connect

WHOLE, PARTED = "drawdown", "parted"
ACCOUNTS = 5_000
BATCH = 100
ENTRIES = 300_000
PARTS = 16
PAGE = 50
LAST = ENTRIES // ACCOUNTS - PAGE
DAY = timedelta(days=1)
PLANNED = "EXPLAIN (SUMMARY, FORMAT JSON) SELECT * FROM entries WHERE account_id = %s AND key = 'k'"


def prepared(server: Postgres, database: str, parts: int) -> list[int]:
    """Return the wallets of a database with its journal filled; `parts` 0: one table."""
    server.create_database(database)
    server.migrate(database)
    if parts:
        with psycopg.connect(server.dsn(database, OWNER)) as owner:
            partition(owner, parts)
    accounts = open_accounts(server, ACCOUNTS, credits_each=20_000, database=database)
    now = datetime.now(UTC)
    fill(server.dsn(database), accounts, ENTRIES, Span(now - DAY / 2, now))
    with psycopg.connect(server.dsn(database, SUPERUSER), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    return accounts


def ways(url: str, name: str, accounts: Sequence[int], opened: ExitStack) -> list[Way]:
    """Return the calls to one database, named after it."""

    def debits(kind: str, each: int) -> Way:
        own = opened.enter_context(psycopg.connect(url, autocommit=True))
        own.prepare_threshold = 0
        return way(f"{name} {kind}", own, debiting(accounts, each), each)

    def reads(kind: str, read: Callable[[Connection, int], object]) -> Way:
        engine = connect(url, pool_size=1)
        opened.callback(engine.dispose)
        own = opened.enter_context(engine.connect())
        own = own.execution_options(isolation_level="AUTOCOMMIT")
        pid = int(own.scalar(text("SELECT pg_backend_pid()")) or 0)

        def call() -> None:
            read(own, random.choice(accounts))

        return Way(f"{name} {kind}", pid, call)

    return [
        debits("one", 1),
        debits("batch", BATCH),
        reads("balance", lambda c, a: balances.available(c, a, "credits", datetime.now(UTC))),
        reads(
            "page",
            lambda c, a: balances.history(c, a, after_seq=random.randrange(LAST), limit=PAGE),
        ),
    ]


def planning(url: str, account: int) -> float:
    """Return the milliseconds that planning a look-up by key takes, of 21 the median."""
    taken = []
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(21):
            row = connection.execute(PLANNED, [account]).fetchone()
            taken.append(float(row[0][0]["Planning Time"]) if row else 0.0)
    return statistics.median(taken)


def main() -> None:
    """Print what each call costs on both; fail when a law of the ledger is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="of each way")
    parser.add_argument("--parts", type=int, default=PARTS)
    asked = parser.parse_args()
    with fresh_postgres() as server, ExitStack() as opened:
        print(describe(server))
        compared: list[Way] = []
        for name, parts in ((WHOLE, 0), (PARTED, asked.parts)):
            accounts = prepared(server, name, parts)
            url = server.dsn(name)
            print(f"{name}: {planning(url, accounts[0]):.3f} ms to plan a look-up by key")
            compared += ways(url, name, accounts, opened)
        taken = measure(compared, asked.rounds)
        broken = broken_laws(server) + broken_laws(server, PARTED)
    print(f"\n{'CPU us of the database':<24}{'one table':>12}{f'{asked.parts} parts':>12}")
    for kind in ("one", "batch", "balance", "page"):
        whole, parted = taken[f"{WHOLE} {kind}"], taken[f"{PARTED} {kind}"]
        print(f"{kind:<24}{statistics.median(whole):>12.1f}{statistics.median(parted):>12.1f}")
        paired = statistics.median(one / other for one, other in zip(parted, whole, strict=True))
        print(ratio(f"partitioned_{kind}", paired))
    print(f"laws of the ledger broken: {broken}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

"""Compare what each way to debit costs the database: CPU time of its backend, and its log.

All ways go in turn, in small chunks; figures are medians over the rounds.
"""

import argparse
import random
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg

from benchmarks.load.accounts import CREDIT, broken_laws, open_accounts
from benchmarks.load.backend import Connection, Way, debiting, measure, way
from benchmarks.load.machine import describe, fresh_postgres, ratio
from benchmarks.load.narrow import DATABASE as NARROW
from benchmarks.load.narrow import debit_narrow, prepare_narrow, raw_insert
from benchmarks.load.pgbench import PEER_DATABASE, PEER_SCALE, prepare_peer
from domain.usage import Attempt, PricedWay, Terms
from local.postgres import SUPERUSER, Postgres

ACCOUNTS = 5_000
BATCH = 100
PEER_ROWS = PEER_SCALE * 100_000
PEER_STATEMENTS = (
    "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = %(aid)s",
    "SELECT abalance FROM pgbench_accounts WHERE aid = %(aid)s",
    "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, %(aid)s, 1, now())",
)
PLAIN_TERMS = Terms(
    (Attempt("operation", (PricedWay("credits", CREDIT, CREDIT),)),), counters=("member:ada",)
)
# Name, what is divided by what: of single debits the cost (less is better), else the speed.
BARS = (
    ("single_cpu_over_prototype", "one", "narrow"),
    ("on_terms", "one", "on_terms"),
    ("on_terms_batch", "batch", "batch_on_terms"),
    ("batch_hot", "raw_insert", "batch_hot"),
)


def simple_update(connection: Connection) -> None:
    """Do what pgbench's simple-update does in a transaction."""
    values = {"aid": random.randint(1, PEER_ROWS)}
    connection.execute("BEGIN")
    for one in PEER_STATEMENTS:
        connection.execute(one, values)
    connection.execute("END")


def ways(server: Postgres) -> list[Way]:
    """Return the peer and the shipped ways, each with a connection of its own."""
    accounts = open_accounts(server, ACCOUNTS, credits_each=20_000)
    hot = open_accounts(server, 1, credits_each=100_000_000)

    def connect(database: str = "drawdown") -> Connection:
        address = server.dsn(database, SUPERUSER)
        return psycopg.connect(address, autocommit=True, prepare_threshold=0)

    return [
        way("simple_update", connect(PEER_DATABASE), simple_update),
        way("narrow", connect(NARROW), debit_narrow),
        way("raw_insert", connect(NARROW), raw_insert(BATCH), BATCH),
        way("one", connect(), debiting(accounts)),
        way("on_terms", connect(), debiting(accounts, terms=PLAIN_TERMS)),
        way("batch", connect(), debiting(accounts, BATCH), BATCH),
        way("batch_on_terms", connect(), debiting(accounts, BATCH, PLAIN_TERMS), BATCH),
        way("batch_hot", connect(), debiting(hot, BATCH), BATCH),
    ]


def log_bytes(server: Postgres, one: Way, events: int = 400) -> float:
    """Return the bytes of write-ahead log of an event; nobody else writes meanwhile."""
    calls = max(1, events // one.each)
    with psycopg.connect(server.dsn(role=SUPERUSER), autocommit=True) as watcher:
        before = _log(watcher)
        for _ in range(calls):
            one.call()
        return (_log(watcher) - before) / (calls * one.each)


def _log(connection: Connection) -> int:
    row = connection.execute("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").fetchone()
    return int(str(row[0])) if row else 0


def paired(taken: dict[str, list[float]], one: str, other: str) -> float:
    """Return the median of the ratios, round by round."""
    pairs = zip(taken[one], taken[other], strict=True)
    return statistics.median(mine / theirs for mine, theirs in pairs)


def main() -> None:
    """Print the costs and ratios; fail when a law of the ledger is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="of each way")
    rounds = parser.parse_args().rounds
    with fresh_postgres() as server:
        print(describe(server))
        prepare_peer(server)
        prepare_narrow(server)
        compared = ways(server)
        taken = measure(compared, rounds)
        logs = {one.name: log_bytes(server, one) for one in compared}
        broken = broken_laws(server)
    print(f"\n{'':<20}{'us an event':>12}{'log, bytes':>12}")
    for name, costs in taken.items():
        print(f"{name:<20}{statistics.median(costs):>12.0f}{logs[name]:>12.0f}")
    print(f"\nlaws of the ledger broken: {broken}")
    for name in ("one", "on_terms", "batch"):
        print(ratio(f"cpu_{name}_over_simple_update", paired(taken, name, "simple_update")))
    for bar, one, other in BARS:
        print(ratio(bar, paired(taken, one, other)))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

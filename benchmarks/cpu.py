"""Compare what each way to debit costs the database: CPU time of its backend.

A rate depends on what else the machine does, the CPU time of a backend far less. All ways go in
turn, in small chunks; figures are medians over the rounds. Needs Linux: it reads /proc.
"""

import argparse
import random
import statistics
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg

from benchmarks.load.accounts import broken_laws, open_accounts
from benchmarks.load.machine import describe, fresh_postgres, ratio
from benchmarks.load.narrow import DATABASE as NARROW
from benchmarks.load.narrow import debit_narrow, prepare_narrow, raw_insert
from benchmarks.load.pgbench import PEER_DATABASE, PEER_SCALE, prepare_peer
from domain.usage import Attempt, PricedEvent, PricedWay, Terms, UsageEvent
from ledger.usage.debits import Demand, statement
from local.postgres import SUPERUSER, Postgres

ACCOUNTS = 5_000
CHUNK = 40  # events of a way before it is the next one's turn
BATCH = 100
CREDIT = 1_000_000
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

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to do something, `each` events a call."""

    name: str
    connection: Connection
    call: Callable[[Connection], None]
    each: int = 1

    def microseconds(self, events: int) -> float:
        """Do so many events; return the backend's CPU time for one of them."""
        before = _cpu(self.connection)
        calls = max(1, events // self.each)
        for _ in range(calls):
            self.call(self.connection)
        return (_cpu(self.connection) - before) / (calls * self.each) / 1_000


def _cpu(connection: Connection) -> int:
    """Return the nanoseconds that the connection's backend has run."""
    return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0])


def simple_update(connection: Connection) -> None:
    """Do what pgbench's simple-update does in a transaction."""
    values = {"aid": random.randint(1, PEER_ROWS)}
    connection.execute("BEGIN")
    for one in PEER_STATEMENTS:
        connection.execute(one, values)
    connection.execute("END")


def debiting(
    accounts: Sequence[int], each: int = 1, terms: Terms | None = None
) -> Callable[[Connection], None]:
    """Return a call that debits `each` events of random accounts."""

    def call(connection: Connection) -> None:
        now = datetime.now(UTC)
        event = UsageEvent("", "operation", CREDIT, now)
        priced = PricedEvent(event, "credits", CREDIT, terms)
        demands = [
            Demand(
                random.choice(accounts),
                replace(priced, event=replace(event, key=str(uuid.uuid4()))),
            )
            for _ in range(each)
        ]
        connection.execute(*statement(demands, now))

    return call


def ways(server: Postgres) -> list[Way]:
    """Return the peer and the shipped ways, each with a connection of its own."""
    accounts = open_accounts(server, ACCOUNTS, credits_each=20_000)
    hot = open_accounts(server, 1, credits_each=100_000_000)

    def connect(database: str = "drawdown") -> Connection:
        address = server.dsn(database, SUPERUSER)
        return psycopg.connect(address, autocommit=True, prepare_threshold=0)

    return [
        Way("simple_update", connect(PEER_DATABASE), simple_update),
        Way("narrow", connect(NARROW), debit_narrow),
        Way("raw_insert", connect(NARROW), raw_insert(BATCH), BATCH),
        Way("one", connect(), debiting(accounts)),
        Way("on_terms", connect(), debiting(accounts, terms=PLAIN_TERMS)),
        Way("batch", connect(), debiting(accounts, BATCH), BATCH),
        Way("batch_on_terms", connect(), debiting(accounts, BATCH, PLAIN_TERMS), BATCH),
        Way("batch_hot", connect(), debiting(hot, BATCH), BATCH),
    ]


def measure(compared: Sequence[Way], rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of each way, round by round; the first rounds only warm up."""
    taken: dict[str, list[float]] = {way.name: [] for way in compared}
    for number in range(-5, rounds):
        start = number % len(compared)
        for way in (*compared[start:], *compared[:start]):
            cost = way.microseconds(CHUNK)
            if number >= 0:
                taken[way.name].append(cost)
    return taken


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
        taken = measure(ways(server), rounds)
        broken = broken_laws(server)
    print(f"\n{'':<20}{'us an event':>12}")
    for name, costs in taken.items():
        print(f"{name:<20}{statistics.median(costs):>12.0f}")
    print(f"\nlaws of the ledger broken: {broken}")
    for name in ("one", "on_terms", "batch"):
        print(ratio(f"cpu_{name}_over_simple_update", paired(taken, name, "simple_update")))
    for bar, one, other in BARS:
        print(ratio(bar, paired(taken, one, other)))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

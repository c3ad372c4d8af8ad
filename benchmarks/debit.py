"""Measure the debit against pgbench simple-update, on one PostgreSQL, in one run.

Each part runs between two runs of the peer and is divided by their mean, so that a machine that
slows down or speeds up does not flatter or blame it.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.load.accounts import GRANTS, broken_laws, open_accounts
from benchmarks.load.callers import grouped_debits
from benchmarks.load.machine import busy_loops, describe, fresh_postgres, ratio
from benchmarks.load.measure import Speed, Written, watched
from benchmarks.load.pgbench import (
    CLIENTS,
    PEER_SCALE,
    prepare_peer,
    simple_update,
    single_debits,
)
from local.postgres import Postgres

ACCOUNTS = 10_000
CALLERS = 1_024
WARM_UP = 3  # seconds of each kind, unmeasured: caches, first images of pages


@dataclass(frozen=True, slots=True)
class Part:
    """One measured part of the benchmark."""

    name: str
    label: str
    run: Callable[[int], Speed]


def parts(server: Postgres, accounts: list[int], hot: int) -> list[Part]:
    """Return the shipped paths, slowest first."""
    ends = accounts[0], accounts[-1]
    return [
        Part(
            "single",
            f"one debit a transaction, {CLIENTS} clients",
            lambda seconds: single_debits(server, ends, seconds),
        ),
        Part(
            "grouped",
            f"group commit, {CALLERS:,} callers",
            lambda seconds: grouped_debits(server, accounts, CALLERS, seconds),
        ),
        Part(
            "hot",
            f"group commit, {CALLERS:,} callers, one account",
            lambda seconds: grouped_debits(server, [hot], CALLERS, seconds),
        ),
    ]


def line(label: str, speed: Speed, written: Written) -> str:
    """Return a row of the table; bytes of events only where events were written."""
    row = f"{label:<48}{speed.per_second:>9,.0f}{speed.p50:>9.2f}{speed.p99:>9.2f}"
    if not written.events:
        return row + f"{'':>22}{written.wal / speed.operations:>8,.0f}"
    heap, indexes, wal = (
        size / written.events for size in (written.heap, written.indexes, written.wal)
    )
    return row + f"{heap + indexes:>8,.0f} ={heap:>4,.0f} +{indexes:>4,.0f} {wal:>8,.0f}"


def measure(server: Postgres, label: str, run: Callable[[int], Speed], seconds: int) -> Speed:
    """Run one part, print its row, return its speed."""
    with watched(server) as written:
        speed = run(seconds)
    print(line(label, speed, written), flush=True)
    return speed


def compare(server: Postgres, measured: list[Part], seconds: int) -> list[tuple[str, float]]:
    """Print each part between two runs of the peer; return its ratio to their mean."""
    label = f"pgbench simple-update, {CLIENTS} clients"

    def peer() -> float:
        return measure(server, label, lambda s: simple_update(server, s), seconds).per_second

    simple_update(server, WARM_UP)
    for part in measured:
        part.run(WARM_UP)
    print(f"{'':<48}{'a second':>9}{'p50 ms':>9}{'p99 ms':>9}{'stored B/event':>22}{'WAL B':>8}")
    ratios, before = [], peer()
    for part in measured:
        done = measure(server, part.label, part.run, seconds).per_second
        after = peer()
        ratios.append((part.name, 2 * done / (before + after)))
        before = after
    return ratios


def main() -> None:
    """Print the table and the ratios; fail when a law of the ledger is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8, help="of each measured part")
    parser.add_argument("--busy", type=int, default=0, help="loops that run beside it")
    asked = parser.parse_args()
    with busy_loops(asked.busy):
        run(asked.seconds, "_busy" if asked.busy else "")


def run(seconds: int, beside: str) -> None:
    """Measure, print, and end with what the laws say."""
    with fresh_postgres() as server:
        print(describe(server))
        prepare_peer(server)
        accounts = open_accounts(server, ACCOUNTS, credits_each=20_000)
        hot = open_accounts(server, 1, credits_each=100_000_000)[0]
        print(f"{ACCOUNTS:,} accounts with {GRANTS} open grants; pgbench scale {PEER_SCALE}\n")
        ratios = compare(server, parts(server, accounts, hot), seconds)
        broken = broken_laws(server)
    print(f"\nlaws of the ledger broken: {broken}")
    for name, value in ratios:
        print(ratio(name + beside, value))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

"""Measure what the age of a ledger costs: the same work on few entries and on many.

Wallets of two years are used by the ledger's own debits, first a little, later a lot; after each
the same calls go in turn, for random wallets of all of them, and are charged by the CPU time of
their backend. What lies beyond the shared buffers is read again: the share of it is printed.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg
from sqlalchemy import Connection, text

from activities.usage.meter import meter
from benchmarks.load.accounts import broken_laws, open_accounts
from benchmarks.load.backend import Way, debiting, measure, way
from benchmarks.load.filling import Span, fill
from benchmarks.load.machine import describe, fresh_postgres, ratio
from catalogs.reader import load_catalogs
from ledger import balances
from ledger.reports.scope import Scope
from ledger.reports.statement import statement
from ledger.reports.usage import usage_by_action
from ledger.subscriptions import as_json
from local.postgres import SUPERUSER, Postgres
from models.base import connect

ACCOUNTS = 5_000
BATCH = 100
PAGE = 20  # lines of a history: as many as a wallet has at first
FEW = 100_000
MANY = 2_000_000
AGE = timedelta(days=730)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
READS = "SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database()"


# The server's own loop: one transaction, as nobody else uses this ledger.
ARCHIVE = "SELECT archive_entries(account_id, %s, 1000000) FROM wallets ORDER BY account_id"


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger of some size at an instant: what is decided or asked now, is so at `at`."""

    server: Postgres
    accounts: Sequence[int]
    lines: int  # of a wallet
    at: datetime

    @property
    def hour(self) -> tuple[datetime, datetime]:
        """The hour that a short report is about: only what was measured happened in it."""
        return self.at - HOUR, self.at + HOUR


def ways(ledger: Ledger, opened: ExitStack) -> list[Way]:
    """Return debits and reads of one customer, each with a backend of its own."""

    def debits(each: int = 1) -> Way:
        own = opened.enter_context(psycopg.connect(ledger.server.dsn(), autocommit=True))
        own.prepare_threshold = 0
        call = debiting(ledger.accounts, each, at=ledger.at)
        return way("batch" if each > 1 else "one", own, call, each)

    def reads(name: str, read: Callable[[Connection, int], object]) -> Way:
        engine = connect(ledger.server.dsn(), pool_size=1)
        opened.callback(engine.dispose)
        own = opened.enter_context(engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
        pid = int(own.scalar(text("SELECT pg_backend_pid()")) or 0)
        return Way(name, pid, lambda: _drop(read(own, random.choice(ledger.accounts))))

    return [debits(), debits(BATCH), *(reads(*one) for one in _reads(ledger))]


def _reads(ledger: Ledger) -> list[tuple[str, Callable[[Connection, int], object]]]:
    at, last = ledger.at, max(1, ledger.lines - PAGE)
    return [
        ("balance", lambda c, a: balances.available(c, a, "credits", at)),
        ("meter", lambda c, a: meter(c, a, at)),
        (
            "page of the history",
            lambda c, a: balances.history(c, a, after_seq=random.randrange(last), limit=PAGE),
        ),
        ("usage of an hour", lambda c, a: usage_by_action(c, Scope(*ledger.hour, a))),
        ("statement of an hour", lambda c, a: statement(c, Scope(*ledger.hour, a))),
    ]


def _drop(_: object) -> None:
    """Forget what was read."""


@contextmanager
def pages(server: Postgres) -> Iterator[list[float]]:
    """Fill in which share of the pages was not in the shared buffers while the block ran."""
    share: list[float] = []
    hit, read = _pages(server)
    yield share
    hit_after, read_after = _pages(server)
    share.append((read_after - read) / max(1, hit_after + read_after - hit - read))


def _pages(server: Postgres) -> tuple[int, int]:
    with psycopg.connect(server.dsn(role=SUPERUSER), autocommit=True) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        row = connection.execute(READS).fetchone() or (0, 0)
    return int(row[0]), int(row[1])


def costs(ledger: Ledger, rounds: int) -> dict[str, float]:
    """Return the CPU microseconds of each way on this ledger; print what had to be read."""
    with psycopg.connect(ledger.server.dsn(role=SUPERUSER), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")  # as autovacuum does by and by
        connection.execute("CHECKPOINT")
        row = connection.execute("SELECT pg_total_relation_size('entries')").fetchone()
    with pages(ledger.server) as share, ExitStack() as opened:  # backends tell when they end
        taken = measure(ways(ledger, opened), rounds)
    size = (row[0] if row else 0) / 2**20
    print(f"entries and their indexes: {size:,.0f} MB, {share[0]:.2%} of the pages read anew")
    return {name: statistics.median(one) for name, one in taken.items()}


def plan() -> str:
    """Return the plan that the wallets are on, as JSON."""
    (make,) = (
        one for one in load_catalogs(Path(__file__).parents[1] / "catalogs") if one.name == "make"
    )
    return json.dumps(as_json(make.plan("core_10k")))


def grow(server: Postgres, asked: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return what each way costs, by the ledger's size: on `FEW` entries, on many, archived."""
    now = datetime.now(UTC)
    accounts = open_accounts(server, ACCOUNTS, credits_each=20_000, age=AGE, plan=plan())
    first = now - AGE + DAY
    fill(server.dsn(), accounts, FEW, Span(first, first + 10 * DAY))
    # More than a month later, so that the forecast of a meter sees what was measured, alone.
    small = Ledger(server, accounts, FEW // ACCOUNTS, first + 45 * DAY)
    found = {f"{FEW:,}": costs(small, asked.rounds)}
    fill(server.dsn(), accounts, asked.entries - FEW, Span(first + 50 * DAY, now - 35 * DAY))
    large = Ledger(server, accounts, asked.entries // ACCOUNTS, now)
    found[f"{asked.entries:,}"] = costs(large, asked.rounds)
    if asked.archive:
        archive_all(server, now - 34 * DAY)
        found["archived"] = costs(large, asked.rounds)
    return found


def archive_all(server: Postgres, before: datetime) -> None:
    """Archive what was filled in; print how fast."""
    started = time.perf_counter()
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        rows = connection.execute(ARCHIVE, [before]).fetchall()
    lines = sum(int(row[0]) for row in rows)
    print(f"{lines:,} lines archived, {lines / (time.perf_counter() - started):,.0f} a second")


def main() -> None:
    """Print the costs and the ratios; fail when a law of the ledger is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=MANY, help="in the end, at least")
    parser.add_argument("--rounds", type=int, default=60, help="of each way")
    parser.add_argument("--archive", action="store_true", help="then archive them, and once more")
    asked = parser.parse_args()
    with fresh_postgres() as server:
        print(describe(server))
        found = grow(server, asked)
        broken = broken_laws(server)
    few, many, *_ = found.values()
    print(f"\n{'CPU us of the database':<24}" + "".join(f"{name:>14}" for name in found))
    for name in few:
        print(f"{name:<24}" + "".join(f"{one[name]:>14.0f}" for one in found.values()))
    print(f"\nlaws of the ledger broken: {broken}")
    size = f"growth_{asked.entries // 1_000_000}m"
    for name, kind in ((size, "one"), (f"{size}_batch", "batch"), (f"{size}_meter", "meter")):
        print(ratio(name, many[kind] / few[kind]))
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

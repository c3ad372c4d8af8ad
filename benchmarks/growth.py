"""Measure what the age of a ledger costs: the same work on few entries and on many.

Two databases of one server have as many wallets, used for two years by the ledger's own debits, one
a little and one a lot. The same calls go to both in turn, for random wallets of all, and are
charged by the CPU time of their backends. What lies beyond the shared buffers is read again.
"""

import argparse
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
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


SIZES = """
    SELECT pg_total_relation_size('entries'), pg_total_relation_size('archived_entries')
"""
# The server's own loop: one transaction, as nobody else uses this ledger.
ARCHIVE = "SELECT archive_entries(account_id, %s, 1000000) FROM wallets ORDER BY account_id"


@dataclass(frozen=True, slots=True)
class Ledger:
    """One database of the server; what is decided or asked now, is so at `at`."""

    server: Postgres
    name: str
    accounts: Sequence[int]
    lines: int  # of a wallet
    at: datetime

    @property
    def url(self) -> str:
        """The address for the application's role."""
        return self.server.dsn(self.name)

    @property
    def hour(self) -> tuple[datetime, datetime]:
        """The hour that a short report is about: only what was measured happened in it."""
        return self.at - HOUR, self.at + HOUR


def filled(server: Postgres, name: str, entries: int) -> Ledger:
    """Return a ledger that was used for two years, until a month ago."""
    server.create_database(name)
    server.migrate(name)
    now = datetime.now(UTC)
    accounts = open_accounts(
        server, ACCOUNTS, credits_each=20_000, age=AGE, plan=plan(), database=name
    )
    fill(server.dsn(name), accounts, entries, Span(now - AGE + DAY, now - 35 * DAY))
    return Ledger(server, name, accounts, entries // ACCOUNTS, now)


def plan() -> str:
    """Return the plan that the wallets are on, as JSON."""
    (make,) = (
        one for one in load_catalogs(Path(__file__).parents[1] / "catalogs") if one.name == "make"
    )
    return json.dumps(as_json(make.plan("core_10k")))


def ways(ledger: Ledger, opened: ExitStack) -> list[Way]:
    """Return debits and reads of one customer, each with a backend of its own."""

    def debits(kind: str, each: int = 1) -> Way:
        own = opened.enter_context(psycopg.connect(ledger.url, autocommit=True))
        own.prepare_threshold = 0
        call = debiting(ledger.accounts, each, at=ledger.at)
        return way(f"{ledger.name} {kind}", own, call, each)

    def reads(kind: str, read: Callable[[Connection, int], object]) -> Way:
        engine = connect(ledger.url, pool_size=1)
        opened.callback(engine.dispose)
        own = opened.enter_context(engine.connect()).execution_options(isolation_level="AUTOCOMMIT")
        pid = int(own.scalar(text("SELECT pg_backend_pid()")) or 0)

        def call() -> None:
            read(own, random.choice(ledger.accounts))

        return Way(f"{ledger.name} {kind}", pid, call)

    return [debits("one"), debits("batch", BATCH), *(reads(*one) for one in _reads(ledger))]


def _reads(ledger: Ledger) -> list[tuple[str, Callable[[Connection, int], object]]]:
    at, last = ledger.at, max(1, ledger.lines - PAGE)
    return [
        ("balance", lambda c, a: balances.available(c, a, "credits", at)),
        ("meter", lambda c, a: meter(c, a, at)),
        (
            "page",
            lambda c, a: balances.history(c, a, after_seq=random.randrange(last), limit=PAGE),
        ),
        ("usage of an hour", lambda c, a: usage_by_action(c, Scope(*ledger.hour, a))),
        ("statement of an hour", lambda c, a: statement(c, Scope(*ledger.hour, a))),
    ]


def pages(ledger: Ledger) -> tuple[int, int]:
    """Return how many pages a database has found in the shared buffers and read anew."""
    with psycopg.connect(ledger.server.dsn(ledger.name, SUPERUSER), autocommit=True) as connection:
        row = connection.execute(READS).fetchone() or (0, 0)
    return int(row[0]), int(row[1])


def tidied(ledger: Ledger) -> None:
    """Do what autovacuum does by and by; print the size of the journal."""
    with psycopg.connect(ledger.server.dsn(ledger.name, SUPERUSER), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        row = connection.execute(SIZES).fetchone() or (0, 0)
    live, archived = (int(size) / 2**20 for size in row)
    print(f"{ledger.name}: entries {live:,.0f} MB, archived {archived:,.0f} MB, with indexes")


def costs(few: Ledger, many: Ledger, rounds: int) -> dict[str, tuple[float, float, float]]:
    """Return of each way the CPU microseconds on both ledgers, and their ratio in pairs."""
    for one in (few, many):
        tidied(one)
    with ExitStack() as opened:
        compared = [*ways(few, opened), *ways(many, opened)]
        before = pages(many)
        taken = measure(compared, rounds)
    hit, read = (end - start for end, start in zip(pages(many), before, strict=True))
    print(f"{read / max(1, hit + read):.2%} of the pages of {many.name} read anew")
    kinds = [way.name.removeprefix(f"{few.name} ") for way in compared[: len(compared) // 2]]
    return {
        kind: _pair(taken[f"{few.name} {kind}"], taken[f"{many.name} {kind}"]) for kind in kinds
    }


def _pair(few: Sequence[float], many: Sequence[float]) -> tuple[float, float, float]:
    paired = statistics.median(one / other for one, other in zip(many, few, strict=True))
    return statistics.median(few), statistics.median(many), paired


def archive_all(ledger: Ledger) -> None:
    """Archive what was filled in; print how fast."""
    started = time.perf_counter()
    with psycopg.connect(ledger.url, autocommit=True) as connection:
        rows = connection.execute(ARCHIVE, [ledger.at - 34 * DAY]).fetchall()
    lines = sum(int(row[0]) for row in rows)
    print(f"\n{lines:,} lines archived, {lines / (time.perf_counter() - started):,.0f} a second")


def report(found: dict[str, tuple[float, float, float]], name: str) -> None:
    """Print the table of what was measured."""
    print(f"\n{'CPU us of the database':<24}{f'{FEW:,}':>12}{name:>12}{'ratio':>8}")
    for kind, (before, after, paired) in found.items():
        print(f"{kind:<24}{before:>12.0f}{after:>12.0f}{paired:>8.2f}", flush=True)


def main() -> None:
    """Print the costs and the ratios; fail when a law of the ledger is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=MANY, help="of the large ledger")
    parser.add_argument("--rounds", type=int, default=60, help="of each way")
    parser.add_argument("--archive", action="store_true", help="then archive them, and once more")
    asked = parser.parse_args()
    with fresh_postgres() as server:
        print(describe(server))
        few, many = filled(server, "few", FEW), filled(server, "many", asked.entries)
        found = costs(few, many, asked.rounds)
        report(found, f"{asked.entries:,}")
        size = f"growth_{asked.entries // 1_000_000}m"
        print(ratio(size, found["one"][2]))
        for kind in ("batch", "balance", "meter"):
            print(ratio(f"{size}_{kind}", found[kind][2]), flush=True)
        if asked.archive:
            archive_all(many)
            report(costs(few, many, asked.rounds), "archived")
        broken = sum(broken_laws(server, one.name) for one in (few, many))
    print(f"\nlaws of the ledger broken: {broken}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

"""Measure the HTTP door against an empty endpoint of the same server, and against pgbench.

Each part runs between two runs of its peer and is divided by their mean.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# In place of this folder, whose `http` would hide Python's own.
sys.path.remove(str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg

from benchmarks.durable.footprint import cpu_seconds
from benchmarks.load.accounts import broken_laws, open_accounts
from benchmarks.load.machine import busy_loops, describe, fresh_postgres, ratio
from benchmarks.load.pgbench import CLIENTS, prepare_peer, simple_update
from catalogs.reader import read_catalog
from ledger import api_keys
from ledger.subscriptions import as_json
from local.fleet import start_api
from local.postgres import DATABASE, OWNER, Postgres
from local.processes import free_port, stop
from models.base import connect
from settings import CATALOGS

ACCOUNTS = 2_000
CONNECTIONS = 32
MANY = 100  # events of a batch
BATCHES = 8  # connections that send batches
APP = "benchmarks.load.empty_beside:create_app"
CALLERS = Path(__file__).parent / "load" / "http_callers.py"
KNOWN = Path(__file__).parent / "load" / "known.py"


@dataclass(frozen=True, slots=True)
class Served:
    """A running API, the customers it knows, a key, and the process."""

    port: int
    key: str
    customers: list[str]
    process: subprocess.Popen[bytes]


@dataclass(frozen=True, slots=True)
class Done:
    """What callers measured: requests a second, milliseconds, and the server's CPU a request."""

    per_second: float
    p50: float
    p99: float
    cpu_us: float


@contextmanager
def served(server: Postgres, customers: list[str], key: str) -> Iterator[Served]:
    """Run one process of the API; neither Temporal nor the processor is needed."""
    port = free_port()
    environment = {
        "DATABASE_URL": server.dsn(DATABASE),
        "TEMPORAL_ADDRESS": "127.0.0.1:9",
        "STRIPE_API_KEY": "sk_test_none",
        "STRIPE_WEBHOOK_SECRET": "whsec_none",
        "LINK_SECRETS": "0123456789abcdef0123456789abcdef",
        "SMTP_URL": "smtp://127.0.0.1:9",
        "MAIL_FROM": "billing@drawdown.example",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    process = start_api(environment, port, server.folder.parent / "api.log", app=APP)
    try:
        yield Served(port, key, customers, process)
    finally:
        stop(process)


def ask(
    api: Served, path: str, seconds: int, *, kind: str = "one", **more: int | list[str]
) -> Done:
    """Let callers ask for so many seconds; print the row."""
    spec = {
        "path": path,
        "kind": kind,
        "port": api.port,
        "key": api.key,
        "customers": api.customers,
        "seconds": seconds,
        "callers": CONNECTIONS,
        "many": MANY,
        "pace": 0,
        **more,
    }
    before = cpu_seconds(api.process.pid)
    printed = subprocess.run(
        [sys.executable, CALLERS, json.dumps(spec)], capture_output=True, text=True, check=False
    )
    if printed.returncode:
        raise SystemExit(printed.stderr)
    found = json.loads(printed.stdout)
    cpu = (cpu_seconds(api.process.pid) - before) / found["requests"] * 1e6
    if found["bad"]:
        raise SystemExit(f"{found['bad']} of {found['requests']} answers of {path} were no 200")
    done = Done(found["requests"] / found["seconds"], found["p50"], found["p99"], cpu)
    print(
        f"{path + ' ' + kind:<24}{done.per_second:>9,.0f}{done.p50:>9.2f}{done.p99:>9.2f}"
        f"{cpu:>9.0f}"
    )
    return done


def prepared(server: Postgres, *also: str) -> tuple[list[str], str]:
    """Open accounts on a real plan; return their customers and a key."""
    plan = json.dumps(as_json(read_catalog(CATALOGS / "make.yaml").plan("core_10k")))
    accounts = open_accounts(server, ACCOUNTS, credits_each=1_000_000, plan=plan)
    with psycopg.connect(server.dsn(DATABASE, OWNER)) as connection:
        rows = connection.execute(
            "SELECT customer_id FROM customers WHERE account_id = ANY (%s)", (accounts,)
        ).fetchall()
    engine = connect(server.dsn(DATABASE, OWNER))
    with engine.begin() as connection:
        made = api_keys.create(
            connection, "benchmark", ["usage", *also], None, by="benchmark", at=datetime.now(UTC)
        )
    engine.dispose()
    return [row[0] for row in rows], made.secret


def against(
    api: Served,
    peer: tuple[str, dict[str, Any]],
    part: tuple[str, dict[str, Any]],
    seconds: int,
    rounds: int,
) -> float:
    """Return the median ratio of a part's rate to the mean of its peer before and after."""
    found = []
    path, options = part
    before = ask(api, peer[0], seconds, **peer[1]).per_second
    for _ in range(rounds):
        done = ask(api, path, seconds, **options).per_second
        after = ask(api, peer[0], seconds, **peer[1]).per_second
        found.append(2 * done / (before + after))
        before = after
    return sorted(found)[len(found) // 2]


def half_load(api: Served, seconds: int, rounds: int) -> float:
    """Return p99 of checks at half of what can be had ÷ the empty endpoint's at that pace."""
    most = ask(api, "/v1/check", seconds, kind="check").per_second
    found = []
    for _ in range(rounds):
        pace = int(most / 2)
        empty = ask(api, "/empty", seconds, pace=pace).p99
        found.append(ask(api, "/v1/check", seconds, kind="check", pace=pace).p99 / empty)
    return sorted(found)[len(found) // 2]


def batches(server: Postgres, api: Served, seconds: int, rounds: int) -> float:
    """Return events a second in batches ÷ transactions of pgbench simple-update."""
    found = []
    before = simple_update(server, seconds).per_second
    for _ in range(rounds):
        asked = ask(api, "/v1/usage", seconds, kind="batch", callers=BATCHES)
        after = simple_update(server, seconds).per_second
        print(f"{'pgbench simple-update':<24}{after:>9,.0f}  {CLIENTS} clients", flush=True)
        found.append(2 * asked.per_second * MANY / (before + after))
        before = after
    return sorted(found)[len(found) // 2]


def known_bytes() -> int:
    """Return the memory for each of a million customers that a process knows."""
    done = subprocess.run([sys.executable, KNOWN], capture_output=True, text=True, check=True)
    return int(done.stdout)


def run(seconds: int, rounds: int, beside: str) -> None:
    """Measure, print, and end with what the laws say."""
    each = known_bytes()
    print(f"a million customers known: {each} bytes each, {each} MB in all")
    with fresh_postgres() as server:
        print(describe(server))
        prepare_peer(server)
        customers, key = prepared(server)
        with served(server, customers, key) as api:
            ask(api, "/v1/usage", 4, kind="batch", callers=BATCHES)  # until all plans are known
            for path, kind in (("/empty", "one"), ("/v1/usage", "one"), ("/v1/check", "check")):
                ask(api, path, 2, kind=kind)  # unmeasured
            print(f"{'':<24}{'a second':>9}{'p50 ms':>9}{'p99 ms':>9}{'CPU µs':>9}")
            empty: tuple[str, dict[str, Any]] = ("/empty", {})
            figures = {
                "http_usage": against(api, empty, ("/v1/usage", {}), seconds, rounds),
                "http_check": against(
                    api, empty, ("/v1/check", {"kind": "check"}), seconds, rounds
                ),
                "http_check_p99_half_load": half_load(api, seconds, rounds),
                "http_batch_over_pgbench": batches(server, api, seconds, rounds),
            }
        broken = broken_laws(server)
    print(f"\nlaws of the ledger broken: {broken}")
    for name, value in figures.items():
        print(ratio(name + beside, value))
    sys.exit(1 if broken else 0)


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="of each measured part")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--busy", type=int, default=0, help="loops that run beside it")
    asked = parser.parse_args()
    with busy_loops(asked.busy):
        run(asked.seconds, asked.rounds, "_busy" if asked.busy else "")


if __name__ == "__main__":
    main()

"""The machine and the database that a benchmark runs on, and how figures are printed."""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from local.postgres import SUPERUSER, Postgres

# Durable and strict (fsync, synchronous_commit and full_page_writes are on); what is set is memory
# and the distance of checkpoints, as an administrator of a ledger would set them.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "2GB",
    "wal_buffers": "64MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "jit": "off",
}


@contextmanager
def fresh_postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL of the benchmark's own with the migrated schema; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="drawdown-bench-"))
    folder.chmod(0o755)  # the server runs as another account when we are root
    server = Postgres.start(folder / "postgres", settings=SETTINGS)
    try:
        server.create_database("drawdown")
        server.migrate()
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Run so many processes beside it that only count."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def describe(server: Postgres) -> str:
    """Return what a reader must know to compare the figures."""
    with psycopg.connect(server.dsn(role=SUPERUSER)) as connection:
        rows = connection.execute(
            "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [list(SETTINGS)]
        ).fetchall()
    settings = ", ".join(f"{name}={value}" for name, value in rows)
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, load {load:.2f}), "
        f"Python {platform.python_version()}, PostgreSQL {_version(server)} on loopback TCP\n"
        f"{settings}"
    )


def ratio(name: str, value: float) -> str:
    """Return the line that other programs read."""
    return f"ratio {name} {value:.2f}"


def _version(server: Postgres) -> str:
    with psycopg.connect(server.dsn(role=SUPERUSER)) as connection:
        return connection.info.parameter_status("server_version") or "?"

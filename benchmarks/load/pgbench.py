"""pgbench as client: the peer, and the debit as single calls without Python in the way."""

import re
import subprocess
import tempfile
from pathlib import Path

from benchmarks.load.measure import Speed, speed
from local.postgres import SUPERUSER, Postgres

PEER_DATABASE = "pgbench"
PEER_SCALE = 10  # a million rows: small enough that full-page images are soon written
CLIENTS = 16
SAMPLED = 0.2  # of the latencies


def prepare_peer(server: Postgres) -> None:
    """Create pgbench's own tables in a database of their own."""
    server.create_database(PEER_DATABASE)
    _run(server, PEER_DATABASE, ["-i", "-q", "-s", str(PEER_SCALE)])


def simple_update(server: Postgres, seconds: int) -> Speed:
    """Measure pgbench's simple-update: an update, a read and an insert in one transaction."""
    return _measure(server, PEER_DATABASE, ["-N"], seconds)


def single_debits(server: Postgres, accounts: tuple[int, int], seconds: int) -> Speed:
    """Measure one `debit_one` per transaction over random accounts between two keys."""
    # A key as long as a UUID's text.
    script = f"""
\\set account random({accounts[0]}, {accounts[1]})
\\set credits random(1, 5)
\\set event random(100000000000000000, 999999999999999999)
SELECT status, seq, available, missing, crossed FROM debit_one(
    :account, '8f14e45f-ceea-467a-' || :event::text, 'operation', :credits * 1000000::bigint,
    'credits', :credits * 1000000::bigint, now(), NULL, now());
"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "debit.sql"
        path.write_text(script)
        return _measure(server, "drawdown", ["-f", str(path)], seconds)


def _measure(server: Postgres, database: str, arguments: list[str], seconds: int) -> Speed:
    with tempfile.TemporaryDirectory() as folder:
        log = ["-l", "--sampling-rate", str(SAMPLED), "--log-prefix", f"{folder}/log"]
        load = ["-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1", "-T", str(seconds)]
        printed = _run(server, database, [*load, *log, *arguments])
        lines = [line for path in Path(folder).iterdir() for line in path.read_text().splitlines()]
    rate = re.search(r"tps = ([\d.]+)", printed)
    failed = re.search(r"number of failed transactions: (\d+)", printed)
    if rate is None or failed is None or failed[1] != "0":
        raise SystemExit(f"pgbench failed:\n{printed}")
    latencies = [int(line.split()[2]) / 1_000 for line in lines]
    return speed(latencies, int(float(rate[1]) * seconds), seconds)


def _run(server: Postgres, database: str, arguments: list[str]) -> str:
    program = server.bin_dir / "pgbench"
    address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", SUPERUSER, database]
    done = subprocess.run(
        [program, *arguments, *address], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"pgbench ended with {done.returncode}:\n{done.stderr}")
    return done.stdout

"""Worker and API as processes of their own: they see the stack through the environment alone."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from local.processes import LOOPBACK, listens, spawn, stop, wait_until
from local.state import clean_environment
from local.temporal import TemporalServer
from workflows.names import QUEUES

ROOT = Path(__file__).parents[1]
START_TIMEOUT = 60  # seconds
# What the API is served with, here and in docker-compose.yml.
SERVED = ("--http", "api.heads:TimedHeads", "--no-access-log", "--factory")
API = "api.main:create_app"
WORKER_GRACE = 40  # seconds: longer than the worker gives its activities
SIMULATOR_GRACE = 120  # seconds to stop a simulation's servers, which may be starting


def start_worker(
    environment: Mapping[str, str],
    temporal: TemporalServer,
    log: Path,
    *flags: str,
    queues: tuple[str, ...] = QUEUES,
    program: Path = ROOT / "worker.py",
) -> subprocess.Popen[bytes]:
    """Start `program` with `flags` and wait until it polls `queues`; StackError if it ends."""
    process = _start([str(program), *flags], environment, log)

    def polls() -> bool:
        return all(temporal.polled_by(process.pid, queue) for queue in queues)

    _await(process, log, "the worker", polls)
    return process


def start_simulations(temporal: TemporalServer, log: Path) -> subprocess.Popen[bytes]:
    """Start the worker of simulations; nobody waits for it, so it may take its time."""
    return _start(["-m", "local.simulations"], {"TEMPORAL_ADDRESS": temporal.address}, log)


def start_api(
    environment: Mapping[str, str], port: int, log: Path, *, app: str = API
) -> subprocess.Popen[bytes]:
    """Start the API on a loopback port and wait until it listens; StackError if it ends."""
    process = _start(["-m", "uvicorn", *served(port, app)], environment, log)
    _await(process, log, "the API", lambda: listens(port))
    return process


def served(port: int, app: str = API) -> list[str]:
    """Return what follows `uvicorn` on the command line that serves the API on a loopback port."""
    place = ["--app-dir", str(ROOT), "--host", LOOPBACK, "--port", str(port)]
    return [*place, *SERVED, app]


def _start(args: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    whole = clean_environment(dict(os.environ)) | {"PYTHONUNBUFFERED": "1"} | dict(environment)
    return spawn([sys.executable, *args], log=log, env=whole)


def _await(
    process: subprocess.Popen[bytes], log: Path, what: str, healthy: Callable[[], bool]
) -> None:
    try:
        wait_until(healthy, START_TIMEOUT, what, process=process, log=log)
    except BaseException:
        stop(process)
        raise

"""Runs one simulation as a process, tells how far it is, and leaves nothing of it behind."""

import asyncio
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.pricing.simulation import SimulationOrder, SimulationOutcome, SimulationProgress
from local.fleet import SIMULATOR_GRACE
from local.processes import is_alive, spawn, stop
from local.simulations import lives
from local.state import clean_environment
from settings import NAMES

log = logging.getLogger(__name__)

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
LOOK = 0.5  # seconds between two looks at a process, each a heartbeat
TAIL = 4_000  # characters of its log that ours shows
LOG = "log"
FOLDERS = "drawdown-simulation-"  # and the worker that has made it


class Simulator:
    """`environment` is what the processes are given; they never see this worker's deployment."""

    def __init__(self, environment: dict[str, str]) -> None:
        kept = clean_environment(environment).items()
        self._environment = {name: text for name, text in kept if name not in NAMES}
        self._environment["PYTHONPATH"] = str(ROOT)

    @activity.defn(name="simulate")
    async def simulate(self, order: SimulationOrder) -> SimulationOutcome:
        """Run an order to its end; cancelled or interrupted, the process is ended first."""
        with _folder() as folder:
            lives.write(folder / lives.ORDER, order)
            process = self._begun(folder)
            try:
                while process.poll() is None:
                    activity.heartbeat(_read(folder / lives.PROGRESS, SimulationProgress))
                    await asyncio.sleep(LOOK)
            except asyncio.CancelledError:
                if _is_interrupted():
                    message = "the simulator stops: its next worker begins anew"
                    raise ApplicationError(message, type="interrupted") from None
                raise
            finally:
                await _ended(process)
            return _outcome(folder, process)

    def _begun(self, folder: Path) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", lives.__name__, str(folder)]
        # What it makes for itself lies in its folder, too.
        environment = self._environment | {"TMPDIR": str(folder)}
        return spawn(program, log=folder / LOG, env=environment)


def sweep() -> None:
    """Remove the folders of workers that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDERS}*-*"):
        pid = folder.name.removeprefix(FOLDERS).partition("-")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _folder() -> Iterator[Path]:
    """Make a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDERS}{os.getpid()}-"))
    folder.chmod(0o755)  # PostgreSQL may run as another account
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_interrupted() -> bool:
    """Return whether it is the worker that stops, and nobody who has cancelled."""
    why = activity.cancellation_details()
    return why is not None and why.worker_shutdown and not why.cancel_requested


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Stop a process with all that it has started, however often we are cancelled meanwhile."""
    if process.poll() is not None:
        return
    ending = asyncio.ensure_future(asyncio.to_thread(stop, process, grace=SIMULATOR_GRACE))
    while not ending.done():
        activity.heartbeat()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({ending}, timeout=LOOK)


def _outcome(folder: Path, process: subprocess.Popen[bytes]) -> SimulationOutcome:
    """Return what a process came to. Raises `ApplicationError`: a refusal is not tried again."""
    outcome = _read(folder / lives.OUTCOME, SimulationOutcome)
    if outcome is not None:
        return outcome
    refusal = _read(folder / lives.REFUSAL, lives.Refusal)
    if refusal is not None:
        raise ApplicationError(refusal.message, type=refusal.reason, non_retryable=True)
    log.error(
        "a simulation ended with status %s:\n%s",
        process.returncode,
        (folder / LOG).read_text(errors="replace")[-TAIL:],
    )
    message = f"it ended with status {process.returncode}: the simulator's log says why"
    raise ApplicationError(message, type="simulation_failed")


def _read(file: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except FileNotFoundError:
        return None

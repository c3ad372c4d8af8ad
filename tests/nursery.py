"""Workers and APIs forked from a process that has imported everything: most of a start is imports.

Each is a process of its own with its own environment, connections and log, as one that is started
from a command line; the nursery has no thread and no connection that it could share with it.
"""

import ctypes
import gc
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Self

from local.launch import PR_SET_PDEATHSIG
from local.state import clean_environment

ROOT = Path(__file__).parents[1]
GONE = -signal.SIGKILL  # nobody but its parent, the nursery, learns how a process ended
UNBUFFERED = {"PYTHONUNBUFFERED": "1"}
Program = Callable[[], int]  # reads `sys.argv` and the environment, returns its exit status


@dataclass
class Forked:
    """A process of a nursery, to be told to end and waited for, as a `Popen` is."""

    pid: int
    returncode: int | None = None
    _handle: int = field(init=False)

    def __post_init__(self) -> None:
        """Hold the process, whose number may be another's once it is dead."""
        self._handle = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """Return a number once it is dead."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its death; `subprocess.TimeoutExpired` after `timeout` seconds."""
        if self._look(timeout) is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return GONE

    def kill(self) -> None:
        """Kill it as the kernel would: nothing if it is dead."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal: nothing if it is dead."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._handle], [], [], seconds)[0]:
            self.returncode = GONE
            os.close(self._handle)
        return self.returncode


@dataclass(frozen=True)
class Nursery:
    """The process that those of one program are forked from."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def opened(cls, program: str) -> Iterator[Self]:
        """Run a nursery of "worker" or "api"; what it bore ends with it."""
        words = [sys.executable, "-m", "tests.nursery", program]
        whole = clean_environment(dict(os.environ)) | UNBUFFERED
        with subprocess.Popen(
            words, cwd=ROOT, env=whole, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            yield cls(process)
            process.stdin.close()

    def bear(self, environment: Mapping[str, str], log: Path, *arguments: str) -> Forked:
        """Start a process with the arguments of a command line; its output goes to a log's end."""
        log.parent.mkdir(parents=True, exist_ok=True)
        whole = clean_environment(dict(os.environ)) | UNBUFFERED | dict(environment)
        order = {"environment": whole, "log": str(log), "arguments": arguments}
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()
        return Forked(int(self.process.stdout.readline()))


def main() -> None:
    """Fork a process for each line of standard input, and tell its number."""
    program = PROGRAMS[sys.argv[1]]()
    _read_lists()
    gc.collect()
    gc.freeze()  # no process looks through what all of them share
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    parent = os.getpid()
    for line in sys.stdin:
        order = json.loads(line)
        number = os.fork()
        if number == 0:
            _live(program, parent, order)
        print(number, flush=True)  # noqa: T201 - whoever asked reads it


def _worker() -> Program:
    import worker  # noqa: PLC0415 - what is not wanted where the nursery is only called

    return worker.main


def _api() -> Program:
    import uvicorn  # noqa: PLC0415
    import uvicorn.loops.auto  # noqa: PLC0415
    import uvicorn.protocols.websockets.auto  # noqa: PLC0415

    import api.heads  # noqa: PLC0415 - as above
    import api.main  # noqa: PLC0415, F401

    def serve() -> int:
        return int(uvicorn.main(standalone_mode=False) or 0)

    return serve


PROGRAMS = {"worker": _worker, "api": _api}


def _read_lists() -> None:
    """Read the price lists, which each process then knows: those of tests are copies of them."""
    from catalogs.reader import load_lists  # noqa: PLC0415 - as above

    for folder in (ROOT / "catalogs", ROOT / "tests" / "catalogs"):
        load_lists(folder)


def _live(program: Program, parent: int, order: dict) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked for that
        os._exit(1)
    output = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for kept, opened in ((0, nothing), (1, output), (2, output)):
        os.dup2(opened, kept)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.argv[1:] = order["arguments"]
    try:
        code = program()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except Exception:  # noqa: BLE001 - its log tells, as that of any process
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

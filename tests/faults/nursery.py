"""Workers forked from a process that has imported everything: an import is most of a start's CPU.

Each is a process of its own with its own environment, connections and log, as one that is started
from a command line; the nursery has no thread and no connection that it could share with it.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Self

from local.launch import PR_SET_PDEATHSIG
from local.state import clean_environment

ROOT = Path(__file__).parents[2]
GONE = -signal.SIGKILL  # nobody but its parent, the nursery, learns how a worker ended


@dataclass
class Forked:
    """A worker, to be killed and waited for."""

    pid: int
    returncode: int | None = None
    _handle: int = field(init=False)

    def __post_init__(self) -> None:
        """Hold the process, whose number may be another's once it is dead."""
        self._handle = os.pidfd_open(self.pid)

    def poll(self) -> int | None:
        """Return a number once it is dead."""
        return self._look(0)

    def wait(self) -> int:
        """Wait for its death."""
        return self._look(None) or GONE

    def kill(self) -> None:
        """Kill it as the kernel would: nothing if it is dead."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._handle], [], [], seconds)[0]:
            self.returncode = GONE
        return self.returncode


@dataclass(frozen=True)
class Nursery:
    """The process that workers are forked from."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        """Run a nursery; what it bore ends with it."""
        words = [sys.executable, "-m", "tests.faults.nursery"]
        whole = clean_environment(dict(os.environ)) | {"PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            words, cwd=ROOT, env=whole, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            yield cls(process)
            process.stdin.close()

    def bear(self, environment: Mapping[str, str], log: Path) -> Forked:
        """Start a worker; its output is appended to a log."""
        log.parent.mkdir(parents=True, exist_ok=True)
        order = {"environment": dict(environment), "log": str(log)}
        self.process.stdin.write(f"{json.dumps(order)}\n")
        self.process.stdin.flush()
        return Forked(int(self.process.stdout.readline()))


def main() -> None:
    """Fork a worker for each line of standard input, and tell its number."""
    import worker  # noqa: PLC0415 - what is not wanted where the nursery is only called

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead are gone at once
    parent = os.getpid()
    for line in sys.stdin:
        order = json.loads(line)
        number = os.fork()
        if number == 0:
            _live(worker, parent, order["environment"], order["log"])
        print(number, flush=True)  # noqa: T201 - whoever asked reads it


def _live(worker, parent: int, environment: dict[str, str], log: str) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before it could be asked for that
        os._exit(1)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for kept, opened in ((0, nothing), (1, output), (2, output)):
        os.dup2(opened, kept)
    os.environ.update(environment)
    sys.argv = ["worker.py"]
    code = worker.main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()

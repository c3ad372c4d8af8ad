"""Start, watch and stop the processes of the local stack: none outlives the one that started it."""

import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from domain.errors import BillingError
from local import launch
from local.patience import Patience

POLL = 0.02  # seconds between two looks at a starting process
LONGEST = 10  # times its patience that a process which works is waited for
TAIL = 2_000  # characters of its log that an error shows
LOOPBACK = "127.0.0.1"
PORTS = range(20_000, 32_000)  # below the kernel's own, here and elsewhere
STARTS = 5  # of something whose port another process took first
# For clients of servers on this machine, which speak plain HTTP: each would read the certificates
# of every authority, which takes longer than all that it asks then.
TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
IN_USE = "address already in use"  # what each of our servers says then, in some case

T = TypeVar("T")

# The kernel sends the parent-death signal when the *thread* that forked ends, so every child comes
# from this one thread, which lives as long as the process.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_given_out: set[int] = set()


class StackError(BillingError):
    """A part of the local stack cannot start or run; the message ends with its log."""


@dataclass(frozen=True, slots=True)
class Account:
    """A system account a child runs as, by number: it need not have a name."""

    uid: int
    gid: int


def spawn(
    args: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own, output appended to `log`, ended by our own death.

    `env` replaces the whole environment; `account` is the user to run as (needs root);
    `death_signal` is what the kernel sends when this process ends in any way, SIGKILL included.
    """
    program = [str(argument) for argument in args]
    become = account or Account(os.geteuid(), os.getegid())
    numbers = (os.getpid(), int(death_signal), become.uid, become.gid)
    prefix = [sys.executable, "-I", "-S", launch.__file__, *map(str, numbers)]
    log.parent.mkdir(parents=True, exist_ok=True)

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                prefix + program,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )

    return _spawner.submit(start).result()


def stop(
    process: subprocess.Popen[bytes],
    *,
    grace: float = 10,
    first: signal.Signals = signal.SIGTERM,
) -> int:
    """Ask a process to end, kill its session after `grace` seconds; return its exit status."""
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def wait_until(
    healthy: Callable[[], bool],
    timeout: float,
    what: str,
    *,
    process: subprocess.Popen[bytes] | None = None,
    log: Path | None = None,
) -> None:
    """Wait until `healthy()`; StackError when `process` has ended or hangs.

    Its reason is `port_taken` when the process ended because it did not get its port.
    It hangs when it neither worked nor wrote to its log for `timeout` seconds, or worked ten times
    as long without getting there; seconds by looks (local/patience.py), not of the wall's clock.
    """
    patience, longest = Patience(timeout), Patience(LONGEST * timeout)
    while not healthy():
        if process is not None and process.poll() is not None:
            message = f"{what} ended with status {process.returncode} before it was ready"
            told = _tail(log)
            reason = "port_taken" if IN_USE in told.casefold() else "exited_early"
            raise StackError(reason, message + told)
        if patience.over(_work(process, log)) or longest.over():
            told = f"{what} was not ready: {patience.told()}"
            raise StackError("not_ready", told + _tail(log))
        time.sleep(POLL)


def _work(process: subprocess.Popen[bytes] | None, log: Path | None) -> tuple[int, int]:
    """Return what grows while a process does something: its CPU time, its log."""
    size = log.stat().st_size if log is not None and log.exists() else 0
    if process is None:
        return 0, size
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[-1].split()
    except OSError:  # it has just ended, or this is no Linux
        return 0, size
    user, system = int(fields[11]), int(fields[12])  # in ticks of the kernel
    return user + system, size


def is_alive(pid: int) -> bool:
    """Return whether a process runs, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is alive, under another account
        return True
    return True


def listens(port: int, host: str = LOOPBACK) -> bool:
    """Return whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def free_port() -> int:
    """Return a loopback port nobody listens on, and never the same one twice.

    Below those that the kernel gives to outgoing connections: such a one would take it at once.
    """
    while True:
        port = secrets.choice(PORTS)  # tests begin `random` anew, each with the same seed
        if port in _given_out:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        _given_out.add(port)
        return port


def on_free_ports(start: Callable[[], T]) -> T:
    """Return what `start` returns, begun again on other ports while others take them first.

    A free port is only free until somebody binds it. Raises the StackError of the last start.
    """
    for _ in range(STARTS - 1):
        try:
            return start()
        except StackError as error:
            if error.reason != "port_taken":
                raise
    return start()


def check_free(port: int, what: str) -> None:
    """Raise StackError when a chosen port is already taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            message = f"port {port} for {what} is taken ({error.strerror}): choose another or 0"
            raise StackError("port_taken", message) from error


def _tail(log: Path | None) -> str:
    if log is None or not log.exists():
        return ""
    return f"; the end of {log}:\n{log.read_text(errors='replace')[-TAIL:]}"

"""Servers of a test's own, to be killed and started again where they were."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from local.patience import QUIET_SECONDS
from local.postgres import Postgres
from local.processes import wait_until
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer


@dataclass
class Servers:
    """Every server durable, as in a deployment; each `kill` is SIGKILL."""

    folder: Path
    postgres: Postgres = field(init=False)
    temporal: TemporalServer = field(init=False)
    standin: StandIn = field(init=False)

    def __post_init__(self) -> None:
        self.postgres = Postgres.start(self.folder / "postgres")
        self.postgres.create_database("drawdown")
        self.postgres.migrate()
        self.temporal = TemporalServer.start(self.folder / "temporal", persistent=True)
        self.standin = StandIn.start(self.folder / "stripe")

    def kill_postgres(self) -> None:
        """Kill the server and every process of it: nothing is written any more."""
        parent = self.postgres.process
        children = _children(parent.pid)
        for pid in (parent.pid, *children):
            os.kill(pid, signal.SIGKILL)
        parent.wait()
        wait_until(lambda: not any(map(_lives, children)), QUIET_SECONDS, "the end of PostgreSQL")

    def start_postgres(self) -> None:
        """Start on what the dead server left; it recovers."""
        self.postgres = Postgres.start(self.folder / "postgres", port=self.postgres.port)

    def kill_temporal(self) -> None:
        """Kill the Temporal server."""
        self.temporal.process.kill()
        self.temporal.process.wait()

    def start_temporal(self) -> None:
        """Start on the same histories."""
        ports = {"port": self.temporal.port, "ui_port": self.temporal.ui_port}
        self.temporal = TemporalServer.start(self.folder / "temporal", persistent=True, **ports)

    def kill_standin(self) -> None:
        """Kill the payment processor."""
        self.standin.process.kill()
        self.standin.process.wait()

    def start_standin(self) -> None:
        """Start on what it remembers."""
        port = int(self.standin.base_url.rsplit(":", 1)[1])
        self.standin = StandIn.start(self.folder / "stripe", port=port)

    def stop(self) -> None:
        """Stop them all."""
        self.standin.stop()
        self.temporal.stop()
        self.postgres.stop()


@contextmanager
def servers(folder: Path) -> Iterator[Servers]:
    """Run servers in a folder."""
    running = Servers(folder)
    try:
        yield running
    finally:
        running.stop()


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _lives(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"

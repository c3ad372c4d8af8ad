"""The stand-in as a process of its own, ended with the one that started it."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any, Self

from local.processes import check_free, free_port, on_free_ports, spawn, stop, wait_until

ROOT = Path(__file__).parents[2]
START_TIMEOUT = 15.0  # seconds
SOON = 10.0  # seconds
WEBHOOK_SECRET = "whsec_standin"  # noqa: S105 - of a stand-in on this machine


class StandIn:
    """A running stand-in at `base_url`; the API key is `sk_test_` and anything."""

    api_key = "sk_test_standin"

    def __init__(self, process: subprocess.Popen[bytes], base_url: str) -> None:
        self.process = process
        self.base_url = base_url

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        port: int = 0,
        webhook_url: str = "",
        webhook_secret: str = WEBHOOK_SECRET,
    ) -> Self:
        """Start it on loopback and wait until it is healthy; it remembers in `folder`."""
        if port:
            check_free(port, "the Stripe stand-in")
        hook = ["--webhook-url", webhook_url, "--webhook-secret", webhook_secret]
        return on_free_ports(lambda: cls._start(folder, port or free_port(), hook))

    @classmethod
    def _start(cls, folder: Path, port: int, hook: list[str]) -> Self:
        log = folder / "stripe-standin.log"
        program = ["-P", "-m", "local.stripe_standin", "--port", str(port), "--data", str(folder)]
        program += hook
        process = spawn([sys.executable, *program], log=log, env={"PYTHONPATH": str(ROOT)})
        standin = cls(process, f"http://127.0.0.1:{port}")
        wait_until(standin.healthy, START_TIMEOUT, "the Stripe stand-in", process=process, log=log)
        return standin

    def stop(self) -> None:
        """End it; what it knew stays in its folder."""
        stop(self.process)

    def healthy(self) -> bool:
        """Return whether it answers soon."""
        try:
            return bool(self._call("GET", "/_health", None, SOON)["stand_in"])
        except OSError:
            return False

    def get(self, path: str) -> dict[str, Any]:
        """Read one of its control paths, such as `/_ledger`."""
        return self._call("GET", path, None)

    def post(self, path: str, /, **order: Any) -> dict[str, Any]:
        """Send an order to one of its control paths, such as `/_fault`."""
        return self._call("POST", path, order)

    def behave(self) -> None:
        """Cancel every ordered fault."""
        self._call("DELETE", "/_fault", None)

    def _call(
        self, method: str, path: str, order: dict[str, Any] | None, timeout: float | None = None
    ) -> dict[str, Any]:
        body = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(self.base_url + path, body, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            result: dict[str, Any] = json.load(answer)
        return result

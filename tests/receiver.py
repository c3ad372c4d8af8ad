"""A receiver of webhooks: a real HTTP server that answers as a test says."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What a receiver got, and what it answers next: statuses in order, the last for ever."""

    url: str
    statuses: list[int]
    headers: dict[str, str]
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    lock: Lock = field(default_factory=Lock)

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.received]

    def wait(self) -> None:
        """Let an answer take time; a test replaces it."""

    def came(self, one: Received) -> int:
        with self.lock:
            self.received.append(one)
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        try:
            self.wait()
        finally:
            with self.lock:
                self.at_once -= 1
        return status


@contextmanager
def receiving(*statuses: int, **headers: str) -> Iterator[Receiver]:
    """Serve on a free port of this machine."""
    made: list[Receiver] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            named = {name.lower(): value for name, value in self.headers.items()}
            status = made[0].came(Received(self.path, named, body))
            self.send_response(status)
            for name, value in made[0].headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(b"a secret of what is inside")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}/hooks?token=hidden"
    made.append(Receiver(url, list(statuses or (200,)), headers))
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

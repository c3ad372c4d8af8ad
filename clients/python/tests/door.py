"""A small HTTP server whose answers a test writes down beforehand; it keeps what it was asked."""

import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. `cut`: the connection ends without it."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


Decide = Callable[[Asked], Answer]
CUT = Answer(0, cut=True)


class Door:
    """Answers in the order in which answers were put; with none left, what `otherwise` decides."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.url = ""
        self.otherwise: Decide = lambda asked: Answer(500, f"nothing to answer {asked.path}")
        self._next: deque[Answer] = deque()
        self._lock = threading.Lock()

    def will(self, *answers: Answer) -> None:
        self._next.extend(answers)

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            return self._next.popleft() if self._next else self.otherwise(asked)


def ok(body: Any, **headers: str) -> Answer:
    return Answer(200, body, headers)


def problem(status: int, reason: str, retry_after: int | None = None, **more: Any) -> Answer:
    body = {
        "type": f"https://drawdown.example/reasons/{reason}",
        "title": reason,
        "status": status,
        "reason": reason,
        "cure": f"the cure of {reason}",
        "request_id": "req-1",
        **more,
    }
    headers = {"Content-Type": "application/problem+json"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Answer(status, body, headers)


class Server(ThreadingHTTPServer):
    """Says nothing of connections that break: tests break them."""

    daemon_threads = True

    def handle_error(self, *_args: object) -> None:
        """Let errors of our own be seen."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*_args)


PASSED_ON = ("authorization", "content-type", "prefer")


@contextmanager
def passing_on(url: str) -> Iterator[Decide]:
    """Let the API there decide."""
    with httpx2.Client(base_url=url, timeout=None) as real:

        def decide(asked: Asked) -> Answer:
            headers = {name: asked.headers[name] for name in PASSED_ON if name in asked.headers}
            answered = real.request(asked.method, asked.path, json=asked.body, headers=headers)
            kept = {"Content-Type": answered.headers["content-type"]}
            return Answer(answered.status_code, answered.json(), kept)

        yield decide


@contextmanager
def opened() -> Iterator[Door]:
    """Serve a door on loopback."""
    door = Door()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            text = self.rfile.read(length)
            if len(text) < length:  # the sender died
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(text) if text else None
            self._send(door.answer(Asked(self.command, self.path, headers, body)))

        do_GET = do_POST = _do  # noqa: N815 - the names that the library calls

        def _send(self, answer: Answer) -> None:
            self.close_connection = answer.cut
            if answer.cut:
                return
            content = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    server = Server(("127.0.0.1", 0), Handler)
    door.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield door
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

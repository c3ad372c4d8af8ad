"""Gates between a worker and its servers: they let everything pass until a trap closes."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from local.processes import LOOPBACK

CHUNK = 1 << 16
COMMIT = re.compile(rb"\bCOMMIT\b")

Side = Literal["request", "answer"]


@dataclass(frozen=True, slots=True)
class Point:
    """A point between two effects: before a request arrives, or before its answer does.

    `opening` names the conversation. `decisive` names the request in it that matters, where that
    is a later one: the COMMIT of a transaction. `skip` passes over as many requests first.
    """

    opening: re.Pattern[bytes]
    side: Side
    decisive: re.Pattern[bytes] | None = None
    skip: int = 0


@dataclass
class Trap:
    """Closes once at a point: `on_trap` runs, then the line is cut if the trap `cuts`."""

    point: Point
    on_trap: Callable[[], None]
    cuts: bool = True
    met: int = 0
    sprung: threading.Event = field(default_factory=threading.Event)

    def opens(self, data: bytes) -> bool:
        """Say whether a request opens the conversation."""
        return self.point.opening.search(data) is not None

    def decides(self, data: bytes) -> bool:
        """Say whether a request of the conversation is one that matters."""
        return self.point.decisive is None or self.point.decisive.search(data) is not None

    def closes(self) -> bool:
        """Count a request that matters; say whether it is the one."""
        self.met += 1
        return self.met == self.point.skip + 1

    def spring(self) -> bool:
        """Do what the trap is for; say whether the line is to be cut."""
        self.on_trap()
        self.sprung.set()
        return self.cuts


def request(line: str, side: Side, skip: int = 0) -> Point:
    """Name a request of HTTP by its line, such as `POST /v1/invoices`; `*` is one segment."""
    pattern = re.escape(line).replace(r"\*", r"[^/ ]+")
    return Point(re.compile(pattern.encode() + rb"[ ?]"), side, skip=skip)


def commit(statement: str, side: Side, skip: int = 0) -> Point:
    """Name the COMMIT of a transaction in which a statement with this text was sent."""
    return Point(re.compile(re.escape(statement.encode())), side, COMMIT, skip)


class Gate:
    """A loopback port that leads to another."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._trap: Trap | None = None
        self._lock = threading.Lock()
        self._lines: set[socket.socket] = set()
        self._closed = False
        self._server = socket.create_server((LOOPBACK, 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, point: Point, on_trap: Callable[[], None], *, cuts: bool = True) -> Trap:
        """Set a trap in place of any other."""
        self._trap = Trap(point, on_trap, cuts)
        return self._trap

    def shut(self) -> None:
        """Cut every line and refuse new ones until opened again."""
        with self._lock:
            self._closed = True
            lines, self._lines = self._lines, set()
        for line in lines:
            _cut(line)

    def open(self) -> None:
        """Let everything pass again."""
        self._closed = False

    def close(self) -> None:
        """End the gate for good."""
        self.shut()
        _cut(self._server)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if not self._closed:
                    self._connect(client)
                else:
                    _cut(client)

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection((LOOPBACK, self._target))
        except OSError:
            _cut(client)
            return
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._lines |= {client, server}
        line = _Line(self, client, server)
        for pump in (line.requests, line.answers):
            threading.Thread(target=pump, daemon=True).start()

    def armed(self) -> Trap | None:
        """Return the trap that has not closed yet."""
        trap = self._trap
        return None if trap is None or trap.sprung.is_set() else trap


class _Line:
    """One connection through a gate."""

    def __init__(self, gate: Gate, client: socket.socket, server: socket.socket) -> None:
        self._gate, self._client, self._server = gate, client, server
        self._inside: Trap | None = None
        self._awaited: Trap | None = None

    def requests(self) -> None:
        for data in _read(self._client):
            trap = self._gate.armed()
            if trap is not None and self._closes(trap, data):
                if trap.point.side == "answer":
                    self._awaited = trap
                elif trap.spring():
                    break
            if not _send(self._server, data):
                break
        self._end()

    def answers(self) -> None:
        for data in _read(self._server):
            awaited, self._awaited = self._awaited, None
            if awaited is not None and awaited.spring():
                break
            if not _send(self._client, data):
                break
        self._end()

    def _closes(self, trap: Trap, data: bytes) -> bool:
        if self._inside is not trap and not trap.opens(data):
            return False
        if not trap.decides(data):
            self._inside = trap
            return False
        self._inside = None
        return trap.closes()

    def _end(self) -> None:
        _cut(self._client)
        _cut(self._server)


def _read(end: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):
        while data := end.recv(CHUNK):
            yield data


def _send(end: socket.socket, data: bytes) -> bool:
    try:
        end.sendall(data)
    except OSError:
        return False
    return True


def _cut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()

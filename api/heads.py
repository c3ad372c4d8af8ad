"""Our part of uvicorn's HTTP/1.1: heads that never end, and requests that need no task.

Given as `--http api.heads:TimedHeads`.
"""

import json
from asyncio import TimerHandle, Transport
from collections.abc import Callable
from functools import partial
from logging import getLogger
from typing import Any, Protocol

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.errors import told

# In the application's state: how long a head may take, and who takes usual requests.
SECONDS, STRAIGHT = "head_seconds", "straight"
BODY_SECONDS = 0.05  # after which a request is begun without the rest of its body

log = getLogger(__name__)


class Straight(Protocol):
    """Who answers usual requests without a task."""

    def wants(self, cycle: RequestResponseCycle) -> bool:
        """Return whether it would take a request, by its head alone."""
        ...

    def takes(self, cycle: RequestResponseCycle, go_on: Callable[[], None]) -> bool:
        """Take a whole request, to answer it or `go_on` with a task; False: it is not taken."""
        ...


class TimedHeads(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, given as `--http api.heads:TimedHeads`, with a time for each head.

    It runs from the connection's begin to the first head, and from the first byte that follows an
    answer to the next head. uvicorn itself closes only what says nothing after an answer: one byte
    now and then would hold a connection, and with enough of them all of the process's files.

    A request begins when the bytes at hand are read, one that is wanted straight when its body is
    there as well: then it need not become a task. Many clients send the body by itself, at once.
    """

    _running: TimerHandle | None = None
    _begun: bool = False  # a head has begun and has not ended
    _reading: bool = False
    _next: tuple[RequestResponseCycle, ASGI3Application] | None = None  # to be begun
    _held: TimerHandle | None = None  # until when its body is waited for

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the time for the first head."""
        super().connection_made(transport)
        self._run()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they end the time if they end the head, and begin one between requests."""
        self._reading = True
        try:
            super().data_received(data)
        finally:
            self._reading = False
            if self._next is not None:
                self._begin_soon(*self._next)
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._stop()
        elif self._running is None:
            self._run()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin a request when the bytes at hand are read."""
        self._next = cycle, app
        if not self._reading:
            self._begin_soon(cycle, app)

    def _begin_soon(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """Begin a request, or wait a little for its body if it may need no task then."""
        straight: Straight | None = self.app_state.get(STRAIGHT)
        usual = straight is not None and app is self.app and straight.wants(cycle)
        if not (usual and cycle.more_body):
            self._begin(usual=usual)
        elif self._held is None:
            self._held = self.loop.call_later(BODY_SECONDS, self._begin)

    def _begin(self, *, usual: bool = False) -> None:
        self._let_go()
        if self._next is None:
            return
        (cycle, app), self._next = self._next, None
        begin = partial(super()._start_asgi_task, cycle, app)
        if not (usual and self.app_state[STRAIGHT].takes(cycle, begin)):
            begin()

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.cancel()
            self._held = None

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that it has ended."""
        self._begun = False
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the times of a closed connection, and a request that has not begun."""
        self._stop()
        self._let_go()
        self._next = None
        super().connection_lost(exc)

    def _run(self) -> None:
        self._running = self.loop.call_later(self.app_state[SECONDS], self._close)

    def _stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            self._running = None

    def _close(self) -> None:
        """Say why and hang up; to who has not begun a head, or owes a body, nothing is said."""
        if self.transport.is_closing():
            return
        seconds = self.app_state[SECONDS]
        log.info("closed a connection of %s: no whole request within %g s", self.client, seconds)
        if self._begun:
            message = f"the head of the request did not come within {seconds:g} s"
            self._answer(told("head_too_slow", message))
        self.transport.close()

    def _answer(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        head = (
            "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + content)

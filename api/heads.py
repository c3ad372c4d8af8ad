"""Protection against request heads that never end: the connection is closed in time."""

import json
from asyncio import TimerHandle, Transport
from logging import getLogger
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.errors import told

SECONDS = "head_seconds"  # in the application's state: how long a head may take

log = getLogger(__name__)


class TimedHeads(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, given as `--http api.heads:TimedHeads`, with a time for each head.

    It runs from the connection's begin to the first head, and from the first byte that follows an
    answer to the next head. uvicorn itself closes only what says nothing after an answer: one byte
    now and then would hold a connection, and with enough of them all of the process's files.
    """

    _running: TimerHandle | None = None
    _begun: bool = False  # a head has begun and has not ended

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the time for the first head."""
        super().connection_made(transport)
        self._run()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they end the time if they end the head, and begin one between requests."""
        super().data_received(data)
        if self.transport.is_closing():
            return
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._stop()
        elif self._running is None:
            self._run()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that it has ended."""
        self._begun = False
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time of a closed connection."""
        self._stop()
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

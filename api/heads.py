"""Protection against request heads that never end: the connection is closed in time."""

import json
from asyncio import TimerHandle, Transport
from logging import getLogger
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from api.errors import told

SECONDS = "head_seconds"  # in the application's state: how long a head may take

log = getLogger(__name__)


class TimedHeads(H11Protocol):
    """uvicorn's HTTP/1.1, given as `--http api.heads:TimedHeads`, with a time for each head.

    It runs from the connection's begin to the first head, and from the first byte that follows an
    answer to the next head. uvicorn itself closes only what says nothing after an answer: one byte
    now and then would hold a connection, and with enough of them all of the process's files.
    """

    _running: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Start the time for the first head."""
        super().connection_made(transport)
        self._run()

    def data_received(self, data: bytes) -> None:
        """Take bytes; they end the time if they end the head, and begin one between requests."""
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._stop()
        elif self._running is None and not self.transport.is_closing():
            self._run()

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
        begun, _ = self.conn.trailing_data
        if begun and self.conn.states == {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}:
            message = f"the head of the request did not come within {seconds:g} s"
            self._answer(told("head_too_slow", message))
        self.transport.close()

    def _answer(self, body: dict[str, Any]) -> None:
        headers = [("Content-Type", "application/json"), ("Connection", "close")]
        response = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
        content = h11.Data(data=json.dumps(body).encode())
        for event in (response, content, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")

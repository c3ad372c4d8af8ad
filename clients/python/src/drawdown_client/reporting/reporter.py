"""Usage that nobody waits for: on the disk when `report` returns, sent in the background."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from drawdown_client.answers import Outcome
from drawdown_client.client import Drawdown
from drawdown_client.events import Event
from drawdown_client.reporting.group import GroupCommit
from drawdown_client.reporting.sender import Sender
from drawdown_client.reporting.spool import RefusedEvent, Spool, Turn

MAX_EVENTS = 1_000_000
LOOK = 0.02  # seconds between two looks whether everything was sent


@dataclass(frozen=True, slots=True)
class Lag:
    """How far sending is behind: events that wait, since when the oldest does, and why.

    `trouble`: what keeps this process from sending, if anything does. `refused`: events that the
    engine refused for good, kept until they are forgotten or sent again.
    """

    waiting: int
    oldest: datetime | None
    refused: int
    trouble: str | None


class Reporter:
    """Reports usage through one SQLite file on a local disk.

    Threads may share a reporter, and processes a file: all of them store, one of them sends, and
    another takes over when it dies. Make it after a fork, never before.
    """

    def __init__(self, dd: Drawdown, path: str | Path, *, max_events: int = MAX_EVENTS) -> None:
        self._dd = dd
        self._process = os.getpid()
        file = Path(path)
        self._spool = Spool(file, max_events)
        self._group = GroupCommit(self._spool.add)
        turn = Turn(file.with_name(f"{file.name}-sender"))
        self._sender = Sender(self._send, self._spool, turn)
        self._sender.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def report(self, *events: Event) -> None:
        """Return once the events are on the disk, all or none of them.

        Raises `SpoolFull` if they do not fit, `SpoolError` if the disk does not take them.
        """
        if self._process != os.getpid():
            raise RuntimeError("this reporter was made before a fork: make one in each process")
        self._group.add(events)
        self._sender.wake()

    def lag(self) -> Lag:
        """Return what waits in the file, whoever reported it."""
        found = self._spool.counts()
        return Lag(found.waiting, found.oldest, found.refused, self._sender.trouble)

    def refused(self, limit: int = 1_000) -> list[RefusedEvent]:
        """Return events that the engine refused for good, the oldest first."""
        return self._spool.refused(limit)

    def forget(self, refused: Iterable[RefusedEvent]) -> int:
        """Delete refused events; return how many were there."""
        return self._spool.forget([one.id for one in refused])

    def send_again(self, refused: Iterable[RefusedEvent]) -> int:
        """Send refused events again, with their keys, once their causes are gone."""
        moved = self._spool.send_again([one.id for one in refused])
        self._sender.wake()
        return moved

    def flush(self, seconds: float) -> bool:
        """Return whether nothing waits any more, after at most so many seconds."""
        until = time.monotonic() + seconds
        while waits := self._spool.counts().waiting:
            if time.monotonic() >= until:
                break
            time.sleep(LOOK)
        return not waits

    def close(self, seconds: float = 5.0) -> None:
        """Send for at most so many seconds what waits, then stop; the rest stays in the file."""
        if self._sender.is_alive():
            self.flush(seconds)
            self._sender.stop()
            self._spool.close()

    def _send(self, events: list[Event]) -> list[Outcome]:
        return self._dd.use_many(events, deadline=0)

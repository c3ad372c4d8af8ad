"""One commit for all threads that wait for one."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from drawdown_client.events import Event
from drawdown_client.reporting.spool import SpoolError, SpoolFull

Write = Callable[[Sequence[Sequence[Event]]], Sequence[SpoolFull | None]]


@dataclass(slots=True, eq=False)
class _Part:
    events: Sequence[Event]
    done: bool = False
    error: SpoolError | None = None


class GroupCommit:
    """Whoever comes while a commit is under way joins the next one."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._writing = threading.Lock()
        self._joining = threading.Lock()
        self._parts: list[_Part] = []

    def add(self, events: Sequence[Event]) -> None:
        """Return once the events are on the disk. Raises `SpoolError`, `SpoolFull`."""
        mine = _Part(events)
        with self._joining:
            self._parts.append(mine)
        with self._writing:
            if not mine.done:
                self._write_all()
        if mine.error is not None:
            raise mine.error

    def _write_all(self) -> None:
        with self._joining:
            parts, self._parts = self._parts, []
        # Whatever ends this thread in here: nobody may believe that it was stored.
        failed = SpoolError("the thread that was to write it was ended")
        try:
            told = self._write([part.events for part in parts])
            for part, full in zip(parts, told, strict=True):
                part.done, part.error = True, full
        except SpoolError as error:
            failed = error
        finally:
            for part in parts:
                if not part.done:
                    part.done, part.error = True, failed

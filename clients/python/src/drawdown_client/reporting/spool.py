"""Events on disk until they are decided: one SQLite file, which processes may share.

A write is on the disk before it returns (WAL, `synchronous=FULL`): neither SIGKILL nor a power cut
loses it. Deleting what was sent comes after the answer, so a cut in between sends it twice, with
the same key: the engine charges it once.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from drawdown_client import answers, events
from drawdown_client.answers import Refusal
from drawdown_client.errors import DrawdownError
from drawdown_client.events import Event

VERSION = 1
BUSY_SECONDS = 60.0  # for which a writer waits for another process's
LONGEST_DELAY = 300  # seconds between two attempts for an event that is pending
SCHEMA = (
    """
    CREATE TABLE waiting (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order in which they are sent
        body TEXT NOT NULL,
        reported_at REAL NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        not_before REAL NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE refused (
        id INTEGER PRIMARY KEY,
        body TEXT NOT NULL,
        reported_at REAL NOT NULL,
        refused_at REAL NOT NULL,
        reason TEXT NOT NULL,
        cure TEXT NOT NULL,
        missing TEXT,
        asked TEXT
    )
    """,
    # One row: counting a million lines at each report would be slow.
    "CREATE TABLE counts (waiting INTEGER NOT NULL, refused INTEGER NOT NULL)",
    "INSERT INTO counts VALUES (0, 0)",
    f"PRAGMA user_version = {VERSION}",
)


class SpoolError(DrawdownError):
    """The file cannot be read or written. What was to be reported is not on the disk."""


class SpoolFull(SpoolError):
    """As many events as the file may hold wait or were refused."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An event in the file."""

    id: int
    event: Event


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """An event that the engine refused for good, and why. `id` names it in the file."""

    id: int
    event: Event
    reason: str
    cure: str
    missing: Decimal | None
    asked: Any
    refused_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """How many events the file holds, and since when the oldest waits."""

    waiting: int
    refused: int
    oldest: datetime | None


class Spool:
    """One connection to the file, for all threads of a process."""

    def __init__(self, path: Path, max_events: int) -> None:
        self._max_events = max_events
        self._lock = threading.Lock()
        try:
            self._sql = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise SpoolError(f"{path} cannot be opened: {error}") from error
        try:
            self._sql.execute("PRAGMA journal_mode = WAL")
            self._sql.execute("PRAGMA synchronous = FULL")
            self._make()
        except sqlite3.Error as error:
            self._sql.close()
            raise SpoolError(f"{path} cannot be opened: {error}") from error
        except SpoolError:
            self._sql.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._sql.close()

    def add(self, parts: Sequence[Sequence[Event]]) -> list[SpoolFull | None]:
        """Store each part whole in one transaction, or tell why it does not fit.

        Raises `SpoolError` if nothing was stored.
        """
        with self._transaction():
            waiting, refused = self._counted()
            room = self._max_events - waiting - refused
            told: list[SpoolFull | None] = []
            fitting: list[Event] = []
            for part in parts:
                fits = len(fitting) + len(part) <= room
                told.append(None if fits else self._full(waiting, refused))
                fitting += part if fits else ()
            self._insert(fitting)
        return told

    def due(self, limit: int) -> list[Stored]:
        """Return events whose turn it is, the oldest first."""
        now = time.time()
        rows = self._read(
            # The second range: the clock was set back.
            "SELECT id, body FROM waiting WHERE not_before <= ? OR not_before > ?"
            " ORDER BY id LIMIT ?",
            (now, now + 2 * LONGEST_DELAY, limit),
        )
        return [Stored(one, events.of(json.loads(body))) for one, body in rows]

    def settle(
        self, done: Iterable[int], refused: Sequence[tuple[int, Refusal]], later: Iterable[int]
    ) -> None:
        """Note what became of events that were sent."""
        now, answered = time.time(), [(one,) for one in done]
        with self._transaction():
            kept = sum(self._keep(one, why, now) for one, why in refused)
            answered += [(one,) for one, _ in refused]
            gone = self._sql.executemany("DELETE FROM waiting WHERE id = ?", answered).rowcount
            self._sql.executemany(
                "UPDATE waiting SET tries = tries + 1,"
                " not_before = ? + min(1 << min(tries, 10), ?) WHERE id = ?",
                [(now, LONGEST_DELAY, one) for one in later],
            )
            self._count(-gone, kept)

    def counts(self) -> Counts:
        """Return how many events wait, how many were refused, and since when the oldest waits."""
        [(waiting, refused, oldest)] = self._read(
            "SELECT waiting, refused,"
            " (SELECT reported_at FROM waiting ORDER BY id LIMIT 1) FROM counts"
        )
        return Counts(waiting, refused, None if oldest is None else _instant(oldest))

    def refused(self, limit: int) -> list[RefusedEvent]:
        """Return refused events, the oldest first."""
        rows = self._read(
            "SELECT id, body, reason, cure, missing, asked, refused_at FROM refused"
            " ORDER BY id LIMIT ?",
            (limit,),
        )
        return [_refused(*row) for row in rows]

    def forget(self, ids: Iterable[int]) -> int:
        """Delete refused events; return how many there were."""
        with self._transaction():
            gone = sum(
                self._sql.execute("DELETE FROM refused WHERE id = ?", (one,)).rowcount
                for one in ids
            )
            self._count(0, -gone)
        return gone

    def send_again(self, ids: Iterable[int]) -> int:
        """Let refused events wait again, with their keys; return how many there were."""
        with self._transaction():
            moved = 0
            for one in ids:
                moved += self._sql.execute(
                    "INSERT INTO waiting (id, body, reported_at)"
                    " SELECT id, body, reported_at FROM refused WHERE id = ?",
                    (one,),
                ).rowcount
                self._sql.execute("DELETE FROM refused WHERE id = ?", (one,))
            self._count(moved, -moved)
        return moved

    def _make(self) -> None:
        with self._transaction():
            (version,) = self._sql.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise SpoolError(f"the file is of version {version}, this is for {VERSION}")
            if version == 0:
                for statement in SCHEMA:
                    self._sql.execute(statement)

    def _insert(self, reported: Sequence[Event]) -> None:
        now = time.time()
        rows = [(json.dumps(events.body(one)), now) for one in reported]
        self._sql.executemany("INSERT INTO waiting (body, reported_at) VALUES (?, ?)", rows)
        self._count(len(rows), 0)

    def _keep(self, one: int, why: Refusal, now: float) -> int:
        missing = None if why.missing is None else str(why.missing)
        asked = None if why.asked is None else json.dumps(why.asked, default=str)
        return self._sql.execute(
            "INSERT INTO refused SELECT id, body, reported_at, ?, ?, ?, ?, ?"
            " FROM waiting WHERE id = ?",
            (now, why.reason, why.cure, missing, asked, one),
        ).rowcount

    def _counted(self) -> tuple[int, int]:
        waiting, refused = self._sql.execute("SELECT waiting, refused FROM counts").fetchone()
        return waiting, refused

    def _count(self, waiting: int, refused: int) -> None:
        self._sql.execute(
            "UPDATE counts SET waiting = waiting + ?, refused = refused + ?", (waiting, refused)
        )

    def _full(self, waiting: int, refused: int) -> SpoolFull:
        return SpoolFull(
            f"the file holds {waiting} events that wait and {refused} that were refused, of at"
            f" most {self._max_events}: see `lag().trouble`, and forget or send again the refused"
        )

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with self._guarded():
            return self._sql.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._guarded():
            self._sql.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._sql.execute("COMMIT")
            except BaseException:
                if self._sql.in_transaction:  # SQLite itself rolls back some
                    self._sql.execute("ROLLBACK")
                raise

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise SpoolError(f"the file cannot be read or written: {error}") from error


class Turn:
    """The right to send a file's events: one process has it, until it lets go or dies."""

    def __init__(self, path: Path) -> None:
        self._sql = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._mine = False

    def take(self) -> bool:
        """Return whether it is ours."""
        if not self._mine:
            try:
                self._sql.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    return False
                raise SpoolError(f"the file beside it cannot be locked: {error}") from error
            self._mine = True
        return True

    def close(self) -> None:
        """Let go."""
        self._sql.close()


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _refused(
    one: int, body: str, reason: str, cure: str, missing: str | None, asked: str | None, at: float
) -> RefusedEvent:
    return RefusedEvent(
        id=one,
        event=events.of(json.loads(body)),
        reason=reason,
        cure=cure,
        missing=answers.optional(missing),
        asked=None if asked is None else json.loads(asked),
        refused_at=_instant(at),
    )

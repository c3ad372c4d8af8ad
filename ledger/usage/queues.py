"""Callers that wait for one connection: in order, bounded, each with a deadline.

There is no linger: a batch grows while the previous one is under way. The next batch is sent before
the callers of the last one wake, so that the database never idles.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import psycopg

from domain.errors import InvalidInput
from ledger.usage.debits import Demand
from ledger.usage.line import Line
from ledger.usage.requests import Request, Row

LARGEST_BATCH = 512  # larger ones only add latency
MOST_WAITING = 8_192  # per queue; further callers are told to retry later
RETRY_SECONDS = 0.2  # callers wait up to their deadline
DEADLINE_CHECK_SECONDS = 0.1
# Input that cannot be sent or stored; each kind raises its own error.
UNUSABLE = (psycopg.DataError, ValueError, TypeError, ArithmeticError)
ONE_SECOND = timedelta(seconds=1)
OPTIONS = "-c lock_timeout=5s -c statement_timeout=15s -c timezone=UTC -c client_encoding=UTF8"


class LedgerBusyError(Exception):
    """Too many callers are waiting, or no answer came in time: repeat with the same key."""


class Answer(Protocol):
    """Who is told an outcome, once: a future, or what answers by itself."""

    def done(self) -> bool:
        """Return whether nothing is to be told any more."""
        ...

    def set_result(self, result: Any, /) -> None:
        """Take the outcome."""
        ...

    def set_exception(self, exception: Exception, /) -> None:
        """Take what went wrong."""
        ...


@dataclass(slots=True)
class Waiting:
    """Who waits for what; `until` is of the event loop's clock."""

    asked: Demand | Request
    at: datetime
    answer: Answer
    until: float

    def tell(self, outcome: Any) -> None:
        """Tell the caller its outcome."""
        if not self.answer.done():
            self.answer.set_result(outcome)

    def fail(self, error: Exception) -> None:
        """Tell the caller what went wrong."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Queue(ABC):
    """One connection, and the callers who wait for it."""

    def __init__(self) -> None:
        self._queue: deque[Waiting] = deque()
        self._unanswered: deque[Waiting] = deque()  # by deadline, among some that are answered
        self._arrived = asyncio.Event()
        self._closed = False
        self.batches = 0
        self.committed = 0

    @property
    def queued(self) -> int:
        """Return how many callers wait for a batch to take them."""
        return len(self._queue)

    def enqueue(self, waiting: Waiting) -> None:
        """Let a caller wait. Raises `LedgerBusyError` if too many do."""
        if self._closed:
            raise LedgerBusyError("this process stops: repeat with the same key")
        if len(self._queue) >= MOST_WAITING:
            raise LedgerBusyError("too many debits wait: repeat with the same key")
        self._queue.append(waiting)
        self._unanswered.append(waiting)
        self._arrived.set()

    async def watch(self) -> None:
        """Enforce deadlines: checking the oldest caller is cheaper than a timer for each."""
        loop = asyncio.get_running_loop()
        oldest = self._unanswered
        while True:
            await asyncio.sleep(DEADLINE_CHECK_SECONDS)
            while oldest and (oldest[0].answer.done() or oldest[0].until <= loop.time()):
                late = LedgerBusyError("no answer in time: repeat with the same key")
                oldest.popleft().fail(late)

    async def run(self, url: str) -> None:
        """Serve until cancelled; the connection is made again when it is lost."""
        try:
            while True:
                await self._connect_and_serve(url)
        finally:
            self._closed = True
            for waiting in self._queue:
                waiting.fail(LedgerBusyError("the process is stopping: repeat with the same key"))

    async def _connect_and_serve(self, url: str) -> None:
        try:
            connection = await psycopg.AsyncConnection.connect(
                url, autocommit=True, prepare_threshold=0, options=OPTIONS
            )
        except psycopg.OperationalError:
            await asyncio.sleep(RETRY_SECONDS)
            return
        async with connection:
            await self._serve(connection)

    async def _serve(self, connection: psycopg.AsyncConnection[Row]) -> None:
        line = Line(connection)
        while not connection.closed:
            await self._arrived.wait()
            batch = self._take()
            try:
                await self._settle(line, batch)
            except asyncio.CancelledError:
                self._put_back(batch)
                raise
            except psycopg.OperationalError:
                # The outcome is unknown; repeating with the same keys returns the first answers.
                self._put_back(batch)
                await asyncio.sleep(RETRY_SECONDS)

    def _take(self) -> list[Waiting]:
        """Take the waiting callers of one second: no customer's clock may move another's."""
        batch: list[Waiting] = []
        second = None
        while self._queue and len(batch) < LARGEST_BATCH:
            waiting = self._queue[0]
            second = second or waiting.at.replace(microsecond=0)
            if not second <= waiting.at < second + ONE_SECOND:
                break
            self._queue.popleft()
            if not waiting.answer.done():
                batch.append(waiting)
        if not self._queue:
            self._arrived.clear()
        return batch

    def _put_back(self, batch: list[Waiting]) -> None:
        self._queue.extendleft(reversed(batch))
        self._arrived.set()

    async def _settle(self, line: Line, batch: list[Waiting]) -> None:
        """Commit a batch; halve it to isolate an event the database rejects, which fails alone."""
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                await self._carry_out(line, part)
            except psycopg.OperationalError:
                raise
            except (psycopg.Error, *UNUSABLE) as error:
                if len(part) == 1:
                    part[0].fail(_named(error))
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]

    @abstractmethod
    async def _carry_out(self, line: Line, batch: list[Waiting]) -> None:
        """Have a batch answered, all of it or nothing."""


def answer_all(batch: Sequence[Waiting], answers: Sequence[Any]) -> None:
    """Tell each caller its outcome."""
    for waiting, outcome in zip(batch, answers, strict=True):
        waiting.tell(outcome)


def _named(error: Exception) -> Exception:
    if isinstance(error, UNUSABLE):
        return InvalidInput("malformed", f"the ledger cannot keep this event: {error}"[:500])
    return error

"""Group commit: waiting callers' requests go to the database together, routed by account.

Debits are one call of one function. Holds and what is asked of them go along in the same
transaction, which then locks all its wallets first, in the order of their keys.

Each writer owns the accounts whose keys map to it, so that two writers never wait for each
other's locks. There is no linger: a batch grows while the previous one commits. The next batch is
sent before the callers of the last one wake, so that the database never idles.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

import psycopg

from domain.errors import InvalidInput
from domain.usage import DebitOutcome, PricedEvent
from ledger.usage.debits import Demand, outcomes, statement
from ledger.usage.requests import Request, Row

LARGEST_BATCH = 512  # larger ones only add latency
MOST_WAITING = 8_192  # per writer; further callers are told to retry later
RETRY_SECONDS = 0.2  # callers wait up to their deadline
DEADLINE_CHECK_SECONDS = 0.1
# Input that cannot be sent or stored; each kind raises its own error.
UNUSABLE = (psycopg.DataError, ValueError, TypeError, ArithmeticError)
ONE_SECOND = timedelta(seconds=1)
OPTIONS = "-c lock_timeout=5s -c statement_timeout=15s -c timezone=UTC"


class LedgerBusyError(Exception):
    """Too many debits are waiting, or no answer came in time: repeat with the same key."""


LOCK = """
SELECT FROM wallets WHERE account_id = ANY (%s::bigint[]) ORDER BY account_id FOR UPDATE
"""


@dataclass(slots=True)
class _Waiting:
    asked: Demand | Request
    at: datetime
    answer: asyncio.Future[Any]
    until: float  # of the event loop's clock


class GroupCommit:
    """Debits for asyncio callers. Every caller gets its own answer, after the commit."""

    def __init__(
        self,
        url: str,
        *,
        writers: int = 2,
        deadline_seconds: int = 10,
        tell: Callable[[Iterable[int]], None] | None = None,
    ) -> None:
        """`tell` is called after each commit with the accounts that it may have changed."""
        self._url = url
        self._deadline_seconds = deadline_seconds
        self._writers = [_Writer(tell) for _ in range(writers)]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(writer.run(self._url)) for writer in self._writers]
        self._tasks += [asyncio.create_task(writer.watch()) for writer in self._writers]
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def queued(self) -> int:
        """Return how many callers wait for a transaction to take them."""
        return sum(writer.queued for writer in self._writers)

    @property
    def batches(self) -> int:
        """Return how many transactions have been committed since the start."""
        return sum(writer.batches for writer in self._writers)

    @property
    def committed(self) -> int:
        """Return how many requests those transactions answered."""
        return sum(writer.committed for writer in self._writers)

    async def debit(
        self, account_id: int, priced: PricedEvent, at: datetime, revision: int | None = None
    ) -> DebitOutcome:
        """Debit one event. Raises `LedgerBusyError` if no answer comes in time."""
        answer: DebitOutcome = await self._enqueue(Demand(account_id, priced, revision), at)
        return answer

    def debit_all(self, demands: Sequence[Demand], at: datetime) -> list[asyncio.Future[Any]]:
        """Queue debits, in order; each future is its outcome, after the commit."""
        return [self._enqueue(demand, at) for demand in demands]

    async def ask(self, request: Request, at: datetime) -> Any:
        """Ask one thing of one account, in turn with its debits; return its outcome."""
        return await self._enqueue(request, at)

    def _enqueue(self, asked: Demand | Request, at: datetime) -> asyncio.Future[Any]:
        writer = self._writers[asked.account_id % len(self._writers)]
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Any] = loop.create_future()
        writer.enqueue(_Waiting(asked, at, answer, loop.time() + self._deadline_seconds))
        return answer


class _Writer:
    """One connection, and the callers whose accounts map to it."""

    def __init__(self, tell: Callable[[Iterable[int]], None] | None) -> None:
        self._tell = tell
        self._queue: deque[_Waiting] = deque()
        self._unanswered: deque[_Waiting] = deque()  # by deadline, among some that are answered
        self._arrived = asyncio.Event()
        self._closed = False
        self.batches = 0
        self.committed = 0

    @property
    def queued(self) -> int:
        return len(self._queue)

    def enqueue(self, waiting: _Waiting) -> None:
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
                _fail(oldest.popleft(), late)

    async def run(self, url: str) -> None:
        try:
            while True:
                await self._connect_and_serve(url)
        finally:
            self._closed = True
            for waiting in self._queue:
                _fail(waiting, LedgerBusyError("the process is stopping: repeat with the same key"))

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
        while not connection.closed:
            await self._arrived.wait()
            batch = self._take()
            try:
                await self._settle(connection, batch)
            except asyncio.CancelledError:
                self._put_back(batch)
                raise
            except psycopg.OperationalError:
                # The outcome is unknown; repeating with the same keys returns the first answers.
                self._put_back(batch)
                await asyncio.sleep(RETRY_SECONDS)

    def _take(self) -> list[_Waiting]:
        """Take the waiting debits of one second: no customer's clock may move another's."""
        batch: list[_Waiting] = []
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

    def _put_back(self, batch: list[_Waiting]) -> None:
        self._queue.extendleft(reversed(batch))
        self._arrived.set()

    async def _settle(
        self, connection: psycopg.AsyncConnection[Row], batch: list[_Waiting]
    ) -> None:
        """Commit a batch; halve it to isolate an event the database rejects, which fails alone."""
        parts = [batch]
        while parts:
            part = parts.pop()
            try:
                await self._commit(connection, part)
            except psycopg.OperationalError:
                raise
            except (psycopg.Error, *UNUSABLE) as error:
                if len(part) == 1:
                    _fail(part[0], _named(error))
                else:
                    middle = len(part) // 2
                    parts += [part[middle:], part[:middle]]

    async def _commit(
        self, connection: psycopg.AsyncConnection[Row], batch: list[_Waiting]
    ) -> None:
        if not batch:
            return
        at = max(waiting.at for waiting in batch)
        demands = [one.asked for one in batch if isinstance(one.asked, Demand)]
        if len(demands) == len(batch):
            cursor = await connection.execute(*statement(demands, at), binary=True)
            decided: Sequence[Any] = outcomes(demands, await cursor.fetchall())
        elif len(batch) == 1 or all(_changes_nothing(one.asked) for one in batch):
            decided = await _ask(connection, [one.asked for one in batch])
        else:
            decided = await _decide_mixed(connection, [one.asked for one in batch], demands, at)
        self.batches += 1
        self.committed += len(batch)
        asyncio.get_running_loop().call_soon(_answer, batch, decided)
        if self._tell is not None:
            self._tell({one.asked.account_id for one in batch})


def _changes_nothing(asked: Demand | Request) -> bool:
    return isinstance(asked, Request) and asked.reads


async def _ask(
    connection: psycopg.AsyncConnection[Row], asked: Sequence[Demand | Request]
) -> list[Any]:
    """Answer one request, or some that change nothing and so lock nothing, in one round trip."""
    reads = [one for one in asked if isinstance(one, Request)]
    async with connection.pipeline():
        cursors = [await connection.execute(one.statement, one.arguments) for one in reads]
    rows = [(one, await cursor.fetchone()) for one, cursor in zip(reads, cursors, strict=True)]
    return [one.outcome(row) for one, row in rows if row is not None]


async def _decide_mixed(
    connection: psycopg.AsyncConnection[Row],
    asked: Sequence[Demand | Request],
    demands: list[Demand],
    at: datetime,
) -> list[Any]:
    """Decide debits, then everything else in turn, in one transaction; answers as asked."""
    async with connection.transaction():
        if len(asked) > 1:  # several wallets of one transaction are locked in order
            accounts = sorted({one.account_id for one in asked})
            await connection.execute(LOCK, (accounts,))
        debited: list[DebitOutcome] = []
        if demands:
            cursor = await connection.execute(*statement(demands, at), binary=True)
            debited = outcomes(demands, await cursor.fetchall())
        rest = iter(debited)
        found: list[Any] = []
        for one in asked:
            if isinstance(one, Demand):
                found.append(next(rest))
                continue
            cursor = await connection.execute(one.statement, one.arguments)
            row = await cursor.fetchone()
            if row is None:
                raise RuntimeError(f"no row from {one.statement[:60]}")
            found.append(one.outcome(row))
    return found


def _answer(batch: list[_Waiting], answers: Sequence[Any]) -> None:
    for waiting, outcome in zip(batch, answers, strict=True):
        if not waiting.answer.done():
            waiting.answer.set_result(outcome)


def _fail(waiting: _Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)


def _named(error: Exception) -> Exception:
    if isinstance(error, UNUSABLE):
        return InvalidInput("malformed", f"the ledger cannot keep this event: {error}"[:500])
    return error

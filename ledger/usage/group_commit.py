"""Group commit: waiting callers' requests go to the database together, routed by account.

Debits are one call of one function. Holds and what is asked of them go along in the same
transaction, which then locks all its wallets first, in the order of their keys.

Each writer owns the accounts whose keys map to it, so that two writers never wait for each
other's locks. Checks lock nothing, and have a connection of their own: they wait for no commit.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import psycopg

from domain.usage import DebitOutcome, PricedEvent
from ledger.usage.checks import Checks
from ledger.usage.debits import Demand, outcomes, statement
from ledger.usage.line import Line
from ledger.usage.queues import Answer, Queue, Waiting, answer_all
from ledger.usage.requests import Request, Row

LOCK = """
SELECT FROM wallets WHERE account_id = ANY (%s::bigint[]) ORDER BY account_id FOR UPDATE
"""


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
        self._checks = Checks(self._writer_of)
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        queues = (self._checks, *self._writers)
        self._tasks = [asyncio.create_task(one.run(self._url)) for one in queues]
        self._tasks += [asyncio.create_task(one.watch()) for one in queues]
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
        return self._checks.queued + sum(writer.queued for writer in self._writers)

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

    def send(self, demand: Demand, at: datetime, answer: Answer) -> None:
        """Queue a debit; `answer` is told its outcome, after the commit."""
        self._writer_of(demand.account_id).enqueue(self._waiting(demand, at, answer))

    def send_check(self, demand: Demand, at: datetime, answer: Answer) -> None:
        """Ask what a debit would come to; nothing moves. Its key may be `UNNAMED`."""
        self._checks.enqueue(self._waiting(demand, at, answer))

    def ask(self, request: Request, at: datetime) -> asyncio.Future[Any]:
        """Ask one thing of one account, in turn with its debits; the future is its outcome."""
        return self._enqueue(request, at)

    def check(self, demand: Demand, at: datetime) -> asyncio.Future[Any]:
        """Ask the same; the future is its outcome."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.send_check(demand, at, answer)
        return answer

    def _enqueue(self, asked: Demand | Request, at: datetime) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._writer_of(asked.account_id).enqueue(self._waiting(asked, at, answer))
        return answer

    def _waiting(self, asked: Demand | Request, at: datetime, answer: Answer) -> Waiting:
        until = asyncio.get_running_loop().time() + self._deadline_seconds
        return Waiting(asked, at, answer, until)

    def _writer_of(self, account_id: int) -> Queue:
        return self._writers[account_id % len(self._writers)]


class _Writer(Queue):
    """What changes the accounts that map to it."""

    def __init__(self, tell: Callable[[Iterable[int]], None] | None) -> None:
        super().__init__()
        self._tell = tell

    async def _carry_out(self, line: Line, batch: list[Waiting]) -> None:
        if not batch:
            return
        at = max(waiting.at for waiting in batch)
        demands = [one.asked for one in batch if isinstance(one.asked, Demand)]
        if len(demands) == len(batch):
            decided: Sequence[Any] = outcomes(demands, await line.ask(*statement(demands, at)))
        elif len(batch) == 1 or all(_changes_nothing(one.asked) for one in batch):
            decided = await _ask(line.connection, [one.asked for one in batch])
        else:
            decided = await _decide_mixed(
                line.connection, [one.asked for one in batch], demands, at
            )
        self.batches += 1
        self.committed += len(batch)
        asyncio.get_running_loop().call_soon(answer_all, batch, decided)
        if self._tell is not None:
            self._tell({one.asked.account_id for one in batch if not _changes_nothing(one.asked)})


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

"""Who waits for a wallet to change is woken by the database: one connection a process listens."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import psycopg

log = logging.getLogger(__name__)

CHANNEL = "wallets"
RETRY_SECONDS = 0.5


class Wakeups:
    """Events by account; all are set when the connection was lost, because news may be."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: dict[int, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @contextmanager
    def watch(self, account_id: int) -> Iterator[asyncio.Event]:
        """Yield an event that is set when the wallet changes; begin before the last look at it."""
        event = asyncio.Event()
        self._waiting.setdefault(account_id, set()).add(event)
        try:
            yield event
        finally:
            others = self._waiting[account_id]
            others.discard(event)
            if not others:
                del self._waiting[account_id]

    def wake(self, account_id: int) -> None:
        """Wake who waits for an account."""
        for event in self._waiting.get(account_id, ()):
            event.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                log.warning("the database tells nothing for now: %s", error)
            for account_id in list(self._waiting):
                self.wake(account_id)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            for account_id in list(self._waiting):  # what changed before we listened
                self.wake(account_id)
            async for notice in connection.notifies():
                for account in notice.payload.split(","):
                    self.wake(int(account))

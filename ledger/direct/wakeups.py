"""Who waits for a wallet to change is woken by the database: one connection a process listens."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from ledger.direct.background import Background

log = logging.getLogger(__name__)

CREDITED = "wallets"  # got credits, ceased to serve, serves again: told by the database itself
SPENT = "debits"  # told by who debits, after the commit
RETRY_SECONDS = 0.5


class Wakeups(Background):
    """Events by account and channel, set by news of them.

    Who waits for credits must not listen to debits: their own, refused for want of credits, would
    wake them to be refused again. When the connection was lost, news may be: who waits for credits
    is woken then; who watches more is not, for all at once would ask for everything, and `lost` is
    set for the one who finds out which of them have cause.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: dict[tuple[str, int], set[asyncio.Event]] = {}
        self._patient: set[asyncio.Event] = set()
        self.lost = asyncio.Event()

    @contextmanager
    def watch(
        self, account_id: int, *, debits: bool = False, event: asyncio.Event | None = None
    ) -> Iterator[asyncio.Event]:
        """Yield an event (`event` or a new one) set when the wallet changes; begin before a look.

        `debits`: not only by new credits and by what makes it serve, but by any use too.
        """
        event = event or asyncio.Event()
        if debits:
            self._patient.add(event)
        channels = (CREDITED, SPENT) if debits else (CREDITED,)
        for channel in channels:
            self._waiting.setdefault((channel, account_id), set()).add(event)
        try:
            yield event
        finally:
            self._patient.discard(event)
            for channel in channels:
                self._leave((channel, account_id), event)

    def _leave(self, place: tuple[str, int], event: asyncio.Event) -> None:
        others = self._waiting[place]
        others.discard(event)
        if not others:
            del self._waiting[place]

    def wake(self, channel: str, account_id: int) -> None:
        """Wake who waits for an account on a channel."""
        for event in self._waiting.get((channel, account_id), ()):
            event.set()

    def _wake_all(self) -> None:
        self.lost.set()
        for events in self._waiting.values():
            for event in events - self._patient:
                event.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                log.warning("the database tells nothing for now: %s", error)
            self._wake_all()
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
        async with connection:
            for channel in (CREDITED, SPENT):
                await connection.execute(f"LISTEN {channel}")
            self._wake_all()  # what changed before we listened
            async for notice in connection.notifies():
                for account in notice.payload.split(","):
                    self.wake(notice.channel, int(account))

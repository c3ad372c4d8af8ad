"""Balances that people watch: read once for all who watch a wallet, when the ledger says so.

Whoever watches takes the newest balance when ready for it; none is queued, so that a slow reader
costs no memory.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import msgspec
from sqlalchemy import Engine

from activities.reads.balance import balance, standing
from ledger.direct.wakeups import Wakeups
from ledger.reads import watched
from ledger.reads.snapshots import snapshot

log = logging.getLogger(__name__)

READERS = 3  # connections that read balances; other requests have the rest
GAP_SECONDS = 0.1  # between two reads of a wallet that never rests
LOOK_SECONDS = 15.0  # between two looks at all wallets, in case that news were lost
RETRY_SECONDS = 1.0
# What changes with the clock alone.
OF_THE_CLOCK = ("per_day", "days_to_empty", "suggested_pack")

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Told:
    """A balance as JSON; `digest` is equal for balances that differ only by the clock.

    `mark` is that of the wallet when it was read: it is another, too, when what people see beside
    the balance is, such as a pause.
    """

    seq: int
    body: bytes
    digest: bytes
    mark: str

    @property
    def name(self) -> str:
        """The balance's name: equal in every process, another where anything but the clock is.

        The sequence number alone would not do: a pause and money on its way change no entry.
        """
        return f"{self.seq}-{self.digest[:6].hex()}"

    def is_unlike(self, other: "Told") -> bool:
        """Return whether anything of it differs but for the clock."""
        return (self.digest, self.mark) != (other.digest, other.mark)


class Viewer:
    """One who watches: `news` is set when there is some, or when the watching is over."""

    __slots__ = ("gone", "news")

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.gone = False

    def leave(self) -> None:
        """End the watching."""
        self.gone = True
        self.news.set()


class Feed:
    """The newest balance of one wallet, and who watches it."""

    def __init__(self, account_id: int, customer_id: str) -> None:
        self.account_id = account_id
        self.customer_id = customer_id
        self.latest: Told | None = None
        self.viewers: set[Viewer] = set()
        self.task: asyncio.Task[None] | None = None
        self.changed = asyncio.Event()
        self.mark = ""  # of the last read

    def read(self, engine: Engine) -> Told:
        """Read the balance; runs in a thread."""
        now = datetime.now(UTC)
        with snapshot(engine) as connection:
            found = standing(connection, self.account_id, now)
            mark = watched.marks(connection, [self.account_id], now)[self.account_id]
        return told(balance(self.customer_id, found), mark)

    def show(self, latest: Told) -> None:
        """Keep the newest balance, and wake who watches if it or its mark differs."""
        self.mark = latest.mark
        if self.latest is None or self.latest.is_unlike(latest):
            self.latest = latest
            for viewer in self.viewers:
                viewer.news.set()


def told(found: dict[str, Any], mark: str) -> Told:
    """Return a balance as it is sent."""
    types = {
        kind: {name: value for name, value in one.items() if name not in OF_THE_CLOCK}
        for kind, one in found["credit_types"].items()
    }
    digest = hashlib.sha256(_encode([found["seq"], types, found["on_its_way"]])).digest()
    return Told(found["seq"], _encode(found), digest, mark)


class Balances:
    """The feeds of a process; they end with it."""

    def __init__(self, engine: Engine, wakeups: Wakeups) -> None:
        self._engine = engine
        self._wakeups = wakeups
        self._feeds: dict[int, Feed] = {}
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="balances")
        self._looking: asyncio.Task[None] | None = None
        self.stopping = False

    async def __aenter__(self) -> Self:
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.stop()
        running = (self._looking, *(feed.task for feed in self._feeds.values()))
        tasks = [task for task in running if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._readers.shutdown(wait=True)

    def stop(self) -> None:
        """End every watching: the server waits for answers that are not complete."""
        self.stopping = True
        for feed in self._feeds.values():
            for viewer in feed.viewers:
                viewer.leave()

    @contextmanager
    def watch(self, account_id: int, customer_id: str) -> Iterator[tuple[Feed, Viewer]]:
        """Watch a wallet; the feed's newest balance is None until it was read."""
        feed = self._feeds.get(account_id)
        if feed is None:
            feed = self._feeds[account_id] = Feed(account_id, customer_id)
            feed.task = asyncio.create_task(self._run(feed))
        viewer = Viewer()
        viewer.gone = self.stopping
        viewer.news.set()  # there may be a balance already
        feed.viewers.add(viewer)
        try:
            yield feed, viewer
        finally:
            feed.viewers.discard(viewer)
            if not feed.viewers and feed.task is not None:
                feed.task.cancel()
                self._feeds.pop(account_id, None)

    async def _run(self, feed: Feed) -> None:
        loop = asyncio.get_running_loop()
        with self._wakeups.watch(feed.account_id, debits=True, event=feed.changed):
            while True:
                feed.changed.clear()
                try:
                    feed.show(await loop.run_in_executor(self._readers, feed.read, self._engine))
                except Exception as error:  # noqa: BLE001 - whatever it is, they go on watching
                    log.warning("the balance of account %d: %s", feed.account_id, error)
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                await asyncio.sleep(GAP_SECONDS)
                await feed.changed.wait()

    async def _look(self) -> None:
        """Have read again what has changed without news: at times, and when news may be lost."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wakeups.lost.wait()
            self._wakeups.lost.clear()
            feeds = list(self._feeds.values())
            accounts = [feed.account_id for feed in feeds]
            try:
                found = await loop.run_in_executor(self._readers, self._marks, accounts)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next look is to come
                log.warning("watched balances: %s", error)
                continue
            for feed in feeds:
                if feed.mark and found.get(feed.account_id) != feed.mark:
                    feed.changed.set()

    def _marks(self, accounts: Sequence[int]) -> dict[int, str]:
        if not accounts:
            return {}
        with snapshot(self._engine) as connection:
            return watched.marks(connection, accounts, datetime.now(UTC))

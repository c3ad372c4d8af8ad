"""A hold around work in progress, in an event loop."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, Self, TypeVar

from drawdown_client import calls
from drawdown_client.amounts import Amount
from drawdown_client.answers import Captured, Held
from drawdown_client.calls import Call
from drawdown_client.errors import DrawdownError, Refused
from drawdown_client.events import Event
from drawdown_client.hold import ends_in, tell

T = TypeVar("T")


class AsksLater(Protocol):
    """What carries a call to the engine, and repeats it for a while."""

    async def __call__(self, call: Call[T], deadline: float | None = None) -> T:
        """Return the answer."""


class AsyncHold:
    """Credits set aside, as in `async with dd.hold(…) as hold: … await hold.capture(n)`."""

    def __init__(
        self, ask: AsksLater, event: Event, seconds: int, lapses_at: datetime | None = None
    ) -> None:
        self._ask = ask
        self._event = event
        self._seconds = seconds
        self._lapses_at = lapses_at
        self._ended = False
        self._extender: asyncio.Task[None] | None = None
        self.placed: Held | None = None
        self.captured: Captured | None = None

    @property
    def key(self) -> str:
        """The key that names this hold."""
        return self._event.key

    async def place(self) -> Held:
        """Set the credits aside without extending them; `capture` and `release` end it."""
        lapses_at = self._lapses_at or ends_in(self._seconds)
        self.placed = await self._ask(calls.hold(self._event, lapses_at))
        return self.placed

    async def __aenter__(self) -> Self:
        await self.place()
        self._extender = asyncio.create_task(self._extend())
        return self

    async def __aexit__(self, *raised: object) -> None:
        if self._extender:
            self._extender.cancel()
            await asyncio.wait([self._extender])
        if not self._ended:
            await self._tell(self.release, "release")

    async def capture(self, quantity: Amount, *, confirmed: bool = False) -> Captured:
        """Charge the quantity used, at the rate of the hold; the rest goes back. Final.

        Where no answer came, it is not released: capture it again, with the same quantity.
        """
        call = calls.capture(self._event.customer_id, self.key, quantity, confirmed=confirmed)
        self._ended = True
        try:
            self.captured = await self._ask(call)
        except Refused:
            self._ended = False
            raise
        return self.captured

    async def release(self) -> Held:
        """Give everything back."""
        released = await self._ask(calls.release(self._event.customer_id, self.key))
        self._ended = True
        return released

    async def _extend(self) -> None:
        while True:
            await asyncio.sleep(self._seconds / 3)
            if not self._ended:
                await self._tell(self._extend_once, "extend")

    async def _extend_once(self) -> Held:
        call = calls.extend(self._event.customer_id, self.key, ends_in(self._seconds))
        return await self._ask(call, self._seconds / 3)

    async def _tell(self, act: Callable[[], Awaitable[Held]], name: str) -> None:
        """Do what nobody waits for: a hold that stays behind lapses by itself."""
        try:
            await act()
        except DrawdownError as error:
            tell(self._event, name, error)

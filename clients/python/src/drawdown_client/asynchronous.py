"""The client for programs with an event loop."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Self, TypeVar

import httpx2

from drawdown_client import calls, http
from drawdown_client.amounts import Amount
from drawdown_client.answers import Captured, Check, Debited, Ending, Held, Outcome, Renewal
from drawdown_client.async_hold import AsyncHold
from drawdown_client.balances import Balance
from drawdown_client.calls import Call, Many, When
from drawdown_client.client import DEADLINE, HOLD_SECONDS, TIMEOUT, make_event
from drawdown_client.errors import DrawdownError
from drawdown_client.events import Event
from drawdown_client.retries import Patience

T = TypeVar("T")


class AsyncDrawdown:
    """What `Drawdown` is, for the tasks of one event loop."""

    def __init__(
        self, url: str, key: str, *, deadline: float = DEADLINE, timeout: float = TIMEOUT
    ) -> None:
        self._deadline = deadline
        self._timeout = timeout
        self._http = httpx2.AsyncClient(**http.settings(url, key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def use(
        self,
        customer_id: str,
        action: str,
        quantity: Amount = 1,
        *,
        key: str,
        event_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        confirmed: bool = False,
        deadline: float | None = None,
    ) -> Debited:
        """Charge one action that was performed, as `Drawdown.use`."""
        event = make_event(customer_id, action, quantity, key, event_at, tags, confirmed=confirmed)
        return await self._ask(calls.use(event), deadline)

    async def use_many(
        self, events: Iterable[Event], *, deadline: float | None = None
    ) -> list[Outcome]:
        """Charge 1 to 1,000 events, as `Drawdown.use_many`."""
        many, patience = Many(events), self._patience(deadline)
        while True:
            many.take(await self._run(many.call(), patience))
            pause = patience.next_pause() if many.open else None
            if pause is None:
                return many.outcomes
            await asyncio.sleep(pause)

    async def check(
        self,
        customer_id: str,
        action: str,
        quantity: Amount = 1,
        *,
        event_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        confirmed: bool = False,
        deadline: float | None = None,
    ) -> Check:
        """Ask whether an action would be allowed, and what it would take. Moves nothing."""
        call = calls.check(
            customer_id, action, quantity, event_at=event_at, tags=tags, confirmed=confirmed
        )
        return await self._ask(call, deadline)

    def hold(
        self,
        customer_id: str,
        action: str,
        quantity: Amount = 1,
        *,
        key: str,
        seconds: int = HOLD_SECONDS,
        lapses_at: datetime | None = None,
        event_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        confirmed: bool = False,
    ) -> AsyncHold:
        """Set credits aside for work in progress, as `Drawdown.hold`, with `async with`."""
        event = make_event(customer_id, action, quantity, key, event_at, tags, confirmed=confirmed)
        return AsyncHold(self._ask, event, seconds, lapses_at)

    async def capture(
        self, customer_id: str, key: str, quantity: Amount, *, confirmed: bool = False
    ) -> Captured:
        """Charge the work of a hold that another process placed."""
        return await self._ask(calls.capture(customer_id, key, quantity, confirmed=confirmed))

    async def extend(self, customer_id: str, key: str, lapses_at: datetime) -> Held:
        """Move the end of a hold to a later instant."""
        return await self._ask(calls.extend(customer_id, key, lapses_at))

    async def release(self, customer_id: str, key: str) -> Held:
        """Give back the credits of a hold."""
        return await self._ask(calls.release(customer_id, key))

    async def cancel(
        self, subscription_id: str, when: When, *, key: str, preview: bool = False
    ) -> Ending:
        """End a subscription with its period, or now; or ask what would be lost and kept.

        `key` names the act for ever, among those of all customers; a preview binds none. Raises
        `Conflict` (`already_canceled`, `subscription_ended`), and as `use`.
        """
        return await self._ask(calls.cancel(subscription_id, when, key, preview=preview))

    async def uncancel(self, subscription_id: str, *, key: str, preview: bool = False) -> Renewal:
        """Take a cancellation back before it comes, or ask what would be charged next, and when.

        `key` names the act for ever, among those of all customers; a preview binds none. Raises
        `Conflict` (`not_canceled`, `subscription_ended`), and as `use`.
        """
        return await self._ask(calls.uncancel(subscription_id, key, preview=preview))

    async def balance(self, customer_id: str) -> Balance:
        """Return what a customer has, by credit type."""
        return await self._ask(calls.balance(customer_id))

    async def _ask(self, call: Call[T], deadline: float | None = None) -> T:
        return await self._run(call, self._patience(deadline))

    def _patience(self, deadline: float | None) -> Patience:
        return Patience(self._deadline if deadline is None else deadline)

    async def _run(self, call: Call[T], patience: Patience) -> T:
        while True:
            try:
                return await self._once(call, patience.wait)
            except DrawdownError as error:
                pause = patience.pause(error)
            await asyncio.sleep(pause)

    async def _once(self, call: Call[T], wait: int) -> T:
        try:
            response = await self._http.request(**http.request(call, wait, self._timeout))
        except httpx2.TransportError as error:
            raise http.broken(error) from error
        return http.read(call, response)

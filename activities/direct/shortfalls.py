"""Shortfalls of direct usage: the subscription is told to buy, and callers wait for the wallet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.usage.events import tell_cap_reached
from domain.credits import format_credits
from domain.outcomes import UNDECIDED
from ledger import balances
from ledger.direct.plans import PlanInForce
from ledger.direct.wakeups import Wakeups
from models.tables import Wallet

log = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0  # a signal may come while a purchase is under way, which then drops it
MOST_TOLD = 10_000  # wallets, before those of a moment ago alone are remembered
WAIT = timedelta(seconds=5)  # for Temporal's answer
SIGNAL = "balance_crossed"

T = TypeVar("T")
Needs = tuple[int, bool]  # micro-credits in all, and whether a person agreed to the purchase


class TemporalAwayError(Exception):
    """Temporal does not answer: nobody can be told to buy."""


class Shortfalls:
    """One signal a wallet at a time, whoever waits for it."""

    def __init__(self, context: BillingContext, client: Client, wakeups: Wakeups) -> None:
        self._context = context
        self._client = client
        self._wakeups = wakeups
        self._told: dict[int, float] = {}
        self.parked = 0  # callers that wait for their wallet

    async def wait(
        self,
        known: PlanInForce,
        again: Callable[[], Awaitable[T]],
        needs: Callable[[T], Needs | None],
        patience: float,
    ) -> T:
        """Decide again whenever the wallet changes, until it is decided or patience is over.

        The wallet is watched before it is looked at again, so that no change is missed.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        with self._parked(), self._wakeups.watch(known.account_id) as changed:
            outcome = await again()
            while _open(outcome) and (left := until - loop.time()) > 0:
                need = needs(outcome)
                if need is not None:
                    await self._tell(known, need, loop.time())
                try:
                    async with asyncio.timeout(min(left, AGAIN_SECONDS)):
                        await changed.wait()
                except TimeoutError:
                    pass
                else:
                    self._told.pop(known.account_id, None)
                changed.clear()
                outcome = await again()
        return outcome

    @contextmanager
    def _parked(self) -> Iterator[None]:
        self.parked += 1
        try:
            yield
        finally:
            self.parked -= 1

    async def _tell(self, known: PlanInForce, need: Needs, now: float) -> None:
        """Signal the subscription unless it was just told."""
        if self._told.get(known.account_id, now - AGAIN_SECONDS) > now - AGAIN_SECONDS:
            return
        if len(self._told) >= MOST_TOLD:  # those told long ago, whose callers have left
            recent = now - AGAIN_SECONDS
            self._told = {one: at for one, at in self._told.items() if at > recent}
        self._told[known.account_id] = now
        micro, confirmed = need
        handle = self._client.get_workflow_handle(f"subscription:{known.subscription_id}")
        try:
            await handle.signal(SIGNAL, crossing(micro, confirmed=confirmed), rpc_timeout=WAIT)
        except (RPCError, RuntimeError) as error:  # RuntimeError: no connection at all
            self._told.pop(known.account_id, None)
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                return  # it has ended, or is being rebuilt: the wallet says which
            log.warning("subscription %s was not told to buy: %s", known.subscription_id, error)
            raise TemporalAwayError from error

    async def tell_cap(self, known: PlanInForce, at: datetime) -> None:
        """Mail that the cap is reached, once a window."""
        await asyncio.to_thread(self._tell_cap, known, at)

    def _tell_cap(self, known: PlanInForce, at: datetime) -> None:
        with self._context.engine.begin() as connection:
            window_end = connection.scalar(
                select(Wallet.window_end).where(Wallet.account_id == known.account_id)
            )
            kind = self._context.catalog(known.plan.catalog).credit_types[0].credit_type
            available = balances.available(connection, known.account_id, kind, at)
            desk = Desk(self._context, connection, known.account_id, known.subscription_id)
            tell_cap_reached(desk, known.plan, window_end, available)


def crossing(needed_micro: int, *, confirmed: bool) -> dict[str, object]:
    """Return the signal's content: what a purchase must cover, and whether a person agreed."""
    return {"needed": format_credits(needed_micro), "confirmed": confirmed}


def _open(outcome: object) -> bool:
    return outcome is not None and getattr(outcome, "status", None) in UNDECIDED

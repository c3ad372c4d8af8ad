"""Operations of the service: the message is parsed, the ledger decides, the outcome is answered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from nexusrpc.handler import StartOperationContext, service_handler, sync_operation
from sqlalchemy import Engine
from temporalio.common import RawValue

from activities.direct.usage import CustomersEvent, DirectUsage
from activities.reads.balance import balance, standing
from domain.errors import InvalidInput
from domain.holds import HoldOutcome
from domain.messages import fields
from domain.messages.answers import Answer, customers_answer, refused
from domain.messages.holds import (
    Capture,
    Extend,
    Release,
    parse_capture,
    parse_extend,
    parse_hold,
    parse_release,
)
from domain.messages.usage import usage_event
from domain.outcomes import Undecided
from domain.usage import DebitOutcome
from ledger.reads import snapshots
from nexus.refusals import away_is_retried, malformed_ends
from nexus.service import Drawdown

PATIENCE = 4.0  # seconds that callers of a shortfall are parked; then they are answered `pending`
DEADLINE_SECONDS = 4  # for the ledger to answer: what comes later is repeated by Temporal
PARKED_LONGEST = 6.0  # seconds with the looks at the ledger, when the machine is busy
LONGEST = 8.0  # seconds for one operation: the server gives up after 10
MOST_AT_ONCE = 200  # operations of one process
MOST_PARKED = MOST_AT_ONCE // 2  # the other half is for who needs no patience

Settled = Capture | Extend | Release


@service_handler(service=Drawdown)
class DrawdownHandler:
    """Serves every customer of every catalog: who may call is the endpoint's policy."""

    def __init__(self, usage: DirectUsage, engine: Engine) -> None:
        self._usage = usage
        self._engine = engine
        self._under_way = 0

    @sync_operation
    async def consume(self, _context: StartOperationContext, message: RawValue) -> Answer:
        """Debit one event."""
        with malformed_ends():
            customer, raw = _read(message)
            asked = CustomersEvent(customer, usage_event(raw))

        async def decide() -> DebitOutcome:
            (outcome,) = await self._usage.use([asked], catalog=None, patience=self._patience())
            return outcome

        return await self._answer(customer, asked.event.key, _parked(asked.event.key, decide))

    @sync_operation
    async def hold(self, _context: StartOperationContext, message: RawValue) -> Answer:
        """Set credits aside for work in progress."""
        with malformed_ends():
            customer, raw = _read(message)
            wanted = parse_hold(fields.written(raw))

        async def decide() -> HoldOutcome:
            return await self._usage.hold(customer, wanted, catalog=None, patience=self._patience())

        return await self._answer(customer, wanted.event.key, _parked(wanted.event.key, decide))

    @sync_operation
    async def capture(self, _context: StartOperationContext, message: RawValue) -> Answer:
        """Charge the work's final quantity."""
        return await self._settle(message, parse_capture)

    @sync_operation
    async def extend(self, _context: StartOperationContext, message: RawValue) -> Answer:
        """Keep a hold until a later instant."""
        return await self._settle(message, parse_extend)

    @sync_operation
    async def release(self, _context: StartOperationContext, message: RawValue) -> Answer:
        """Return the credits of a hold."""
        return await self._settle(message, parse_release)

    @sync_operation
    async def balance(self, _context: StartOperationContext, message: RawValue) -> Answer:
        """Return a customer's balance by credit type."""
        with malformed_ends():
            customer, raw = _read(message)
            fields.only(raw)

        def read() -> Answer:
            with snapshots.snapshot(self._engine) as connection:
                account = snapshots.account_of(connection, customer, None)
                return balance(customer, standing(connection, account, datetime.now(UTC)))

        try:
            async with self._bounded():
                return await asyncio.to_thread(read)
        except InvalidInput as error:
            return {"customer_id": customer, **refused(error.reason, missing=None)}

    async def _settle(self, message: RawValue, parse: Callable[[bytes], Settled]) -> Answer:
        with malformed_ends():
            customer, raw = _read(message)
            wanted = parse(fields.written(raw))

        async def decide() -> HoldOutcome:
            return await self._usage.settle(customer, wanted, catalog=None)

        return await self._answer(customer, wanted.key, decide())

    async def _answer(
        self, customer: str, key: str, decided: Awaitable[DebitOutcome | HoldOutcome]
    ) -> Answer:
        """Return what an operation came to; a refusal is an answer."""
        try:
            async with self._bounded():
                outcome = await decided
        except InvalidInput as error:
            outcome = DebitOutcome(key, error.reason)
        return customers_answer(customer, outcome)

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        """Count an operation and give it up before the server does: a repeat finds its key."""
        self._under_way += 1
        try:
            with away_is_retried():
                async with asyncio.timeout(LONGEST):
                    yield
        finally:
            self._under_way -= 1

    def _patience(self) -> float:
        return PATIENCE if self._under_way <= MOST_PARKED else 0


async def _parked(
    key: str, decide: Callable[[], Awaitable[DebitOutcome | HoldOutcome]]
) -> DebitOutcome | HoldOutcome:
    """Decide, or say that it waits: a repeat with the same key finds what it came to."""
    try:
        async with asyncio.timeout(PARKED_LONGEST):
            return await decide()
    except TimeoutError:
        return DebitOutcome(key, Undecided.PURCHASE_NEEDED)


def _read(message: RawValue) -> tuple[str, dict[str, Any]]:
    """Return the customer and the rest of a message. Raises `InvalidInput`."""
    raw = fields.parse_object(message.payload.data)
    return fields.taken(raw, "customer_id"), raw

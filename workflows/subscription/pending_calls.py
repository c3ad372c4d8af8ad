"""Activities in flight that the loop does not wait for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from domain.tracing.causes import Cause, now, since

Settle = Callable[[Any], Awaitable[None]]


@dataclass(slots=True)
class PendingCalls:
    """Calls to the processor: started here, settled by the loop in the order of their start."""

    _under_way: list[tuple[asyncio.Task[Any], Settle, Cause]] = field(default_factory=list)

    def start(self, handle: asyncio.Task[Any], settle: Settle) -> None:
        """Track a started activity and how to settle its result."""
        self._under_way.append((handle, settle, now()))

    def any_done(self) -> bool:
        """Return whether a result is ready to settle."""
        return any(handle.done() for handle, _, _ in self._under_way)

    def idle(self) -> bool:
        """Return whether nothing is in flight."""
        return not self._under_way

    async def settle(self) -> None:
        """Settle every result that has arrived."""
        while done := [call for call in self._under_way if call[0].done()]:
            for call in done:
                self._under_way.remove(call)
                handle, settle, cause = call
                with since(cause):
                    await settle(await handle)

"""Waiting that ends when nothing moves any more, and not at a time of day.

A busy machine is slow, not wrong: whoever waits looks again and again, and each look counts for a
tenth of a second at most, however long it took. So ten times as slow is waited for ten times as
long, and what hangs on an idle machine is given up after its seconds.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")

QUIET_SECONDS = 60.0
LOOK_WORTH = 0.1  # seconds that one look counts at most
POLL_SECONDS = 0.01  # between the first two looks
POLL_GROWTH = 0.3  # of the time since anything moved: looking costs what is looked at, too
BUSY = 1.5  # processes that want a core, for each core


class NothingMovesError(TimeoutError):
    """The awaited state did not come, and nothing else moved for a long time."""


@dataclass(slots=True)
class Patience:
    """How long nothing has moved, by the looks of one who waits."""

    quiet_seconds: float = QUIET_SECONDS
    clock: Callable[[], float] = time.monotonic
    _seen: object = None
    _quiet: float = 0.0
    _begun: float = field(init=False)
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin to wait."""
        self._begun = self._last = self.clock()

    def over(self, sign: object = None, *, worth: float = LOOK_WORTH) -> bool:
        """Look once: say whether `sign` has been the same for too long.

        `worth` is the most seconds that this look counts.
        """
        now = self.clock()
        self._quiet += min(now - self._last, worth)
        self._last = now
        if sign != self._seen:
            self._seen, self._quiet = sign, 0.0
        return self._quiet > self.quiet_seconds

    async def pause(self) -> None:
        """Wait until the next look: the longer nothing has moved, the longer."""
        since = self._quiet * POLL_GROWTH
        await asyncio.sleep(min(max(POLL_SECONDS, since), LOOK_WORTH))

    def told(self) -> str:
        """Return how long was waited, and whether the machine was too slow, for an error."""
        return f"nothing moved in the last of {self.clock() - self._begun:.0f} s{slowness()}"


def slowness() -> str:
    """Return that the machine has too much to do, with figures, or nothing."""
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if load < BUSY * cores:
        return ""
    return f"; the machine was too slow for it: {load:.1f} processes wanted its {cores} cores"


async def until(
    look: Callable[[], Awaitable[T]],
    holds: Callable[[T], bool],
    what: str,
    *,
    sign: Callable[[T], object] = lambda seen: seen,
    quiet_seconds: float = QUIET_SECONDS,
) -> T:
    """Poll until the condition holds, as long as anything moves; return the last value.

    `sign` is that of what is seen by which one sees that it moves.
    Raises `NothingMovesError` with `what` and what was seen last.
    """
    patience = Patience(quiet_seconds)
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if patience.over(sign(seen)):
            raise NothingMovesError(f"{what}: {patience.told()}; seen last: {seen}")
        await patience.pause()

"""What one process takes on at once, and how often a key may ask: refused at the door, not queued.

Counters alone, looked at before a body is read: a middleware would cost more than a debit.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

WINDOW = 1  # seconds, over which the requests of a key are counted
NONE: Mapping[str, str] = {}


class Bound:
    """At most so many at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.taken = 0

    def take(self) -> bool:
        """Take a place; False: there is none."""
        if self.taken >= self._most:
            return False
        self.taken += 1
        return True

    def free(self) -> None:
        """Give a place back."""
        self.taken -= 1


class KeyRates:
    """How many requests each key has sent in this window; `most` 0: nobody counts.

    Memory: one entry for each live key that has asked, as other keys never come this far.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._counted: dict[str, tuple[int, int]] = {}  # window and requests in it, by key
        self._policy = f'"key";q={most};w={WINDOW}'

    def count(self, key_id: str) -> tuple[bool, Mapping[str, str]]:
        """Count a request; return whether it may go on, and the headers that tell the caller."""
        if not self._most:
            return True, NONE
        window = int(self._clock()) // WINDOW
        was, requests = self._counted.get(key_id, (window, 0))
        if was != window:
            requests = 0
        allowed = requests < self._most
        if allowed:
            requests += 1
        self._counted[key_id] = (window, requests)
        left = f'"key";r={self._most - requests};t={WINDOW}'
        return allowed, {"RateLimit": left, "RateLimit-Policy": self._policy}


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process; a fleet allows as many times more as it has processes."""

    requests: Bound
    streams: Bound
    rates: KeyRates


def limits(*, requests: int, streams: int, per_second: int) -> Limits:
    """Return limits: requests and streams at once, requests of a key a second (0: any)."""
    return Limits(Bound(requests), Bound(streams), KeyRates(per_second))

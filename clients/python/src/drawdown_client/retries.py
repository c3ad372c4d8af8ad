"""How long to go on asking, and how long to pause in between."""

import time
from secrets import SystemRandom

from drawdown_client.errors import DrawdownError

LONGEST_WAIT = 5  # seconds that the engine is asked to park a request
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds

_random = SystemRandom()


class Patience:
    """Repeats until a deadline, with growing pauses; the first attempt is always made."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._pause = FIRST_PAUSE

    @property
    def wait(self) -> int:
        """Seconds for which the engine may park a request that begins now."""
        return max(0, min(LONGEST_WAIT, int(self._until - time.monotonic())))

    def pause(self, error: DrawdownError) -> float:
        """Return the seconds to sleep before the next attempt; raise the error if there is none."""
        pause = self.next_pause(error.retry_after) if error.repeatable else None
        if pause is None:
            raise error
        return pause

    def next_pause(self, asked: int | None = None) -> float | None:
        """Return the seconds to sleep, at least those `asked`; nothing if the time is over."""
        left = self._until - time.monotonic()
        pause = max(asked or 0.0, self._pause * _random.uniform(0.5, 1.0))
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
        return pause if pause < left else None

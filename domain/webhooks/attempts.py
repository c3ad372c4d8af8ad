"""When an attempt is made again, and when nobody tries any more. No clock."""

from datetime import timedelta
from zlib import crc32

# Between one attempt and the next; after the last there is none.
GAPS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
)
MOST_REST = timedelta(hours=24)  # that a receiver may ask for
GIVE_UP_AFTER = timedelta(days=5)  # of failing without one success
JITTER = 5  # a gap is longer by up to a fifth of it


def next_gap(attempts: int, delivery: str, asked: timedelta | None = None) -> timedelta | None:
    """Return how long to wait after so many attempts; None: that was the last.

    The same delivery always waits equally long; deliveries of one instant spread. What a receiver
    asked for is waited at least, up to a day.
    """
    if attempts > len(GAPS):
        return None
    gap = GAPS[attempts - 1]
    share = crc32(f"{delivery}:{attempts}".encode()) % 1_000
    jittered = gap + gap * share / (1_000 * JITTER)
    return max(jittered, min(asked, MOST_REST)) if asked else jittered

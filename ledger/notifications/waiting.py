"""Whether anything waits to be delivered: one look for all topics and all relays of a process."""

import threading
import time
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Engine, text

FRESH_SECONDS = 0.15  # how long what was seen is believed
TOPICS_WAITING = text("""
    SELECT t.topic FROM (VALUES ('mail'), ('crossing'), ('alert'), ('finding')) t (topic)
    WHERE EXISTS (SELECT FROM outbox o WHERE o.topic = t.topic AND o.delivered_at IS NULL)
    UNION ALL
    SELECT 'webhook'
    WHERE EXISTS (SELECT FROM webhook_events WHERE position IS NULL)
       OR EXISTS (
           SELECT FROM webhook_endpoints e
           WHERE e.state = 'on' AND (e.rests_until IS NULL OR e.rests_until <= :at)
             AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.endpoint_id = e.endpoint_id
                         AND d.state = 'waiting' AND d.next_at <= :at))
""")


class Waiting:
    """What waits, as of a moment ago. `clock` gives real time, in which webhooks live.

    A look is one statement without a transaction: a relay's own takes locks and several round
    trips, and nearly always there is nothing.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._found: frozenset[str] = frozenset()
        self._until = time.monotonic()

    def on(self, topic: str) -> bool:
        """Return whether messages of a topic may wait; False: a moment ago there were none.

        Raises what the database raises. Who comes while another one looks has its answer, unless
        the database is slow: then it is told to look itself.
        """
        if not self._lock.acquire(timeout=FRESH_SECONDS):
            return True
        try:
            if time.monotonic() >= self._until:
                self._look()
            return topic in self._found
        finally:
            self._lock.release()

    def _look(self) -> None:
        begun = time.monotonic()
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            self._found = frozenset(connection.scalars(TOPICS_WAITING, {"at": self._clock()}))
        self._until = begun + self._fresh_seconds

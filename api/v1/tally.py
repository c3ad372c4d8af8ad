"""What one process refused: counted, and told in the log where the caller named the request.

A refusal moves nothing, so no row tells of it. Who named the request can ask support about it: the
line has its id, the customer and the key. The flood of a broken caller is cut off and counted.
"""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from ledger.reads.health import DAY, HOUR, Refused

log = logging.getLogger(__name__)

MOST = 20  # lines a second, of one process
SPAN = timedelta(minutes=5)  # that one count covers


class Tally:
    """Counts by five minutes, of a day. Reasons are ours, so that there are few."""

    def __init__(self) -> None:
        self._counts: deque[tuple[datetime, Counter[str]]] = deque()

    def add(self, reason: str, at: datetime) -> None:
        """Count a refusal."""
        if not self._counts or at >= self._counts[-1][0] + SPAN:
            self._counts.append((at, Counter()))
        while self._counts[0][0] <= at - DAY:
            self._counts.popleft()
        self._counts[-1][1][reason] += 1

    def told(self, at: datetime) -> list[Refused]:
        """Return the reasons of the day before, often first; exact to five minutes."""
        hour: Counter[str] = Counter()
        day: Counter[str] = Counter()
        for begun, counts in self._counts:
            if begun > at - DAY:
                day += counts
            if begun > at - HOUR:
                hour += counts
        return [Refused(one, hour[one], number) for one, number in day.most_common()]


class NamedRefusals:
    """Tells of refusals in the log; what was too much is told as a number."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._second, self._told, self._withheld = 0, 0, 0

    def tell(self, request_id: str, reason: str, facts: Mapping[str, Any]) -> None:
        """Write a line about one refusal; `facts` may have `customer_id` and the event's `key`."""
        second = int(self._clock())
        if second != self._second:
            if self._withheld:
                log.warning("%d more refusals of named requests", self._withheld)
            self._second, self._told, self._withheld = second, 0, 0
        if self._told >= self._most:
            if not self._withheld:  # the number may come late: it waits for another refusal
                log.warning("more than %d refusals of named requests in a second", self._most)
            self._withheld += 1
            return
        self._told += 1
        customer, key = facts.get("customer_id"), facts.get("key")
        log.info(
            "request %s: refused: %s: customer %a, key %a",
            *(request_id, reason, customer, key),
            extra={"customer": customer},
        )

"""How often one process refused requests in the last hour and day, by reason."""

from collections import Counter, deque
from datetime import datetime, timedelta

from ledger.reads.health import DAY, HOUR, Refused

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

"""Use of each day as bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from api.pages.bars import HIGH, height_of, place_of

MOST_BARS = 400


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's bar in the chart's own units, and how much it stands for, in micro-credits."""

    day: date
    amount: int
    x: str
    y: int
    wide: str
    high: int


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars of all days, also of those without use."""

    bars: Sequence[Bar]
    most: int

    @property
    def used(self) -> list[Bar]:
        """The days on which something was used, the newest first."""
        return [one for one in reversed(self.bars) if one.amount]


def chart_of(amounts: Mapping[date, int], first: date, last: date) -> Chart:
    """Return the chart of `[first, last]`; the days without use at either end of a long one go."""
    if (last - first).days >= MOST_BARS and amounts:
        first, last = min(amounts), max(amounts)
    count = max((last - first).days + 1, 1)
    most = max(amounts.values(), default=0)
    bars = []
    for number in range(count):
        day = first + timedelta(days=number)
        amount = amounts.get(day, 0)
        high = height_of(amount, most)
        x, wide = place_of(number, count)
        bars.append(Bar(day, amount, x=x, y=HIGH - high, wide=wide, high=high))
    return Chart(bars, most)

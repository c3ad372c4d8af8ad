"""The months of a simulated customer, who may move to another time zone meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from domain.errors import InvalidInput
from domain.periods import boundary, checked_zone, index_at
from domain.plan_calendar import first_anchor
from domain.pricing.catalog import Plan
from local.simulator.usage import DAY, MONTH

HOME = "UTC"  # where every simulated customer begins
NEAR = 4 * DAY  # further apart no zone and no short month brings two boundaries of one month


@dataclass(frozen=True, slots=True)
class Move:
    """A move to another zone, asked for as a day of UTC begins."""

    on: date
    zone: str

    @property
    def at(self) -> datetime:
        """When it is asked for."""
        return midnight(self.on)


@dataclass(frozen=True)
class Months:
    """Months from a day on, at the boundaries of a plan whose customer may move meanwhile.

    A running period keeps its end; what follows it is counted in the new zone.
    """

    begins: date
    plan: Plan
    moves: tuple[Move, ...] = ()

    def start(self, month: int) -> datetime:
        """Return when a month starts, from 0."""
        anchor, zone = midnight(self.begins), HOME
        at = anchor
        length = self.plan.interval.months or 1
        for began in range(0, month, length):
            lived_in = self._zone(at)
            if lived_in != zone:
                anchor, zone = first_anchor(self.plan, at, lived_in), lived_in
            at = self._near(anchor, zone, min(began + length, month))
        return at

    def days(self, month: int) -> int:
        """Return how many days a month has; one of them may be longer or shorter by hours."""
        return round((self.start(month + 1) - self.start(month)) / DAY)

    def _zone(self, before: datetime) -> str:
        """Return the zone that is known when a period begins."""
        known = [move.zone for move in self.moves if move.at < before]
        return known[-1] if known else HOME

    def _near(self, anchor: datetime, zone: str, month: int) -> datetime:
        """Return the boundary that is next to where the month starts at home."""
        at_home = boundary(midnight(self.begins), HOME, MONTH, month)
        return boundary(anchor, zone, MONTH, index_at(anchor, zone, MONTH, at_home + NEAR))


def midnight(day: date) -> datetime:
    """Return the instant at which a day of UTC begins."""
    return datetime.combine(day, time(), UTC)


def read_moves(texts: Sequence[str]) -> tuple[Move, ...]:
    """Return what `2027-03-01=Asia/Tokyo` says, by its days.

    Raises `InvalidInput` (`invalid_time`, `unknown_time_zone`).
    """
    found = [Move(on, checked_zone(zone).key) for on, zone in by_day(texts, "--move", "ZONE")]
    return tuple(found)


def by_day(texts: Sequence[str], option: str, what: str) -> list[tuple[date, str]]:
    """Return what an option asks for on each day that it names, by their order.

    Raises `InvalidInput` (`invalid_time`).
    """
    found = sorted((_read(text, option, what) for text in texts), key=lambda one: one[0])
    if len({day for day, _ in found}) < len(found):
        raise InvalidInput("invalid_time", f"{option}: name each day once")
    return found


def _read(text: str, option: str, what: str) -> tuple[date, str]:
    day, sign, asked = text.partition("=")
    try:
        on = date.fromisoformat(day)
    except ValueError as error:
        why = f"{option} {text!r:.80}: write DAY={what}, the day as 2027-02-15"
        raise InvalidInput("invalid_time", why) from error
    if not sign or not asked:
        raise InvalidInput("invalid_value", f"{option} {text!r:.80}: write DAY={what}")
    return on, asked

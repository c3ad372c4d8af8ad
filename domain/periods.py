"""Windows of time: boundaries in the customer's time zone, always from the original anchor."""

import calendar
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.errors import InvalidInput


class Unit(StrEnum):
    """The calendar units of intervals."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_MONTHS = {Unit.MONTH: 1, Unit.QUARTER: 3, Unit.YEAR: 12}
FURTHEST = 12  # intervals, among which every day of a month and a leap day are found
_DAYS = {Unit.DAY: 1, Unit.WEEK: 7}


@dataclass(frozen=True, slots=True)
class Interval:
    """A number of calendar units, such as one month or two weeks."""

    unit: Unit
    count: int = 1

    def __post_init__(self) -> None:
        if self.count < 1:
            raise InvalidInput("invalid_interval", "an interval must be at least one unit long")

    @property
    def months(self) -> int:
        """Its length in months; 0 when it is counted in days."""
        return _MONTHS.get(self.unit, 0) * self.count

    @property
    def days(self) -> int:
        """Its length in days; 0 when it is counted in months."""
        return _DAYS.get(self.unit, 0) * self.count

    def divides(self, other: "Interval") -> bool:
        """Return whether every boundary of `other` is also a boundary of this interval."""
        if self.months and other.months:
            return other.months % self.months == 0
        return bool(self.days and other.days) and other.days % self.days == 0


@dataclass(frozen=True, slots=True)
class Window:
    """The half-open interval of time [start, end) between boundaries k and k + 1."""

    k: int
    start: datetime
    end: datetime

    def contains(self, at: datetime) -> bool:
        """Return whether `at` lies inside: the start does, the end does not."""
        return self.start <= at < self.end


def boundary(anchor: datetime, zone: str, interval: Interval, k: int) -> datetime:
    """Return boundary k in UTC: the local anchor + k intervals, clamped to the month's last day.

    Boundary 0 is the anchor itself. A local time that does not exist takes the offset before the
    gap; one that happens twice is the first of the two.
    """
    if k < 0:
        raise InvalidInput("before_anchor", "boundaries are counted from the anchor: k >= 0")
    local = _local(anchor, zone)
    if k == 0:
        return anchor.astimezone(UTC)
    try:
        moved = _moved(local, interval, k)
    except (OverflowError, ValueError) as error:
        raise InvalidInput("out_of_calendar", "the boundary is beyond the year 9999") from error
    # fold=0 is exactly the rule: the first of two, and in a gap the offset before it (PEP 495).
    return moved.replace(fold=0).astimezone(UTC)


def anchor_of(end: datetime, zone: str, interval: Interval) -> datetime:
    """Return the latest anchor, up to a dozen intervals earlier, that counts `end` as a boundary.

    The 31st of March is counted from the 31st of January, not from a February that has none.
    Raises `invalid_time` where none does, as for the second of two equal hours.
    """
    local = _local(end, zone)
    for k in range(1, FURTHEST + 1):
        try:
            anchor = _moved(local, interval, -k).replace(fold=0).astimezone(UTC)
        except (OverflowError, ValueError) as error:
            raise InvalidInput("out_of_calendar", "its period began before the year 1") from error
        if boundary(anchor, zone, interval, k) == end:
            return anchor
    raise InvalidInput("invalid_time", "say from which instant its boundaries are counted")


def window(anchor: datetime, zone: str, interval: Interval, k: int) -> Window:
    """Return window k, in UTC."""
    return Window(k, boundary(anchor, zone, interval, k), boundary(anchor, zone, interval, k + 1))


def index_at(anchor: datetime, zone: str, interval: Interval, at: datetime) -> int:
    """Return the k of the window that contains `at`. Raises `before_anchor`."""
    first, local = _local(anchor, zone), _local(at, zone)
    if at < anchor:
        raise InvalidInput("before_anchor", f"{at.isoformat()} is before the first window")
    k = max(0, _latest(first, local, interval))
    while boundary(anchor, zone, interval, k) > at:
        k -= 1
    return k


def windows_between(
    anchor: datetime, zone: str, interval: Interval, start: datetime, end: datetime
) -> tuple[Window, ...]:
    """Return the windows that start in [start, end)."""
    if end <= max(start, anchor):
        return ()
    k = index_at(anchor, zone, interval, max(start, anchor))
    if boundary(anchor, zone, interval, k) < start:
        k += 1
    found: list[Window] = []
    current = window(anchor, zone, interval, k)
    while current.start < end:
        found.append(current)
        k += 1
        current = Window(k, current.end, boundary(anchor, zone, interval, k + 1))
    return tuple(found)


def day_ends(at: datetime, zone: str) -> datetime:
    """Return the last second, in UTC, of the local day of an instant.

    Raises `unknown_time_zone` and `invalid_time`.
    """
    tomorrow = _local(at, zone).date() + timedelta(days=1)
    # A midnight that does not exist takes the offset before the gap: the instant of the change.
    midnight = datetime.combine(tomorrow, time(), checked_zone(zone))
    return midnight.astimezone(UTC) - timedelta(seconds=1)


def checked_zone(zone: str) -> ZoneInfo:
    """Return the IANA time zone of that name. Raises `unknown_time_zone`."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidInput(
            "unknown_time_zone", f"{zone!r} is not an IANA time zone; write it as Europe/Berlin"
        ) from error


def _local(at: datetime, zone: str) -> datetime:
    if at.tzinfo is None:
        raise InvalidInput("invalid_time", "a time needs an offset; send it in UTC, ending in Z")
    return at.astimezone(checked_zone(zone))


def _moved(local: datetime, interval: Interval, k: int) -> datetime:
    if interval.days:
        return local + timedelta(days=interval.days * k)
    year, month0 = divmod(local.year * 12 + local.month - 1 + interval.months * k, 12)
    last_day = calendar.monthrange(year, month0 + 1)[1]
    return local.replace(year=year, month=month0 + 1, day=min(local.day, last_day))


def _latest(anchor: datetime, at: datetime, interval: Interval) -> int:
    """Return an upper bound of k: boundaries up to the end of the local day, or month, of `at`."""
    if interval.days:
        return (at.date() - anchor.date()).days // interval.days
    months = (at.year - anchor.year) * 12 + at.month - anchor.month
    return months // interval.months


def share_of(stretch: timedelta, name: str) -> timedelta:
    """Return a part of a stretch of time, always the same for a name, that spreads names evenly."""
    digest = hashlib.sha256(name.encode()).digest()
    return stretch * int.from_bytes(digest[:2]) / 65_536

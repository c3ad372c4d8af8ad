"""A side's usage by day: what is decided together, and how many events each line stands for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.usage import UsageEvent
from local.simulator.sides import Side, merges
from local.simulator.usage import DAY, Usage, Use

HOUR = timedelta(hours=1)
DECIDED = timedelta(minutes=1)  # before the day's end
MOST_ALONE = 50  # events of a day and action; more are reported by the hour


@dataclass(frozen=True, slots=True)
class Day:
    """One day: decided at `at`; `stand_for` says for how many events each one stands."""

    month: int
    at: datetime
    events: tuple[UsageEvent, ...]
    stand_for: tuple[int, ...]


def days(usage: Usage, side: Side, begins: date, months: int, *, exact: bool) -> Iterator[Day]:
    """Yield every day on which something is used, in order.

    Busy actions are reported by the hour, as products do, unless `exact`: their sum costs the
    same, but where credits run out an hour is refused as a whole.
    """
    calendar = side.months_from(begins)
    for month in range(months):
        start, over, length = calendar.start(month), calendar.start(month + 1), calendar.days(month)
        by_day: dict[int, list[Use]] = {}
        for use in usage.of_month(month):
            # What lies after a short month's end belongs to its last day.
            by_day.setdefault(min(use.into // DAY, length - 1), []).append(use)
        for number, uses in sorted(by_day.items()):
            # The last day ends with the month: it is longer or shorter where a clock was turned.
            begin = start + number * DAY
            end = over if number + 1 == length else begin + DAY
            together = uses if exact else _merged(uses, side)
            yield _day(together, side, f"m{month}-d{number}", month=month, within=(begin, end))


def _day(
    uses: list[Use], side: Side, name: str, *, month: int, within: tuple[datetime, datetime]
) -> Day:
    begin, end = within
    at = end - DECIDED
    events = [
        UsageEvent(
            key=f"{name}-{index}",
            action=side.names.get(use.action, use.action),
            quantity_micro=use.quantity_micro,
            event_at=min(begin + use.into % DAY, at),
            tags=use.tags,
        )
        for index, use in enumerate(uses)
    ]
    return Day(month, at, tuple(events), tuple(use.events for use in uses))


def _merged(uses: list[Use], side: Side) -> list[Use]:
    counts: dict[str, int] = {}
    for use in uses:
        counts[use.action] = counts.get(use.action, 0) + 1
    busy = {
        name for name, count in counts.items() if count > MOST_ALONE and merges(side.action(name))
    }
    hours: dict[tuple[object, ...], Use] = {}
    for index, use in enumerate(uses):
        alone = use.action not in busy
        key = (use.into // HOUR, use.action, use.tags, index if alone else None)
        before = hours.get(key)
        hours[key] = use if before is None else _sum(before, use)
    return sorted(hours.values(), key=lambda use: use.into)


def _sum(one: Use, other: Use) -> Use:
    return Use(
        month=one.month,
        into=other.into,
        action=one.action,
        quantity_micro=one.quantity_micro + other.quantity_micro,
        tags=one.tags,
        events=one.events + other.events,
    )

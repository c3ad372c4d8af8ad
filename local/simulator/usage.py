"""What is used over simulated months: read from a CSV with every fault of it at once, or traced."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from domain.credits import parse_quantity
from domain.errors import InvalidInput
from domain.periods import Interval, Unit, boundary, index_at

MONTH = Interval(Unit.MONTH)
DAY = timedelta(days=1)
TIMES = ("time", "timestamp", "event_at", "day")
NO_TAGS = (*TIMES, "action", "quantity")
TRACED = ("timestamp", "contexttokens", "generatedtokens")  # an LLM service's trace of requests
TAG = "tag:"  # may stand before a tag's name
MOST_FAULTS = 20
LATEST_DAY = 36_600
LONGEST_NUMBER = 12
NOTHING = timedelta()
HINT = (
    "a usage file has a heading with `time` (2027-01-31T10:00Z) or `day` (0 is the first), "
    "`action`, `quantity`; other columns are tags, such as `tag:member`"
)


@dataclass(frozen=True, slots=True)
class Use:
    """Usage of one action: its month from 0, how far into it, and how many events it stands for."""

    month: int
    into: timedelta
    action: str
    quantity_micro: int
    tags: tuple[tuple[str, str], ...] = ()
    events: int = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """Usage of a number of months, in order, and what people call it."""

    title: str
    months: int
    uses: tuple[Use, ...]

    def of_month(self, month: int) -> Iterator[Use]:
        """Yield the usage of a month; shorter usage begins again at its end."""
        return (use for use in self.uses if use.month == month % self.months)


def read_usage(path: Path, default_action: str) -> Usage:
    """Read a CSV, plain or gzipped.

    Raises `InvalidInput` (`invalid_usage`) naming every fault with its line.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
            uses, faults = _read(csv.DictReader(lines), default_action)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput("invalid_usage", f"{path.name} cannot be read: {error}") from error
    if not uses and not faults:
        faults = [f"has no usage: {HINT}"]
    if faults:
        listed = [f"{path.name}{fault}" for fault in faults[:MOST_FAULTS]]
        more = len(faults) - len(listed)
        listed += [f"and {more} faults more"] if more else []
        raise InvalidInput("invalid_usage", "\n".join(listed))
    ordered = tuple(sorted(uses, key=lambda use: (use.month, use.into)))
    return Usage(path.name, ordered[-1].month + 1, ordered)


def _read(reader: "csv.DictReader[str]", default_action: str) -> tuple[list[Use], list[str]]:
    heading = [name.strip().lower() for name in reader.fieldnames or ()]
    heading = [name.removeprefix(TAG) for name in heading]
    reader.fieldnames = heading
    faults = _heading_faults(heading)
    if faults:
        return [], faults
    rows: list[tuple[datetime, Use]] = []
    for row in reader:
        try:
            rows.append(_row(row, default_action))
        except InvalidInput as error:
            faults.append(f":{reader.line_num}: {error}")
    first = min((at for at, _ in rows), default=_START)
    # Months of the file are the calendar's; those of day offsets count from the first day.
    start = _START if "day" in heading else _month_start(first)
    return [_placed(use, at, start) for at, use in rows], faults


_START = datetime(2027, 1, 1, tzinfo=UTC)  # where day 0 lies: only distances matter


def _heading_faults(heading: list[str]) -> list[str]:
    times = [name for name in heading if name in TIMES]
    if len(times) != 1:
        found = f"{len(times)} columns of time" if times else "no column of time"
        return [f":1: {found}: {HINT}"]
    twice = sorted({name for name in heading if heading.count(name) > 1})
    return [f":1: the column {name!r} is there twice" for name in twice]


def _row(row: dict[str, str | None], default_action: str) -> tuple[datetime, Use]:
    if None in row or None in row.values():
        raise InvalidInput("invalid_usage", "has another number of columns than the heading")
    cells = {name: (value or "").strip() for name, value in row.items()}
    at = next(_instant(name, cells[name]) for name in TIMES if name in cells)
    if all(name in cells for name in TRACED):
        tokens = sum(_whole(name, cells[name]) for name in TRACED[1:])
        return at, Use(0, NOTHING, default_action, parse_quantity(tokens))
    tags = tuple(sorted((k, v) for k, v in cells.items() if k not in NO_TAGS and v))
    quantity = parse_quantity(cells.get("quantity") or "1")
    return at, Use(
        month=0,
        into=NOTHING,
        action=cells.get("action") or default_action,
        quantity_micro=quantity,
        tags=tags,
    )


def _instant(name: str, text: str) -> datetime:
    if name == "day":
        return _START + _days(text)
    try:
        at = datetime.fromisoformat(text[:26] if "." in text else text)
    except ValueError as error:
        why = f"{name} {text!r:.40} is no time: write 2027-01-31T10:00Z"
        raise InvalidInput("invalid_usage", why) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _days(text: str) -> timedelta:
    try:
        days = Decimal(text)
    except InvalidOperation:
        days = Decimal(-1)
    if not (days.is_finite() and 0 <= days <= LATEST_DAY):
        raise InvalidInput(
            "invalid_usage", f"day {text!r:.40} is not a number of days: 0 is the first"
        )
    return timedelta(microseconds=int(days * 86_400_000_000))


def _whole(name: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_NUMBER:
        raise InvalidInput("invalid_usage", f"{name} {text!r:.40} is no whole number")
    return int(text)


def _month_start(at: datetime) -> datetime:
    return at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _placed(use: Use, at: datetime, start: datetime) -> Use:
    month = index_at(start, "UTC", MONTH, at)
    return replace(use, month=month, into=at - boundary(start, "UTC", MONTH, month))

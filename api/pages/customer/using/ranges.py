"""The days that a page tells of: this window, the last month, or those that a reader names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from api.pages.customer.visits import Visit

WINDOW, MONTH, NAMED = "window", "month", "days"
DAY = timedelta(days=1)
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Days:
    """`asked` is what the door is asked for; without it, it answers this window.

    `first` and `last` are the days named, both included; `fault` is what is wrong with them.
    """

    choice: str
    asked: Mapping[str, str] = field(default_factory=dict)
    first: str = ""
    last: str = ""
    fault: str = ""


def days_of(visit: Visit) -> Days:
    """Return the days that a visit asks for, on the customer's calendar."""
    choice = visit.query.get("range", WINDOW)
    if choice == MONTH:
        today = local(visit, visit.standing.wallet.at)
        return Days(MONTH, {"from": _midnight(visit, today - (MONTH_DAYS - 1) * DAY)})
    if choice != NAMED:
        return Days(WINDOW)
    first, last = visit.query.get("from", ""), visit.query.get("to", "")
    try:
        begins, ends = date.fromisoformat(first), date.fromisoformat(last)
        asked = {"from": _midnight(visit, begins), "to": _midnight(visit, ends + DAY)}
    except (ValueError, OverflowError):
        return Days(NAMED, fault="Choose a first and a last day.")
    if begins > ends:
        return Days(NAMED, first=first, last=last, fault="The first day is after the last.")
    return Days(NAMED, asked, first, last)


def local(visit: Visit, at: datetime) -> date:
    """Return the day of an instant on the customer's calendar."""
    return at.astimezone(visit.show.zone).date()


def _midnight(visit: Visit, day: date) -> str:
    return datetime.combine(day, time(), visit.show.zone).isoformat()

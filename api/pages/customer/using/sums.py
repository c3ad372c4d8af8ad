"""Sums of what was used, by credit type: in all, by day for the chart, and by group."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from api.pages.asking import Json
from api.pages.customer.using.charts import Chart, chart_of
from api.pages.customer.using.ranges import local
from api.pages.customer.visits import Visit
from domain.credits import parse_credits

INSTANT = timedelta(microseconds=1)
DAY = "day"


@dataclass(slots=True)
class Group:
    """What was used of one thing: of an action, a member, a day. Amounts in millionths."""

    value: str | None
    label: str
    credits: int = 0
    events: int = 0
    quantity: int = 0
    percent: int = 0


@dataclass(slots=True)
class Used:
    """What was used of one credit type, in micro-credits; `groups` with the most used first."""

    kind: str
    unit: str
    first: date
    last: date
    used: int = 0
    events: int = 0
    days: dict[date, int] = field(default_factory=dict)
    by_value: dict[str | None, Group] = field(default_factory=dict)

    @property
    def chart(self) -> Chart:
        """The bars of its days."""
        return chart_of(self.days, self.first, self.last)

    @property
    def groups(self) -> list[Group]:
        """The groups, ranked; those of days by their order."""
        return list(self.by_value.values())


def used_of_each(visit: Visit, sums: Json, group: str) -> list[Used]:
    """Return what the door's sums by day and `group` say of each credit type."""
    first = local(visit, datetime.fromisoformat(sums["from"]))
    last = local(visit, datetime.fromisoformat(sums["to"]) - INSTANT)
    found: dict[str, Used] = {}
    for row in sums["items"]:  # a row for each day and group: a month has thousands
        kind, value = row["credit_type"], row[group]
        if kind not in found:
            found[kind] = Used(kind, visit.unit(kind), first, last)
        of = found[kind]
        if value not in of.by_value:
            of.by_value[value] = Group(value, _label(visit, group, value))
        _add(of, row, of.by_value[value])
    for of in found.values():
        _rank(visit, of, by_day=group == DAY)
    return sorted(found.values(), key=lambda one: -one.used)


def _add(of: Used, row: Json, one: Group) -> None:
    amount, day = parse_credits(row["credits"]), date.fromisoformat(row[DAY])
    of.used += amount
    of.events += row["events"]
    of.days[day] = of.days.get(day, 0) + amount
    one.credits += amount
    one.events += row["events"]
    one.quantity += parse_credits(row["quantity"])


def _rank(visit: Visit, of: Used, *, by_day: bool) -> None:
    for one in of.by_value.values():
        part = max(one.credits, 0)
        one.percent = visit.show.percent(part, of.used) if of.used > 0 else 0
    if by_day:
        ordered = sorted(of.by_value.items(), key=lambda one: one[0] or "", reverse=True)
    else:
        ordered = sorted(of.by_value.items(), key=lambda one: (-one[1].credits, one[1].label))
    of.by_value = dict(ordered)


def _label(visit: Visit, group: str, value: str | None) -> str:
    if value is None:
        return "without it" if group.startswith("tag:") else "nobody named"
    if group == "action":
        return visit.action(value)
    if group == DAY:
        noon = datetime.fromisoformat(f"{value}T12:00").replace(tzinfo=visit.show.zone)
        return visit.show.day(noon)
    return value

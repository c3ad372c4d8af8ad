"""A plan's two clocks, billing periods and allowance windows, and the share a partial one costs.

A subscription whose boundaries are counted from the first of the month may start mid-month: its
first period, and that period's first window, are then only part of a whole one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.money import half_up, minimum_charge_minor, to_charge
from domain.periods import (
    Interval,
    Unit,
    Window,
    boundary,
    checked_zone,
    index_at,
    window,
    windows_between,
)
from domain.pricing.catalog import Allowance, Plan
from domain.pricing.policies import AnchorRule

TRIAL = -1  # the k of a trial, which lies before period 0 and is not charged

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What boundaries are counted by: an instant, and the time zone of its days."""

    anchor: datetime
    time_zone: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """The part of a whole window or period that is served: all of it, or from `part.start` on."""

    part: Window
    whole: Window

    def of(self, amount: int) -> int:
        """Return the part's share of the whole's amount, by exact time, half up."""
        part, whole = self._lengths()
        return half_up(amount * part, whole)

    def price(self, amount_minor: int, currency: str) -> int:
        """Return the part's share of a price in minor units, as it can be charged."""
        part, whole = self._lengths()
        return to_charge(amount_minor * part, whole, currency)

    def rest(self, at: datetime) -> "Stretch":
        """Return what is left of the part at an instant; all of it before it begins."""
        part = self.part
        return Stretch(Window(part.k, max(part.start, at), part.end), self.whole)

    def _lengths(self) -> tuple[int, int]:
        """Return how long the part and the whole are, in microseconds."""
        part, whole = (one.end - one.start for one in (self.part, self.whole))
        return part // _MICROSECOND, whole // _MICROSECOND


def first_anchor(plan: Plan, begins: datetime, zone: str) -> datetime:
    """Return the anchor of a plan's boundaries if its first period begins at `begins`."""
    if plan.anchor_rule is AnchorRule.START:
        return begins
    local = begins.astimezone(checked_zone(zone))
    # Where that midnight does not exist, the offset before the gap applies.
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return first.astimezone(UTC)


def next_anchor(old: Plan, new: Plan, *, anchor: datetime, ends: datetime, zone: str) -> datetime:
    """Return the anchor under a plan that takes over when the period ends.

    It stays unless the new plan has another interval or counts from the first of the month.
    """
    if new.interval == old.interval and new.anchor_rule in (AnchorRule.START, old.anchor_rule):
        return anchor
    return first_anchor(new, ends, zone)


def trial_period(plan: Plan, begins: datetime, zone: str) -> Window | None:
    """Return the plan's trial, whole days in the customer's zone; None if it has no trial."""
    if plan.trial is None:
        return None
    days = Interval(Unit.DAY, plan.trial.days)
    return Window(TRIAL, begins, boundary(begins, zone, days, 1))


def period_at(plan: Plan, anchor: datetime, zone: str, at: datetime, since: datetime) -> Window:
    """Return the period that contains `at`, or the first one from `since` on.

    No period begins before `since`: one already under way then is served from `since` to its end.
    """
    k = index_at(anchor, zone, plan.interval, max(at, since))
    whole = window(anchor, zone, plan.interval, k)
    return Window(k, max(whole.start, since), whole.end)


def restarted(plan: Plan, at: datetime, zone: str) -> tuple[Calendar, Stretch]:
    """Return the calendar and the period of a plan that begins now, whatever ran before."""
    calendar = Calendar(first_anchor(plan, at, zone), zone)
    period = period_at(plan=plan, anchor=calendar.anchor, zone=zone, at=at, since=at)
    return calendar, period_stretch(plan, calendar.anchor, zone, period)


def period_stretch(plan: Plan, anchor: datetime, zone: str, period: Window) -> Stretch:
    """Return a period with the whole one that its price is for."""
    if period.k == TRIAL:
        return Stretch(period, period)
    return Stretch(period, window(anchor, zone, plan.interval, period.k))


def windows_of(plan: Plan, anchor: datetime, zone: str, period: Window) -> tuple[Stretch, ...]:
    """Return the allowance windows of a period, in order. A trial is one window."""
    if period.k == TRIAL:
        return (Stretch(period, period),)
    k = index_at(anchor, zone, plan.window, period.start)
    whole = window(anchor, zone, plan.window, k)
    first = Stretch(Window(k, period.start, whole.end), whole)
    rest = windows_between(
        anchor=anchor, zone=zone, interval=plan.window, start=whole.end, end=period.end
    )
    return (first, *(Stretch(one, one) for one in rest))


def cap_bounds(plan: Plan, anchor: datetime, zone: str, period: Window) -> tuple[datetime, ...]:
    """Return the instants that split a period for a cap with windows of its own.

    Empty if there is no such cap. The first and the last instant are the period's.
    """
    interval = plan.auto.cap_window if plan.auto else None
    if interval is None or period.k == TRIAL:
        return ()
    later = windows_between(
        anchor=anchor, zone=zone, interval=interval, start=period.start, end=period.end
    )
    starts = [one.start for one in later if period.start < one.start]
    return (period.start, *starts, period.end)


def window_at(plan: Plan, anchor: datetime, zone: str, period: Window, at: datetime) -> Stretch:
    """Return the period's window that contains `at`, or the nearest one."""
    windows = windows_of(plan, anchor, zone, period)
    return next((one for one in reversed(windows) if one.part.start <= at), windows[0])


def allowances_of(plan: Plan, period: Window) -> tuple[Allowance, ...]:
    """Return what each window of a period grants."""
    if period.k == TRIAL:
        return plan.trial.allowances if plan.trial else ()
    return plan.allowances


def period_price(plan: Plan, stretch: Stretch) -> int:
    """Return what a period costs in minor units.

    A partial period below the processor's minimum is waived, as for upgrades.
    """
    if stretch.part.k == TRIAL:
        return 0
    price = stretch.price(plan.price_minor, plan.currency)
    return price if price >= minimum_charge_minor(plan.currency) else 0

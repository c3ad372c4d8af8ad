"""The two clocks of a plan: billing periods and allowance windows, and what a part of one is worth.

A subscription whose boundaries are counted from the first of a month may begin in the middle of
one: its first period, and that period's first window, are then parts of whole ones.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from domain.money import half_up, minimum_charge_minor
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
class Stretch:
    """What is served of a whole window or period: all of it, or the part from `part.start` on."""

    part: Window
    whole: Window

    def of(self, amount: int) -> int:
        """Return the part's share of an amount for the whole, by exact time, half up."""
        part = (self.part.end - self.part.start) // _MICROSECOND
        whole = (self.whole.end - self.whole.start) // _MICROSECOND
        return half_up(amount * part, whole)


def first_anchor(plan: Plan, begins: datetime, zone: str) -> datetime:
    """Return what boundaries are counted from when the plan's first period begins at `begins`."""
    if plan.anchor_rule is AnchorRule.START:
        return begins
    local = begins.astimezone(checked_zone(zone))
    # In the seldom case that this midnight does not exist, the offset before the gap counts.
    first = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)
    return first.astimezone(UTC)


def next_anchor(old: Plan, new: Plan, *, anchor: datetime, ends: datetime, zone: str) -> datetime:
    """Return the anchor under a plan that takes over when the period ends.

    It stays, unless the plan counts other intervals, or counts them from the first of a month.
    """
    if new.interval == old.interval and new.anchor_rule in (AnchorRule.START, old.anchor_rule):
        return anchor
    return first_anchor(new, ends, zone)


def trial_period(plan: Plan, begins: datetime, zone: str) -> Window | None:
    """Return the days before the first charge, in the customer's zone, if the plan has a trial."""
    if plan.trial is None:
        return None
    days = Interval(Unit.DAY, plan.trial.days)
    return Window(TRIAL, begins, boundary(begins, zone, days, 1))


def period_at(plan: Plan, anchor: datetime, zone: str, at: datetime, since: datetime) -> Window:
    """Return the period that holds `at`, or the first from `since` on.

    No period begins before `since`: of the one that was under way then, the rest is served.
    """
    k = index_at(anchor, zone, plan.interval, max(at, since))
    whole = window(anchor, zone, plan.interval, k)
    return Window(k, max(whole.start, since), whole.end)


def period_stretch(plan: Plan, anchor: datetime, zone: str, period: Window) -> Stretch:
    """Return a period beside the whole one that its price is for."""
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
    """Return between which instants of a period a cap with windows of its own counts.

    None: there is no such cap. The first and the last are the period's.
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
    """Return the window of a period that holds `at`, or the nearest if none does."""
    windows = windows_of(plan, anchor, zone, period)
    return next((one for one in reversed(windows) if one.part.start <= at), windows[0])


def allowances_of(plan: Plan, period: Window) -> tuple[Allowance, ...]:
    """Return what each window of a period is granted."""
    if period.k == TRIAL:
        return plan.trial.allowances if plan.trial else ()
    return plan.allowances


def period_price(plan: Plan, stretch: Stretch) -> int:
    """Return what a period costs in minor units.

    A part that costs less than the processor can charge is waived, as an upgrade would be.
    """
    if stretch.part.k == TRIAL:
        return 0
    price = stretch.of(plan.price_minor)
    return price if price >= minimum_charge_minor(plan.currency) else 0

"""Periods, trials and windows of every interval: they tile time, and parts cost their share."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogs.reader import read_catalog
from domain.money import Ratio
from domain.periods import Interval, Unit, Window
from domain.plan_calendar import (
    TRIAL,
    Stretch,
    cap_bounds,
    first_anchor,
    next_anchor,
    period_at,
    period_price,
    period_stretch,
    trial_period,
    window_at,
    windows_of,
)
from domain.pricing.catalog import AutoPurchase, Plan, Trial
from domain.pricing.policies import AnchorRule

MAKE = read_catalog(Path(__file__).parents[2] / "catalogs" / "make.yaml")
CORE = MAKE.plan("core_10k")
HOUR = timedelta(hours=1)

zones = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
# How a plan may be billed: the interval, and the window that divides it.
CLOCKS = [
    (Interval(Unit.DAY, 10), Interval(Unit.DAY, 5)),
    (Interval(Unit.WEEK), Interval(Unit.WEEK)),
    (Interval(Unit.WEEK, 2), Interval(Unit.WEEK)),
    (Interval(Unit.MONTH), Interval(Unit.MONTH)),
    (Interval(Unit.MONTH, 2), Interval(Unit.MONTH)),
    (Interval(Unit.QUARTER), Interval(Unit.MONTH)),
    (Interval(Unit.QUARTER, 2), Interval(Unit.QUARTER)),
    (Interval(Unit.YEAR), Interval(Unit.MONTH)),
    (Interval(Unit.YEAR), Interval(Unit.YEAR)),
    (Interval(Unit.YEAR, 2), Interval(Unit.QUARTER)),
]
MONTHLY = [clocks for clocks in CLOCKS if clocks[0].months]
instants = st.timedeltas(timedelta(), timedelta(days=2500)).map(
    lambda passed: datetime(2026, 1, 1, tzinfo=UTC) + passed
)


def billed(clocks: tuple[Interval, Interval], rule: AnchorRule = AnchorRule.START) -> Plan:
    return replace(CORE, interval=clocks[0], window=clocks[1], anchor_rule=rule)


plans = st.one_of(
    st.sampled_from([billed(clocks) for clocks in CLOCKS]),
    st.sampled_from([billed(clocks, AnchorRule.MONTH_FIRST) for clocks in MONTHLY]),
)


def life(plan: Plan, zone: str, begins: datetime, periods: int) -> list[Window]:
    """Return the first periods of a subscription that renews on time."""
    anchor = first_anchor(plan, begins, zone)
    found = [period_at(plan=plan, anchor=anchor, zone=zone, at=begins, since=begins)]
    while len(found) < periods:
        ends = found[-1].end
        found.append(period_at(plan=plan, anchor=anchor, zone=zone, at=ends - HOUR, since=ends))
    return found


@given(plans, zones, instants)
def test_periods_follow_each_other_without_gap_or_overlap(plan, zone, begins):
    periods = life(plan, zone, begins, 5)

    assert periods[0].start == begins
    for one, after in pairwise(periods):
        assert (one.end, one.k + 1) == (after.start, after.k)


@given(plans, zones, instants)
def test_the_windows_of_a_period_tile_it(plan, zone, begins):
    anchor = first_anchor(plan, begins, zone)
    for period in life(plan, zone, begins, 3):
        windows = [one.part for one in windows_of(plan, anchor, zone, period)]

        assert (windows[0].start, windows[-1].end) == (period.start, period.end)
        assert all(one.end == after.start for one, after in pairwise(windows))


@given(plans, zones, instants)
def test_the_windows_of_a_cap_tile_a_period_at_its_own_boundaries(plan, zone, begins):
    interval = plan.window
    plan = replace(plan, auto=AutoPurchase(1, Ratio(1, 1), Ratio(0, 1), 1, cap_window=interval))
    anchor = first_anchor(plan, begins, zone)
    for period in life(plan, zone, begins, 3):
        bounds = cap_bounds(plan, anchor, zone, period)
        windows = windows_of(plan, anchor, zone, period)  # of the same length: the same boundaries

        assert bounds == (*(one.part.start for one in windows), period.end)


def test_a_cap_of_months_in_a_year_counts_from_the_anchor_clamped_to_each_month():
    plan = replace(
        billed(CLOCKS[0]),
        interval=Interval(Unit.YEAR),
        window=Interval(Unit.YEAR),
        auto=AutoPurchase(1, Ratio(1, 1), Ratio(0, 1), 1, cap_window=Interval(Unit.MONTH)),
    )
    anchor = datetime(2027, 1, 31, 10, tzinfo=UTC)
    bounds = cap_bounds(
        plan,
        anchor,
        "UTC",
        period_at(plan=plan, anchor=anchor, zone="UTC", at=anchor, since=anchor),
    )

    assert len(bounds) == 13
    assert [(one.month, one.day) for one in bounds[:4]] == [(1, 31), (2, 28), (3, 31), (4, 30)]
    assert cap_bounds(replace(plan, auto=None), anchor, "UTC", Window(0, *bounds[:2])) == ()


@given(plans, zones, instants)
def test_every_period_but_the_first_is_whole_and_opens_all_its_windows(plan, zone, begins):
    anchor = first_anchor(plan, begins, zone)
    for period in life(plan, zone, begins, 4)[1:]:
        windows = windows_of(plan, anchor, zone, period)

        assert period_stretch(plan, anchor, zone, period).of(10**9) == 10**9
        assert len(windows) == plan.windows_per_period
        assert all(one.part == one.whole for one in windows)


@given(plans, zones, instants, st.floats(0, 0.999))
def test_each_instant_of_a_period_lies_in_exactly_one_window(plan, zone, begins, place):
    anchor = first_anchor(plan, begins, zone)
    period = life(plan, zone, begins, 2)[1]
    at = period.start + (period.end - period.start) * place

    mine = window_at(plan=plan, anchor=anchor, zone=zone, period=period, at=at).part

    assert mine.contains(at)
    others = [one.part for one in windows_of(plan, anchor, zone, period)]
    assert [one for one in others if one.contains(at)] == [mine]


@given(st.sampled_from(MONTHLY), zones, instants)
def test_from_the_first_of_a_month_boundaries_are_local_midnights_of_the_first(
    clocks, zone, begins
):
    plan = billed(clocks, AnchorRule.MONTH_FIRST)
    for period in life(plan, zone, begins, 3):
        local = period.end.astimezone(ZoneInfo(zone))
        assert (local.day, local.hour, local.minute) == (1, 0, 0)


@given(plans, zones, instants)
def test_a_part_costs_less_than_the_whole_and_never_less_than_can_be_charged(plan, zone, begins):
    anchor = first_anchor(plan, begins, zone)
    first, second = life(plan, zone, begins, 2)

    price = period_price(plan, period_stretch(plan, anchor, zone, first))

    assert price == 0 or 50 <= price <= plan.price_minor
    assert period_price(plan, period_stretch(plan, anchor, zone, second)) == plan.price_minor


def test_a_first_period_until_the_first_is_prorated_by_exact_time():
    plan = replace(CORE, anchor_rule=AnchorRule.MONTH_FIRST)
    begins = datetime(2027, 1, 16, 12, tzinfo=UTC)  # half of January is left
    anchor = first_anchor(plan, begins, "UTC")
    period = period_at(plan=plan, anchor=anchor, zone="UTC", at=begins, since=begins)
    (window,) = windows_of(plan, anchor, "UTC", period)

    assert anchor == datetime(2027, 1, 1, tzinfo=UTC)
    assert (period.start, period.end) == (begins, datetime(2027, 2, 1, tzinfo=UTC))
    assert period_price(plan, period_stretch(plan, anchor, "UTC", period)) == 450
    assert window.of(CORE.allowances[0].quantity_micro) == 5_000_000_000


def test_a_first_day_that_costs_too_little_to_charge_is_waived():
    plan = replace(CORE, anchor_rule=AnchorRule.MONTH_FIRST)
    begins = datetime(2027, 1, 31, tzinfo=UTC)
    anchor = first_anchor(plan, begins, "UTC")

    period = period_at(plan=plan, anchor=anchor, zone="UTC", at=begins, since=begins)

    assert period_price(plan, period_stretch(plan, anchor, "UTC", period)) == 0  # 29 cents


@given(instants, zones)
def test_a_trial_lasts_whole_local_days_and_is_one_window(begins, zone):
    plan = replace(CORE, trial=Trial(14, CORE.allowances))
    trial = trial_period(plan, begins, zone)

    assert (trial.k, trial.start) == (TRIAL, begins)
    assert timedelta(days=14) - HOUR <= trial.end - begins <= timedelta(days=14) + HOUR
    anchor = first_anchor(plan, trial.end, zone)
    assert windows_of(plan, anchor, zone, trial) == (Stretch(trial, trial),)
    assert (
        window_at(plan=plan, anchor=anchor, zone=zone, period=trial, at=begins + HOUR).part == trial
    )
    assert period_price(plan, period_stretch(plan, anchor, zone, trial)) == 0
    assert (
        period_at(plan=plan, anchor=anchor, zone=zone, at=begins, since=trial.end).start
        == trial.end
    )


def test_a_plan_without_a_trial_has_none():
    assert trial_period(CORE, datetime(2027, 1, 1, tzinfo=UTC), "UTC") is None


ENDS = datetime(2027, 4, 15, 9, tzinfo=UTC)
ANCHOR = datetime(2027, 1, 15, 9, tzinfo=UTC)
WEEKLY = billed(CLOCKS[1])


@pytest.mark.parametrize(
    ("old", "new", "anchor"),
    [
        (CORE, MAKE.plan("core_40k"), ANCHOR),
        (CORE, MAKE.plan("core_10k_yearly"), ENDS),
        (CORE, WEEKLY, ENDS),
        (
            CORE,
            replace(CORE, anchor_rule=AnchorRule.MONTH_FIRST),
            datetime(2027, 4, 1, tzinfo=UTC),
        ),
        (replace(CORE, anchor_rule=AnchorRule.MONTH_FIRST), CORE, ANCHOR),
    ],
)
def test_the_anchor_stays_unless_the_next_plan_counts_otherwise(old, new, anchor):
    assert next_anchor(old, new, anchor=ANCHOR, ends=ENDS, zone="UTC") == anchor

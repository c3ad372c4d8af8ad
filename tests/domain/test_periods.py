"""Windows tile time, from the original local anchor, whatever clocks and calendars do."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.periods import (
    Interval,
    Unit,
    Window,
    boundary,
    checked_zone,
    day_ends,
    index_at,
    window,
    windows_between,
)

MONTH = Interval(Unit.MONTH)
YEAR = Interval(Unit.YEAR)
# Clocks that change by half an hour, or at midnight, are among them.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/Havana",
)

FIRST = datetime(2016, 1, 1, tzinfo=UTC)
instants = st.integers(0, 16_000 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
zones = st.sampled_from(ZONES)
intervals = st.builds(Interval, st.sampled_from(Unit), st.integers(1, 4))
indexes = st.integers(0, 60)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


def test_m01_month_end_anchor_is_clamped_and_comes_back():
    anchor = utc("2027-01-31T10:00")

    found = [boundary(anchor, "UTC", MONTH, k) for k in range(6)]

    days = ("01-31", "02-28", "03-31", "04-30", "05-31", "06-30")
    assert found == [utc(f"2027-{day}T10:00") for day in days]


def test_m02_leap_day_comes_back_every_fourth_year():
    anchor = utc("2028-02-29T00:00")

    found = [boundary(anchor, "UTC", YEAR, k).date().isoformat() for k in range(1, 5)]

    assert found == ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]


def test_m03_berlin_month_follows_the_summer_time():
    anchor = utc("2026-12-31T23:00")

    march = window(anchor, "Europe/Berlin", MONTH, 2)

    assert march == Window(2, utc("2027-02-28T23:00"), utc("2027-03-31T22:00"))


def test_m03_a_missing_local_time_uses_the_offset_before_the_gap():
    anchor = utc("2027-02-14T07:30")

    found = [boundary(anchor, "America/New_York", MONTH, k) for k in range(3)]

    assert found == [anchor, utc("2027-03-14T07:30"), utc("2027-04-14T06:30")]


def test_m03_a_doubled_local_time_is_the_first_of_the_two():
    anchor = utc("2027-10-07T05:30")

    found = [boundary(anchor, "America/New_York", MONTH, k) for k in range(3)]

    assert found == [anchor, utc("2027-11-07T05:30"), utc("2027-12-07T06:30")]


@given(instants, zones, intervals)
def test_boundary_zero_is_the_anchor(anchor, zone, interval):
    assert boundary(anchor, zone, interval, 0) == anchor


@given(instants, zones, intervals, indexes)
def test_windows_tile_time_without_gap_or_overlap(anchor, zone, interval, k):
    this, following = window(anchor, zone, interval, k), window(anchor, zone, interval, k + 1)

    assert this.start < this.end == following.start
    assert this.contains(this.start)
    assert not this.contains(this.end)


@given(instants, zones, intervals, indexes)
def test_a_boundary_keeps_the_local_time_unless_clocks_skip_it(anchor, zone, interval, k):
    local = anchor.astimezone(ZoneInfo(zone))

    reached = boundary(anchor, zone, interval, k).astimezone(ZoneInfo(zone))

    assert reached.utcoffset() is not None
    ahead = reached.replace(tzinfo=None) - datetime.combine(reached.date(), local.time())
    assert timedelta() <= ahead <= timedelta(hours=1)


@given(instants, zones, st.integers(1, 4), indexes)
def test_a_monthly_boundary_has_the_anchors_day_or_the_months_last(anchor, zone, count, k):
    day = anchor.astimezone(ZoneInfo(zone)).day

    reached = boundary(anchor, zone, Interval(Unit.MONTH, count), k).astimezone(ZoneInfo(zone))

    assert reached.day == day or (reached.day < day and (reached + timedelta(days=1)).day == 1)


@given(instants, zones, intervals, st.timedeltas(timedelta(), timedelta(days=3000)))
def test_every_instant_lies_in_exactly_the_window_of_its_index(anchor, zone, interval, later):
    at = anchor + later

    assert window(anchor, zone, interval, index_at(anchor, zone, interval, at)).contains(at)


@given(instants, zones, intervals, indexes)
def test_the_end_of_a_window_belongs_to_the_next(anchor, zone, interval, k):
    end = window(anchor, zone, interval, k).end

    assert index_at(anchor, zone, interval, end) == k + 1
    assert index_at(anchor, zone, interval, end - timedelta(microseconds=1)) == k


@given(instants, zones, indexes)
def test_a_year_opens_twelve_months_that_tile_it(anchor, zone, k):
    year = window(anchor, zone, YEAR, k)

    months = windows_between(
        anchor=anchor, zone=zone, interval=MONTH, start=year.start, end=year.end
    )

    assert len(months) == 12
    assert (months[0].start, months[-1].end) == (year.start, year.end)
    assert [month.k for month in months] == list(range(12 * k, 12 * k + 12))
    assert all(a.end == b.start for a, b in pairwise(months))


@given(
    instants,
    zones,
    intervals,
    indexes,
    st.integers(0, 6),
    st.timedeltas(timedelta(microseconds=1), timedelta(hours=20)),
)
def test_a_stretch_opens_only_windows_that_start_in_it(anchor, zone, interval, k, more, late):
    start = boundary(anchor, zone, interval, k)
    end = boundary(anchor, zone, interval, k + more)

    found = windows_between(
        anchor=anchor, zone=zone, interval=interval, start=start + late, end=end + late
    )

    assert [each.k for each in found] == list(range(k + 1, k + more + 1))


def test_nothing_opens_before_the_anchor():
    anchor = utc("2027-01-31T10:00")

    assert (
        windows_between(
            anchor=anchor, zone="UTC", interval=MONTH, start=utc("2026-01-01T00:00"), end=anchor
        )
        == ()
    )
    found = windows_between(
        anchor=anchor,
        zone="UTC",
        interval=MONTH,
        start=utc("2026-01-01T00:00"),
        end=utc("2027-02-01T00:00"),
    )
    assert [each.k for each in found] == [0]


@pytest.mark.parametrize(
    ("window_length", "interval", "divides"),
    [
        (MONTH, YEAR, True),
        (Interval(Unit.QUARTER), YEAR, True),
        (Interval(Unit.MONTH, 5), YEAR, False),
        (YEAR, MONTH, False),
        (Interval(Unit.WEEK), MONTH, False),
        (Interval(Unit.DAY), Interval(Unit.WEEK), True),
        (Interval(Unit.DAY, 2), Interval(Unit.WEEK), False),
    ],
)
def test_windows_must_divide_the_period(window_length, interval, divides):
    assert window_length.divides(interval) is divides


@pytest.mark.parametrize(
    ("reason", "ask"),
    [
        ("before_anchor", lambda at: boundary(at, "UTC", MONTH, -1)),
        ("before_anchor", lambda at: index_at(at, "UTC", MONTH, at - timedelta(seconds=1))),
        ("invalid_time", lambda at: boundary(at.replace(tzinfo=None), "UTC", MONTH, 1)),
        ("invalid_time", lambda at: index_at(at, "UTC", MONTH, at.replace(tzinfo=None))),
        ("unknown_time_zone", lambda at: boundary(at, "Europe/Atlantis", MONTH, 1)),
        ("unknown_time_zone", lambda _: checked_zone("../etc")),
        ("out_of_calendar", lambda at: boundary(at, "UTC", YEAR, 9000)),
        ("out_of_calendar", lambda at: boundary(at, "UTC", Interval(Unit.DAY), 10**12)),
        ("invalid_interval", lambda _: Interval(Unit.MONTH, 0)),
    ],
)
def test_a_question_without_an_answer_is_refused_by_name(reason, ask):
    with pytest.raises(InvalidInput) as refusal:
        ask(utc("2027-01-31T10:00"))

    assert refusal.value.reason == reason


@given(instants, zones)
def test_a_day_ends_with_its_last_second(at, zone):
    local, ends = ZoneInfo(zone), day_ends(at, zone)

    assert ends.astimezone(local).date() == at.astimezone(local).date()
    following = (ends + timedelta(seconds=1)).astimezone(local).replace(tzinfo=None)
    assert following.date() > at.astimezone(local).date()
    skipped = following - datetime.combine(following.date(), time())
    assert skipped <= timedelta(hours=1)  # where clocks skip midnight


@pytest.mark.parametrize(
    ("at", "zone", "ends"),
    [
        ("2027-01-31T00:00", "UTC", "2027-01-31T23:59:59"),
        ("2027-01-31T00:00", "America/Los_Angeles", "2027-01-31T07:59:59"),  # the 30th there
        ("2027-01-31T12:00", "Pacific/Kiritimati", "2027-02-01T09:59:59"),
        ("2023-04-27T12:00", "Africa/Cairo", "2023-04-27T21:59:59"),  # the next midnight is skipped
        ("2023-10-26T12:00", "Africa/Cairo", "2023-10-26T21:59:59"),  # 23 o'clock comes twice
    ],
)
def test_days_end_at_the_customers_midnight(at, zone, ends):
    assert day_ends(utc(at), zone) == utc(ends)

"""A file of subscriptions is read whole, and a running period keeps its end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalogs.reader import read_catalog
from domain.errors import InvalidInput
from domain.payments.import_files import InvalidImport
from domain.payments.import_subscriptions import (
    COLUMNS,
    OPTIONAL,
    Brings,
    read_subscriptions,
    running_period,
)
from domain.periods import Interval, Unit, anchor_of, boundary
from domain.subscription import Status
from tests.builders import shipped_plan

CLOCKS = Path(__file__).parent.parent / "catalogs" / "clocks.yaml"
HEADING = ",".join(COLUMNS)
GOOD = "acme,Acme Inc,ann@acme.example,make,core_10k,2027-02-01T00:00:00Z,active,old-1"
MID_JANUARY = datetime(2027, 1, 16, 12, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR_2020 = datetime(2020, 1, 1, tzinfo=UTC)
UNITS = [Unit.WEEK, Unit.MONTH, Unit.QUARTER, Unit.YEAR]
CORE = shipped_plan("make", "core_10k")


def one(**facts):
    (row,) = read_subscriptions(f"{HEADING}\n{GOOD}")
    return replace(row, **facts)


def test_what_a_file_leaves_out_is_as_usual():
    row = one()

    assert (row.subscription_id, row.version, row.locale, row.time_zone) == (
        "acme",
        0,
        "en_US",
        None,
    )
    assert (row.status, row.payer, row.method) == (Brings.ACTIVE, "", "")
    assert row.start(MID_JANUARY).begins_at == MID_JANUARY


def test_all_faults_are_named_at_once():
    heading = f"{HEADING},{','.join(OPTIONAL)}"
    with pytest.raises(InvalidImport) as found:
        read_subscriptions(
            f"{heading}\n"
            "a b,,nobody,x y,,soon,gone,,a:b,0,,Mars/City,then,c d,p m,\n"
            f"{GOOD},,,,,,,,\n{GOOD},,,,,,,,\nacme:1{GOOD[4:]},,,,,,,,"
        )

    assert [(one.line, one.column, one.reason) for one in found.value.faults] == [
        (2, "customer", "invalid_id"),
        (2, "subscription", "invalid_id"),
        (2, "name", "malformed"),
        (2, "email", "invalid_email"),
        (2, "seller", "unknown_catalog"),
        (2, "plan", "unknown_plan"),
        (2, "version", "invalid_value"),
        (2, "status", "invalid_value"),
        (2, "renews_at", "invalid_time"),
        (2, "anchor", "invalid_time"),
        (2, "time_zone", "unknown_time_zone"),
        (2, "processor_customer", "invalid_id"),
        (2, "payment_method", "invalid_id"),
        (2, "key", "invalid_key"),
        (4, "key", "idempotency_conflict"),
        (5, "customer", "invalid_id"),
    ]


@given(
    anchor=st.integers(0, 6 * 365 * 24 * 60).map(lambda n: YEAR_2020 + timedelta(minutes=n)),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Apia", "America/St_Johns"]),
    interval=st.builds(Interval, st.sampled_from(UNITS), st.integers(1, 3)),
    k=st.integers(1, 8),
)
def test_an_anchor_is_found_from_which_the_renewal_is_counted(anchor, zone, interval, k):
    ends = boundary(anchor, zone, interval, k)
    assume(ends.astimezone(ZoneInfo(zone)).fold == 0)  # an hour that happens twice is the first

    found = anchor_of(ends, zone, interval)

    assert found < ends
    assert ends in [boundary(found, zone, interval, n) for n in range(1, 13)]


@pytest.mark.parametrize("status", [Brings.ACTIVE, Brings.CANCELED, Brings.PAUSED])
def test_a_running_period_ends_when_the_file_says(status):
    running = running_period(
        shipped_plan("make", "core_10k"), one(status=status), "UTC", MID_JANUARY
    )

    assert (running.period.start, running.period.end) == (
        datetime(2027, 1, 1, tzinfo=UTC),
        datetime(2027, 2, 1, tzinfo=UTC),
    )
    assert running.status == status.value
    assert running.period.k >= 0


def test_a_renewal_on_a_short_months_last_day_returns_to_the_31st_with_its_anchor():
    ends = datetime(2027, 2, 28, tzinfo=UTC)
    moved = one(renews_at=ends, anchor=datetime(2026, 10, 31, tzinfo=UTC))

    running = running_period(CORE, moved, "UTC", ends - 5 * DAY)

    k = running.period.k
    assert running.period.start == datetime(2027, 1, 31, tzinfo=UTC)
    assert boundary(running.anchor, "UTC", CORE.interval, k + 2) == datetime(
        2027, 3, 31, tzinfo=UTC
    )


def test_a_trial_ends_with_the_first_charge():
    plan = read_catalog(CLOCKS).plan("tried")
    moved = one(status=Brings.TRIALING, renews_at=MID_JANUARY + 3 * DAY)

    running = running_period(plan, moved, "UTC", MID_JANUARY)

    assert (running.status, running.period.k) == (Status.TRIALING, -1)
    assert running.anchor == running.period.end == moved.renews_at


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"renews_at": MID_JANUARY}, "invalid_time"),
        ({"renews_at": datetime(2027, 3, 1, tzinfo=UTC)}, "invalid_time"),  # not the running one
        ({"anchor": datetime(2026, 12, 2, tzinfo=UTC)}, "invalid_time"),  # ends on a 2nd
        ({"anchor": datetime(2027, 2, 1, tzinfo=UTC)}, "invalid_time"),
        ({"status": Brings.TRIALING}, "invalid_value"),  # a plan without one
    ],
)
def test_no_other_period_is_taken_for_the_running_one(facts, reason):
    with pytest.raises(InvalidInput) as refused:
        running_period(CORE, one(**facts), "UTC", MID_JANUARY)
    assert refused.value.reason == reason

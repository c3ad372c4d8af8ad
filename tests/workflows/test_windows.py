"""Periods and windows: boundaries from the anchor, resets, late renewals, the yearly plans."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from domain.credits import MICRO
from tests.fleet import SECOND, Customer, RunningFleet

pytestmark = pytest.mark.long


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def granted(customer: Customer, source: str = "allowance") -> list[tuple[datetime, datetime, int]]:
    """Return begin, end and micro-credits of each grant."""
    query = (
        "SELECT effective_at, expires_at, granted FROM grants WHERE account_id = %s"
        f" AND source = '{source}' ORDER BY effective_at"
    )
    return [(row[0], row[1], row[2]) for row in customer.rows(query)]


async def test_m01_a_month_end_anchor_is_kept_and_every_reset_takes_the_rest(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", begins=utc("2027-01-31T10:00"))
    await customer.report(["320"])

    await customer.pass_until(utc("2027-02-28T09:59:58"))
    assert (await customer.life.status())["available"] == "9680"
    status = await customer.pass_until(utc("2027-02-28T10:00") + SECOND)
    assert status["available"] == "10000"
    expired = [line for line in customer.history() if line.kind == "expiry"]
    assert [line.change_micro for line in expired] == [-9680 * MICRO]
    await customer.pass_until(utc("2027-05-31T10:00") + SECOND)

    boundaries = ["01-31", "02-28", "03-31", "04-30", "05-31", "06-30"]
    instants = [utc(f"2027-{day}T10:00") for day in boundaries]
    assert [(begin, end) for begin, end, _ in granted(customer)] == list(pairwise(instants))
    assert customer.paid() == [900] * 5
    assert customer.mails() == ["receipt", "welcome", *["receipt"] * 4]
    customer.check()


async def test_m02_a_year_from_a_leap_day_ends_on_the_last_of_february(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("pro_120k_yearly", begins=utc("2028-02-29T00:00"))

    await customer.pass_until(utc("2032-02-29T00:00") + SECOND)

    days = ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]
    assert [begin for begin, _, _ in granted(customer)] == [utc(f"{day}T00:00") for day in days]
    assert customer.paid() == [19200] * 5
    customer.check()


async def test_m03_a_local_midnight_in_berlin_follows_summer_time(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe(
        "core_10k", begins=utc("2027-02-28T23:00"), time_zone="Europe/Berlin"
    )

    status = await customer.pass_until(utc("2027-03-31T22:00") + SECOND)

    march, april = granted(customer)
    assert march == (utc("2027-02-28T23:00"), utc("2027-03-31T22:00"), 10_000 * MICRO)
    assert april[0] == utc("2027-03-31T22:00")
    assert status["period_end"] == "2027-04-30T22:00:00+00:00"
    customer.check()


async def test_m07_core_billed_yearly_resets_every_month_and_takes_the_extras_with_it(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k_yearly", begins=utc("2027-01-15T00:00"))
    await customer.pass_until(utc("2027-02-10T00:00"))
    await customer.report(["10000"])
    bought = await customer.buy("5000")
    await customer.report(["2000"])

    status = await customer.pass_until(utc("2027-02-15T00:00") + SECOND)

    assert (bought["status"], bought["amount_minor"]) == ("paid", 450)
    assert customer.paid() == [10800, 450]
    expired = [line for line in customer.history() if line.kind == "expiry"]
    # 5,000 extras brought data transfer of 512 KiB each, which ends with them.
    assert [(line.change_micro, line.credit_type, line.source) for line in expired] == [
        (-3000 * MICRO, "credits", "manual_purchase"),
        (-5000 * 524288 * MICRO, "data_transfer", "manual_purchase"),
    ]
    assert status["available"] == "10000"
    assert len(granted(customer)) == 12
    customer.check()


async def test_a_free_plan_renews_without_a_charge(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("free", card=None)
    await customer.report(["400"])

    status = await customer.pass_until(utc("2027-03-01T00:00") + SECOND)

    assert (status["status"], status["available"]) == ("active", "1000")
    assert (customer.paid(), customer.charges(), customer.mails()) == ([], [], ["welcome"])
    assert (await customer.use("1001"))["reason"] == "insufficient_credits"
    customer.check()


async def test_m18_usage_before_a_late_renewal_waits_for_it_and_buys_nothing(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["9999"])
    await customer.pass_until(utc("2027-01-31T23:59:00"))
    boundary = utc("2027-02-01T00:00")

    with customer.payment_held():
        await customer.skip_to(boundary)
        asked = asyncio.create_task(customer.use("5", "m18-waits"))
        await customer.reached("paying")
        direct = await customer.debit("7", "m18-direct", boundary + timedelta(minutes=1))
    waiting = await asked

    assert direct.status == "renewal_pending"
    assert waiting["status"] == "debited"
    await customer.life.settle()
    again = await customer.debit("7", "m18-direct", boundary + timedelta(minutes=1))
    assert again.status == "debited"
    assert customer.paid() == [900, 900]
    customer.check()

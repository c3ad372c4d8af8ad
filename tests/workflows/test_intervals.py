"""Billing intervals and anchors in virtual time: weeks, quarters, years, from the first."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fleet import BEGINS, SECOND, RunningFleet

pytestmark = pytest.mark.long


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


BERLIN_SPRING = utc("2027-03-24T08:00")  # 09:00 in Berlin; clocks go forward on the 28th


@pytest.mark.parametrize(
    ("plan", "begins", "zone", "until", "boundaries", "paid"),
    [
        (
            "weekly",
            BERLIN_SPRING,
            "Europe/Berlin",
            "2027-04-07T07:00",
            ["2027-03-31T07:00", "2027-04-07T07:00"],
            [300, 300, 300],
        ),
        (
            "fortnightly",
            utc("2027-01-30T00:00"),
            None,
            "2027-02-13T00:00",
            ["2027-02-06T00:00", "2027-02-13T00:00", "2027-02-20T00:00"],
            [500, 500],
        ),
        (
            "quarterly",
            utc("2027-11-30T12:00"),
            None,
            "2028-02-29T12:00",
            ["2027-12-30T12:00", "2028-01-30T12:00", "2028-02-29T12:00", "2028-03-30T12:00"],
            [2400, 2400],
        ),
        (
            "biyearly",
            utc("2027-01-31T00:00"),
            None,
            "2027-10-31T00:00",
            ["2027-04-30T00:00", "2027-07-31T00:00", "2027-10-31T00:00", "2028-01-31T00:00"],
            [17000],
        ),
    ],
)
async def test_an_interval_is_counted_in_the_customers_calendar(
    fleet: RunningFleet,
    plan: str,
    begins: datetime,
    zone: str | None,
    until: str,
    boundaries: list[str],
    paid: list[int],
) -> None:
    customer = await fleet.subscribe(plan, catalog="clocks", begins=begins, time_zone=zone)

    status = await customer.pass_until(utc(until) + SECOND)

    ends = [end for _, end, _, _ in customer.grants("allowance")]
    assert ends[: len(boundaries)] == [utc(text) for text in boundaries]
    assert (status["available"], customer.paid()) == ("1000", paid)
    assert sum(cost for *_, cost in customer.grants("allowance")) == sum(paid)
    customer.check()


async def test_counted_from_the_first_the_first_period_is_a_part_and_costs_a_part(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("first", catalog="clocks", begins=utc("2027-01-16T12:00"))

    status = await customer.life.status()
    assert (status["available"], status["period_end"]) == ("500", "2027-02-01T00:00:00+00:00")
    upgrade = await customer.change_plan("first_grand", preview=True)
    changed = await customer.change_plan("first_grand")
    assert (upgrade["amount_minor"], changed["amount_minor"]) == (4050, 4050)
    assert (upgrade["extra_credits"], changed["available"]) == ({"credits": "4500"}, "5000")
    status = await customer.pass_until(utc("2027-03-01T00:00") + SECOND)

    assert (status["available"], status["plan"]) == ("10000", "first_grand")
    assert customer.paid() == [450, 4050, 9000, 9000]
    customer.check()


async def test_a_year_from_the_first_begins_with_a_part_of_a_month(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe(
        "first_yearly", catalog="clocks", begins=utc("2027-01-16T12:00")
    )

    status = await customer.pass_until(utc("2027-02-01T00:00") + SECOND)

    grants = customer.grants("allowance")
    assert [quantity for _, _, quantity, _ in grants] == [500, *[1000] * 11]
    assert (status["available"], status["period_end"]) == ("1000", "2028-01-01T00:00:00+00:00")
    assert customer.paid() == [8618]  # 349.5 of 365 days
    assert sum(cost for *_, cost in grants) == 8618
    customer.check()


async def test_a_first_day_that_cannot_be_charged_is_waived(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("first", catalog="clocks", begins=utc("2027-01-31T12:00"))

    assert (await customer.life.status())["status"] == "active"
    assert (customer.paid(), len(customer.grants("allowance"))) == ([], 1)
    await customer.pass_until(utc("2027-02-01T00:00") + SECOND)
    assert customer.paid() == [900]
    customer.check()


async def test_from_month_to_week_and_to_the_first_the_anchor_moves_with_the_plan(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("plain", catalog="clocks", begins=BEGINS + timedelta(days=9))
    await customer.change_plan("weekly")
    await customer.pass_until(utc("2027-02-10T00:00") + SECOND)
    await customer.change_plan("first")

    status = await customer.pass_until(utc("2027-02-17T00:00") + SECOND)

    assert (status["plan"], status["period_end"]) == ("first", "2027-03-01T00:00:00+00:00")
    assert customer.paid() == [900, 300, 386]  # 12 of 28 days
    customer.check()


async def test_a_cap_of_a_month_counts_anew_in_a_paid_year(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("capped", catalog="clocks", auto=True)
    await customer.report(["1001"])  # the year's 1,000 and one that is bought

    full = await customer.use("500")
    await customer.pass_until(utc("2027-02-01T00:00") + SECOND)
    bought = await customer.use("500")

    assert full["reason"] == "cap_reached"
    assert (bought["status"], bought["available"]) == ("debited", "499")
    assert customer.paid() == [9000, 4500, 4500]
    (mail,) = customer.rows(
        "SELECT payload -> 'mail' -> 'auto' ->> 'window_end' FROM outbox WHERE account_id = %s"
        " AND payload -> 'mail' ->> 'kind' = 'cap_reached'"
    )
    assert datetime.fromisoformat(mail[0]) == utc("2027-02-01T00:00")
    customer.check()

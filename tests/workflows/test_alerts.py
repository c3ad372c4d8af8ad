"""Alerts and warnings in virtual time: sent once, by mail and by notice, when due."""

from datetime import UTC, datetime, timedelta
from typing import Any

from local.patience import until
from tests.fleet import SECOND, Customer, RunningFleet

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
WEEK_BEFORE, DAY_BEFORE = FEBRUARY - timedelta(days=7), FEBRUARY - timedelta(days=1)


async def notices(customer: Customer, *, unread: bool = False) -> list[dict[str, Any]]:
    answer = await customer.life.ask("list_notices", {"unread": unread})
    assert answer["status"] == "done"
    return list(answer["notices"])


async def told(customer: Customer, count: int) -> list[dict[str, Any]]:
    """Wait for the relay, which does not run in virtual time."""
    return await until(
        lambda: notices(customer), lambda seen: len(seen) >= count, f"{count} notices"
    )


def mails(customer: Customer) -> list[str]:
    kinds = ("low_balance", "credits_expiring")
    return [kind for kind in customer.mails() if kind in kinds]


async def test_m12_an_alert_at_a_hundred_of_five_hundred_and_again_next_month(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    await customer.report(["99"] * 8 + ["7"], action="email_verification")  # 100.5 left
    assert mails(customer) == []
    await customer.use("1", action="email_verification")
    (notice,) = await told(customer, 1)
    await customer.use("50", action="ai_email")

    assert (notice["kind"], notice["available"], notice["base"]) == ("low_balance", "100", "500")
    assert notice["used_most"] == [{"action": "email_verification", "credits": "400"}]
    await customer.pass_until(FEBRUARY + SECOND)
    await customer.report(["50"] * 8, action="ai_email")

    assert len(await told(customer, 2)) == len(mails(customer)) == 2
    read = await customer.life.ask("read_notices", {"notices": [notice["notice"]]})
    assert read == {"status": "done", "read": 1}
    assert notice["notice"] not in [one["notice"] for one in await notices(customer, unread=True)]
    customer.check()


async def test_own_thresholds_outlive_a_renewal_and_can_be_given_up(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    own = [{"credits": "450", "channel": "in_app"}]

    set_own = await customer.life.ask("set_alerts", {"alerts": own})
    await customer.use("50", action="ai_email")
    await told(customer, 1)
    await customer.pass_until(FEBRUARY + SECOND)
    await customer.report(["50", "10"], action="ai_email")
    await told(customer, 2)
    back = await customer.life.ask("set_alerts", {"alerts": None})
    await customer.report(["50"] * 6 + ["40"], action="ai_email")
    found = await told(customer, 3)

    assert (set_own["own"], back["own"]) == (True, False)
    assert [one["threshold"] for one in found] == ["20_percent", "450_credits", "450_credits"]
    assert mails(customer) == ["low_balance"]
    customer.check()


async def test_credits_that_expire_soon_are_told_once_a_week_and_once_a_day_before(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")
    await customer.life.ask("give_bonus", {"bonus": "feedback", "invitee": "user-1"})

    await customer.pass_until(WEEK_BEFORE - SECOND)
    assert await notices(customer) == []
    await customer.pass_until(WEEK_BEFORE + SECOND)
    assert [one["credits"] for one in await notices(customer)] == ["50"]
    await customer.life.ask("give_bonus", {"bonus": "feedback", "invitee": "user-2"})
    await customer.pass_until(DAY_BEFORE + SECOND)
    await customer.pass_until(FEBRUARY + SECOND)

    found = await notices(customer)
    assert [(one["days"], one["credits"]) for one in found] == [(1, "100"), (7, "50")]
    assert {one["expires_at"] for one in found} == {FEBRUARY.isoformat()}
    assert mails(customer) == ["credits_expiring"] * 2
    customer.check()


async def test_gifts_with_ends_of_their_own_are_told_of_and_warned_of_a_day_before_each(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("welcomed", catalog="clocks")
    begun = FEBRUARY.replace(month=1)
    listed = {"bonus": "feedback", "invitee": "user-1"}
    own = {"bonus": "feedback", "invitee": "user-2", "valid_days": 12}
    for gift in (listed, listed, own):
        await customer.life.ask("give_bonus", gift)

    assert customer.mails().count("bonus_given") == 2
    ends = customer.rows(
        "SELECT expires_at - effective_at FROM grants WHERE account_id = %s AND source = 'bonus'"
        " ORDER BY 1"
    )
    assert [lasts.days for (lasts,) in ends] == [10, 12, 14]
    await customer.pass_until(begun + timedelta(days=14, seconds=60))

    found = await notices(customer)
    assert [(one["days"], one["credits"]) for one in found] == [(1, "30"), (1, "30"), (1, "50")]
    customer.check()


async def test_credits_used_in_time_are_not_warned_of(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")
    await customer.life.ask("give_bonus", {"bonus": "feedback", "invitee": "user-1"})

    await customer.use("60", action="export")
    await customer.pass_until(FEBRUARY + SECOND)

    assert "credits_expiring" not in mails(customer)
    customer.check()

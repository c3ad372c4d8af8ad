"""Trials: credits for some days before the first charge, once per customer."""

import asyncio
from datetime import UTC, datetime, timedelta

from tests.fleet import BEGINS, SECOND, RunningFleet

DAY = timedelta(days=1)
TRIAL_ENDS = datetime(2027, 1, 15, tzinfo=UTC)
AFTER = datetime(2027, 2, 15, tzinfo=UTC)


async def test_a_trial_serves_without_a_charge_and_then_becomes_a_paid_period(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("tried", catalog="clocks")

    status = await customer.life.status()
    assert (status["status"], status["available"]) == ("trialing", "100")
    assert status["period_end"] == TRIAL_ENDS.isoformat()
    assert (await customer.use("40"))["available"] == "60"
    assert (await customer.use("61"))["reason"] == "insufficient_credits"
    assert (customer.paid(), customer.charges(), customer.mails()) == ([], [], ["welcome"])
    status = await customer.pass_until(TRIAL_ENDS + SECOND)

    assert (status["status"], status["available"]) == ("active", "1000")
    assert status["period_end"] == AFTER.isoformat()
    assert customer.grants("trial") == [(BEGINS, TRIAL_ENDS, 100, 0)]
    assert customer.grants("allowance") == [(TRIAL_ENDS, AFTER, 1000, 900)]
    assert customer.paid() == [900]
    assert customer.mails() == ["welcome", "receipt"]
    assert customer.books() == {"cash": 900, "deferred_revenue": -900}
    customer.check()


async def test_a_trial_needs_no_card_and_its_end_waits_for_one(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("tried", catalog="clocks", card=None)
    await customer.report(["40"])

    status = await customer.pass_until(TRIAL_ENDS + SECOND)
    assert (status["status"], status["available"]) == ("paused", "60")
    assert (await customer.use("1"))["reason"] == "paused:payment_failed"
    assert (await customer.use("1", action="ping"))["status"] == "debited"
    await customer.pass_until(TRIAL_ENDS + 2 * DAY)
    status = await customer.update_card()

    assert (status["status"], status["available"]) == ("active", "1000")
    assert customer.paid() == [900]
    assert customer.grants("allowance") == [(TRIAL_ENDS, AFTER, 1000, 900)]
    customer.check()


async def test_canceled_during_its_trial_a_subscription_ends_without_a_charge(
    fleet: RunningFleet,
) -> None:
    at_end, now = await asyncio.gather(
        fleet.subscribe("tried", catalog="clocks"), fleet.subscribe("tried", catalog="clocks")
    )
    await at_end.cancel()
    preview = await now.cancel("now", preview=True)
    assert (
        (await now.cancel("now"))["lost_credits"] == preview["lost_credits"] == {"credits": "100"}
    )

    assert (await at_end.use("100"))["status"] == "debited"
    await at_end.pass_until(TRIAL_ENDS + SECOND)

    for customer in (at_end, now):
        assert await customer.outcome() == "ended"
        assert (customer.paid(), customer.charges()) == ([], [])
        customer.check()


async def test_a_customer_has_one_trial_ever(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("tried", catalog="clocks")
    await customer.cancel("now")
    await customer.outcome()

    again = await fleet.subscribe(
        "tried_grand", catalog="clocks", begins=TRIAL_ENDS, again=customer
    )

    assert (await again.life.status())["status"] == "active"
    assert again.paid() == [9000]
    assert len(again.grants("trial")) == 1
    again.check()


async def test_another_plan_chosen_in_a_trial_begins_when_it_is_over(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("tried", catalog="clocks")

    preview = await customer.change_plan("tried_grand", preview=True)
    scheduled = await customer.change_plan("tried_grand")
    status = await customer.pass_until(TRIAL_ENDS + SECOND)

    assert (preview["amount_minor"], preview["why"]) == (0, "trial")
    assert scheduled["effective_at"] == preview["effective_at"] == TRIAL_ENDS.isoformat()
    assert (status["plan"], status["available"]) == ("tried_grand", "10000")
    assert (customer.paid(), len(customer.grants("trial"))) == ([9000], 1)
    customer.check()

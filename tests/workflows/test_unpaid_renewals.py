"""What follows an unpaid renewal: a pause, a pause in which bought credits serve, or the end."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fleet import Customer, RunningFleet

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def unpaid(
    fleet: RunningFleet, plan: str, *, bought: str = "500", **fault: object
) -> Customer:
    """Return a customer whose renewal has just been declined."""
    customer = await fleet.subscribe(plan, catalog="clocks")
    await customer.buy(bought)
    customer.fault("decline", **fault)
    await customer.pass_until(FEBRUARY + MINUTE)
    return customer


async def test_bought_credits_serve_while_a_patient_plan_waits_for_its_money(
    fleet: RunningFleet,
) -> None:
    customer = await unpaid(fleet, "kept", code="insufficient_funds", count=99)

    assert (await customer.life.status())["status"] == "past_due"
    assert (await customer.use("300"))["available"] == "200"  # the allowance is gone
    assert (await customer.use("201"))["reason"] == "paused:payment_failed"
    assert (await customer.buy("500"))["reason"] == "paused:payment_failed"
    await customer.pass_until(
        FEBRUARY + 5 * DAY - MINUTE
    )  # dunning until the 4th, two days of grace
    assert (await customer.use("50"))["status"] == "debited"
    await customer.pass_until(FEBRUARY + 5 * DAY + MINUTE)
    assert (await customer.use("50"))["reason"] == "paused:payment_failed"
    customer.fleet.standin.behave()
    status = await customer.update_card()

    assert (status["status"], status["available"]) == ("active", "1150")
    assert customer.paid() == [900, 450, 900]
    customer.check()


async def test_an_impatient_plan_pauses_all_the_same(fleet: RunningFleet) -> None:
    customer = await unpaid(fleet, "plain", code="insufficient_funds", count=99)

    assert (await customer.use("1"))["reason"] == "paused:payment_failed"
    status = await customer.pass_until(FEBRUARY + 20 * DAY)
    assert (status["status"], customer.attempts()) == ("paused", 5)
    status = await customer.pass_until(FEBRUARY + 40 * DAY)

    assert (status["status"], customer.attempts()) == ("past_due", 5)
    assert customer.charges()[-1] == ("period", "void", 900)
    customer.check()


async def test_a_plan_may_end_a_subscription_after_its_dunning(fleet: RunningFleet) -> None:
    customer = await unpaid(fleet, "ended", code="insufficient_funds", count=99)
    status = await customer.pass_until(FEBRUARY + 5 * DAY - MINUTE)
    assert (status["status"], customer.attempts()) == ("paused", 5)

    await customer.pass_until(FEBRUARY + 5 * DAY + MINUTE)

    assert await customer.outcome() == "ended"
    assert customer.charges()[-1] == ("period", "void", 900)
    assert customer.mails()[-2:] == ["paused", "canceled"]
    fleet.standin.behave()
    again = await fleet.subscribe(
        "plain", catalog="clocks", begins=FEBRUARY + 9 * DAY, again=customer
    )
    assert (await again.life.status())["available"] == "1500"
    again.check()


async def test_a_card_that_cannot_work_leaves_as_much_time_for_another(
    fleet: RunningFleet,
) -> None:
    customer = await unpaid(fleet, "ended", code="stolen_card")

    await customer.pass_until(FEBRUARY + 4 * DAY)
    status = await customer.update_card()

    assert (status["status"], customer.attempts()) == ("active", 4)
    assert (await customer.pass_until(FEBRUARY + 20 * DAY))["status"] == "active"
    customer.check()

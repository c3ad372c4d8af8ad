"""What an operator's pause does to charges and renewals, played."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fleet import SECOND, RunningFleet
from tests.workflows.test_rebuilding import lose, rebuild

pytestmark = pytest.mark.long

DAY = timedelta(days=1)
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
APRIL = datetime(2027, 4, 1, tzinfo=UTC)
MAY = datetime(2027, 5, 1, tzinfo=UTC)


NOTE = {"reason": "under review", "by": "ada"}


async def test_nothing_is_charged_or_renewed_while_an_operators_pause_lasts(
    fleet: RunningFleet,
) -> None:
    customers = {
        at: await fleet.subscribe("core_10k", auto=True)
        for at in (FEBRUARY - 10 * SECOND, FEBRUARY - 5 * DAY)
    }
    resumed = FEBRUARY + 9 * DAY
    for at, customer in customers.items():
        await customer.pass_until(at)
        assert (await customer.life.ask("pause", NOTE))["status"] == "paused"
        status = await customer.pass_until(resumed)
        assert (status["status"], status["paused_by"]) == ("paused", ["by_operator"])
        assert (customer.attempts(), customer.paid()) == (1, [900])
        assert (await customer.use("1"))["reason"] == "paused:by_operator"

        assert (await customer.life.ask("resume", NOTE))["status"] in ("active", "renewing")
        status = await customer.life.settle()
        assert (status["status"], status["available"]) == ("active", "10000")
        assert status["period_start"].startswith("2027-02-10T00:00:0")
        assert status["period_end"].startswith("2027-03-10T00:00:0")
        assert customer.paid() == [900, 900]
        status = await customer.pass_until(MARCH + 10 * DAY)
        assert status["period_end"].startswith("2027-04-10T00:00:0")
        assert customer.paid() == [900, 900, 900]
        customer.check()


async def test_a_resumed_subscription_keeps_its_anchor_where_that_is_asked(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.life.ask("pause", NOTE)
    again = await rebuild(customer, MARCH + 9 * DAY) if await lose(customer) else customer
    assert (await again.life.settle())["paused_by"] == ["by_operator"]

    await again.life.ask("resume", NOTE | {"keep_anchor": True})
    status = await again.life.settle()

    assert (status["period_start"], status["period_end"]) == (MARCH.isoformat(), APRIL.isoformat())
    assert customer.paid() == [900, 900]
    again.check()


async def test_a_pause_holds_the_tries_of_a_declined_renewal(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    over = await fleet.subscribe("core_10k")
    for one in (customer, over):
        one.fault("decline", code="insufficient_funds")
        await one.pass_until(FEBRUARY + SECOND)
        await one.life.ask("pause", NOTE)
        await one.update_card()
        await one.pass_until(FEBRUARY + 9 * DAY)
        assert (one.attempts(), one.paid()) == (2, [900])

    await customer.life.ask("resume", NOTE)
    status = await customer.life.settle()
    assert (status["status"], status["period_start"]) == ("active", FEBRUARY.isoformat())

    await over.pass_until(MARCH + DAY)
    assert over.charges()[-1] == ("period", "void", 900)
    await over.life.ask("resume", NOTE)
    status = await over.life.settle()
    assert status["period_start"].startswith("2027-03-02T00:00:0")
    for one in (customer, over):
        assert one.paid() == [900, 900]
        one.check()


async def test_a_free_plan_and_an_end_in_an_operators_pause(fleet: RunningFleet) -> None:
    free = await fleet.subscribe("free")
    ends = await fleet.subscribe("core_10k")
    await ends.cancel()
    for one in (free, ends):
        await one.life.ask("pause", NOTE)

    status = await free.pass_until(FEBRUARY + DAY)
    assert (status["status"], status["period_end"]) == ("paused", FEBRUARY.isoformat())
    await free.life.ask("resume", NOTE)
    status = await free.life.settle()
    assert status["period_start"].startswith("2027-02-02T00:00:0")
    await ends.pass_until(FEBRUARY + SECOND)
    assert await ends.outcome() == "ended"
    for one in (free, ends):
        one.check()

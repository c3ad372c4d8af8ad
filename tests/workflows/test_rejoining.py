"""The free plan and coming back: bought credits are frozen, never lost, and thaw when paid."""

from datetime import UTC, datetime, timedelta

from tests.fleet import SECOND, RunningFleet

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
APRIL = datetime(2027, 4, 1, tzinfo=UTC)
MID_FEBRUARY = datetime(2027, 2, 15, tzinfo=UTC)
DAY = timedelta(days=1)


async def test_down_to_free_and_up_again_freezes_and_thaws(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("plain", catalog="clocks")
    await customer.buy("500")
    await customer.report(["1200"])  # 300 bought credits are left
    await customer.change_plan("free")

    status = await customer.pass_until(FEBRUARY + SECOND)
    assert (status["plan"], status["available"]) == ("free", "10")
    assert (await customer.use("11"))["reason"] == "insufficient_credits"
    assert (await customer.use("10"))["status"] == "debited"
    assert (await customer.buy("500"))["reason"] == "not_in_plan"
    await customer.pass_until(MID_FEBRUARY)
    preview = await customer.change_plan("plain", preview=True)
    changed = await customer.change_plan("plain")

    assert (preview["amount_minor"], preview["extra_credits"]) == (450, {"credits": "990"})
    assert changed["amount_minor"] == preview["amount_minor"]
    assert changed["available"] == "1290"  # the allowance's difference, and what was frozen
    status = await customer.pass_until(MARCH + SECOND)
    assert (status["available"], customer.paid()) == ("1300", [900, 450, 450, 900])
    assert customer.books()["breakage"] == -450  # of the upgrade, unused
    customer.check()


async def test_who_left_finds_bought_credits_again_with_any_paid_plan(fleet: RunningFleet) -> None:
    first = await fleet.subscribe("plain", catalog="clocks")
    await first.buy("500")
    preview = await first.cancel(preview=True)
    canceled = await first.cancel()
    assert (preview["lost_credits"], preview["kept_credits"]) == (
        {"credits": "1000"},
        {"credits": "500"},
    )
    assert canceled == preview | {"status": "canceled"}
    await first.pass_until(FEBRUARY + SECOND)
    assert (await first.debit("1", "gone", FEBRUARY + DAY)).status == "subscription_ended"

    free = await fleet.subscribe("free", catalog="clocks", begins=FEBRUARY + DAY, again=first)
    assert (await free.life.status())["available"] == "10"  # still frozen
    await free.cancel("now")
    await free.outcome()
    again = await fleet.subscribe("weekly", catalog="clocks", begins=MARCH, again=first)

    assert (await again.life.status())["available"] == "1500"
    assert (await again.use("1500"))["status"] == "debited"
    await again.pass_until(MARCH + 7 * DAY + SECOND)
    assert again.paid() == [900, 450, 300, 300]
    again.check()

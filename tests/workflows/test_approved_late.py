"""An approved operation happens at the approval, in the window of then, and may buy."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.fleet import SECOND, Customer, Json, RunningFleet
from tests.workflows.test_approvals import request_of

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)


async def a_strict_team(fleet: RunningFleet, *, auto: bool = False) -> Customer:
    """Ada asks Grace; the plan takes no usage of a window that has ended."""
    customer = await fleet.subscribe("team", catalog="strict", auto=auto)
    for member, role in (("ada", "member"), ("grace", "admin")):
        message = {"member": member, "name": member.title(), "role": role}
        message |= {"email": f"{member}@{customer.name}.example"}
        assert (await customer.life.ask("set_member", message))["status"] == "done"
    return customer


async def ask(customer: Customer, quantity: str, action: str = "operation") -> Json:
    event = await customer.event(quantity, "job", action)
    return await customer.life.ask("request_approval", event | {"member": "ada"})


async def over_the_windows_end(customer: Customer, action: str = "operation") -> None:
    await customer.pass_until(FEBRUARY - DAY)
    assert (await ask(customer, "80", action))["status"] == "waiting"
    await customer.pass_until(FEBRUARY + SECOND)
    await request_of(customer).pass_time(DAY)


async def test_a_request_is_approvable_after_its_window_has_closed(fleet: RunningFleet) -> None:
    customer = await a_strict_team(fleet)
    await over_the_windows_end(customer)

    approved = await request_of(customer).approve()

    assert (approved["status"], approved["request"]) == ("done", "approved")
    ((held_at, late),) = customer.rows(
        "SELECT event_at = at, late FROM entries WHERE account_id = %s AND kind = 'hold'"
    )
    assert (held_at, late) == (True, False)
    captured = await customer.life.ask("capture", {"key": "job", "quantity": "80"})
    assert (captured["taken"], captured["available"]) == ({"credits": "80"}, "920")
    customer.check()


async def test_nobody_pays_more_than_was_approved(fleet: RunningFleet) -> None:
    customer = await a_strict_team(fleet)
    await over_the_windows_end(customer, "dearer")

    answer = await request_of(customer).approve()

    assert (answer["reason"], answer["request"]) == ("price_changed", "waiting")
    customer.check()


async def test_an_approval_that_is_short_buys_as_usage_does(fleet: RunningFleet) -> None:
    customer = await a_strict_team(fleet, auto=True)
    await customer.report(["50"] * 19)  # 50 left
    assert (await ask(customer, "600"))["status"] == "waiting"

    approved = await request_of(customer).approve()

    assert (approved["status"], approved["request"]) == ("done", "approved")
    assert customer.paid() == [900, 900]  # two units in one charge
    captured = await customer.life.ask("capture", {"key": "job", "quantity": "600"})
    assert (captured["taken"], captured["available"]) == ({"credits": "600"}, "450")
    customer.check()


async def test_an_approval_waits_for_its_purchase_and_another_word_may_come_meanwhile(
    fleet: RunningFleet,
) -> None:
    customer = await a_strict_team(fleet, auto=True)
    await customer.report(["50"] * 19)
    await ask(customer, "80")

    with customer.payment_held():
        approving = asyncio.create_task(request_of(customer).approve())
        await customer.reached("paying")
        refused = await request_of(customer).refuse()
    answer = await approving

    assert (refused["status"], refused["request"]) == ("done", "refused")
    assert (answer["reason"], answer["request"]) == ("already_decided", "refused")
    await customer.life.settle()
    customer.check()


async def test_an_approval_that_cannot_buy_says_why_and_waits(fleet: RunningFleet) -> None:
    customer = await a_strict_team(fleet, auto=True)
    await customer.report(["50"] * 19)
    await ask(customer, "1051")

    full = await request_of(customer).approve()
    off = await customer.life.ask("set_auto_purchase", {"on": False})
    short = await request_of(customer).approve()

    assert (full["reason"], full["request"]) == ("cap_reached", "waiting")
    assert off["status"] == "done"
    assert (short["reason"], short["missing"]) == ("insufficient_credits", "1001")
    assert customer.paid() == [900]
    customer.check()


async def test_a_declined_purchase_leaves_the_request_waiting(fleet: RunningFleet) -> None:
    customer = await a_strict_team(fleet, auto=True)
    await customer.report(["50"] * 19)
    await ask(customer, "80")
    customer.fault("decline")

    answer = await request_of(customer).approve()

    assert (answer["reason"], answer["request"]) == ("paused:payment_failed", "waiting")
    customer.check()

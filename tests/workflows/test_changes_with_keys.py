"""A change of plan with a key happens once, however often it is asked for, and answers the same."""

import asyncio

import pytest

from tests.fleet import RunningFleet

pytestmark = pytest.mark.long


async def change(customer, plan, key="change-1", **more):
    return await customer.life.ask("change_plan", {"plan": plan, "key": key} | more)


async def test_an_upgrade_with_a_key_is_charged_once_and_answers_the_same(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")

    both = await asyncio.gather(*(change(customer, "core_40k") for _ in range(2)))
    await customer.use("5")
    again = await change(customer, "core_40k")
    other = await change(customer, "core_80k")

    assert both[0] == both[1] == again
    assert (again["status"], again["amount_minor"]) == ("changed", 2000)
    assert again["available"] == "40000"
    assert (other["status"], other["reason"]) == ("refused", "idempotency_conflict")
    assert customer.paid() == [900, 2000]
    assert customer.mails().count("plan_changed") == 1
    customer.check()


async def test_a_repeat_after_a_later_change_moves_nothing(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_40k")
    first = await change(customer, "core_10k", "down")
    called_off = await change(customer, "core_40k", "stay")
    repeat = await change(customer, "core_10k", "down")

    assert (first["status"], called_off["status"]) == ("scheduled", "unscheduled")
    assert repeat == first
    assert (await customer.life.status())["next_plan"] is None


async def test_a_declined_change_is_not_tried_again_under_its_key(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.update_card("tok_chargeCustomerFail")
    first = await change(customer, "core_40k")
    await customer.update_card()
    again = await change(customer, "core_40k")
    other = await change(customer, "core_80k")
    anew = await change(customer, "core_40k", "change-2")

    assert (first["status"], first["why"]) == ("declined", "declined")
    assert (again["status"], again["charge_id"]) == ("declined", first["charge_id"])
    assert other["reason"] == "idempotency_conflict"
    assert anew["status"] == "changed"
    assert customer.paid() == [900, 2000]


async def test_a_preview_and_a_refusal_bind_nothing(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await change(customer, "core_40k", preview=True)
    refused = await change(customer, "core_10k")
    done = await change(customer, "core_40k")

    assert (refused["reason"], done["status"]) == ("same_plan", "changed")


async def test_a_purchase_without_a_card_says_so(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("tried", catalog="clocks", card=None)
    answer = await customer.life.ask("change_plan", {"plan": "plain", "preview": True})
    assert answer["status"] == "preview"
    poor = await fleet.subscribe("core_10k")
    await poor.update_card("tok_chargeCustomerFail")
    declined = await poor.buy("1000")

    assert (declined["status"], declined["reason"]) == ("declined", "declined")
    assert declined["cure"] == "update the payment method"
    assert declined["why"] == "declined"

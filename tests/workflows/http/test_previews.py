"""Previews over HTTP are refused as their acts are: same reason, same status, with its cure."""

import pytest

from tests.workflows.test_payers_removed import default_of, told  # noqa: F401 - a fixture

pytestmark = pytest.mark.long


async def both(door, post, path, body):
    """Return reason and status of a preview and then of the act."""
    preview = await door.post(path, json=body | {"preview": True})
    act = await post(path, body)
    answers = [(one.status_code, one.json().get("reason")) for one in (preview, act)]
    assert preview.status_code == 200 or preview.json()["cure"]
    return answers


async def alike(door, post, path, body, reason, status):
    assert await both(door, post, path, body) == [(status, reason)] * 2, body


async def test_without_a_card_nothing_is_bought_switched_on_or_upgraded(fleet, door, post, told):  # noqa: F811
    customer = await fleet.subscribe("core_10k")
    plan = f"/subscriptions/{customer.life.handle.id.partition(':')[2]}/change_plan"
    named = f"/customers/{customer.name}"
    next_one = (
        await door.post(f"{named}/auto_purchase", json={"on": True, "preview": True})
    ).json()
    assert next_one["next"] == {
        "status": "preview",
        "credits": "10000",
        "amount_minor": 1170,
        "surcharge_minor": 270,
        "currency": "USD",
    }
    card = default_of(customer)
    customer.ask_processor(f"payment_methods/{card}/detach", {})
    await told("payment_method.detached", card)
    await customer.life.settle()
    await alike(door, post, f"{named}/auto_purchase", {"on": True}, "no_payment_method", 402)
    for path, body in ((f"{named}/purchases", {"credits": "1000"}), (plan, {"plan": "core_40k"})):
        preview = (await door.post(path, json=body | {"preview": True})).json()
        assert preview["status"] == "preview"
        assert preview["needs"] == "payment_method"
        assert preview["amount_minor"] > 0
        act = await post(path, body)
        assert (act.status_code, act.json()["reason"]) == (402, "no_payment_method")
    assert customer.paid() == [900]


async def test_a_change_that_cannot_be_is_not_shown_as_if_it_could(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/subscriptions/{customer.life.handle.id.partition(':')[2]}"
    note = {"reason": "a check", "by": "ada"}

    await alike(door, post, f"{path}/change_plan", {"plan": "core_10k"}, "same_plan", 409)
    await post(f"/customers/{customer.name}/pause", note)
    paused = {"plan": "core_40k"}
    await alike(door, post, f"{path}/change_plan", paused, "paused:by_operator", 403)
    await post(f"/customers/{customer.name}/resume", note)
    await post(f"{path}/cancel", {"when": "period_end"})
    await alike(door, post, f"{path}/change_plan", paused, "already_canceled", 409)
    await alike(door, post, f"{path}/migrate_plan", {}, "already_canceled", 409)
    assert customer.paid() == [900]

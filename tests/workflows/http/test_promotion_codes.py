"""Promotion codes through HTTP: a preview is what the purchase costs, or both say why not."""

import pytest

from tests.workflows.promoted import Dashboard

SILENT = {"fault": "500", "path": "/v1/promotion_codes", "method": "GET"}


async def test_a_preview_with_a_code_of_the_processor_is_what_is_charged(fleet, door, post):
    code = Dashboard(fleet.standin).code(coupon={"percent_off": 20})
    customer = await fleet.subscribe("grove", catalog="orchard")
    path, body = f"/customers/{customer.name}/purchases", {"pack": "basket", "coupon": code.lower()}
    told = (await door.post(path, json=body | {"preview": True})).json()
    assert (told["status"], told["amount_minor"]) == ("preview", 400)

    paid = (await post(path, body | {"expected_minor": told["amount_minor"]})).json()
    assert (paid["amount_minor"], paid["discount"]) == (400, told["discount"])
    (charge, *_) = (await door.get(f"/customers/{customer.name}/charges")).json()["items"]
    assert (charge["coupon"], charge["discount_minor"]) == (code, 100)
    customer.check()


@pytest.mark.long
async def test_while_the_processor_is_silent_both_say_so_and_the_key_is_free(fleet, door, post):
    code = Dashboard(fleet.standin).code(coupon={"percent_off": 20})
    customer = await fleet.subscribe("grove", catalog="orchard")
    path, body = f"/customers/{customer.name}/purchases", {"pack": "basket", "coupon": code}
    fleet.standin.post("/_fault", **SILENT, count=100)
    shown = await door.post(path, json=body | {"preview": True})
    asked = await post(path, body, f"silent-{customer.name}")
    fleet.standin.behave()
    for answer in (shown, asked):
        assert (answer.status_code, answer.json()["reason"]) == (503, "processor_unavailable")
        assert "retry-after" in answer.headers
    paid = await post(path, body, f"silent-{customer.name}")
    assert (paid.status_code, paid.json().get("amount_minor")) == (200, 400), paid.text
    assert customer.paid() == [1_000, 400]
    customer.check()


@pytest.mark.long
async def test_a_start_while_the_processor_is_silent_leaves_id_and_key_free(
    fleet, door, post, beginning
):
    code = Dashboard(fleet.standin).code(coupon={"percent_off": 50, "duration": "forever"})
    body = beginning() | {"catalog": "orchard", "plan_id": "grove", "coupon": code}
    fleet.standin.post("/_fault", **SILENT, count=100)
    refused = await post("/subscriptions", body, f"silent-{code}")
    fleet.standin.behave()
    assert (refused.status_code, refused.json()["reason"]) == (503, "processor_unavailable")
    unknown = await door.get(f"/subscriptions/{body['subscription_id']}")
    assert unknown.json()["reason"] == "no_subscription"
    begun = await post("/subscriptions", body, f"silent-{code}")
    assert begun.status_code == 201, begun.text
    customer = (await door.get(f"/customers/{body['customer_id']}")).json()["subscription"]
    assert (customer["coupon"], customer["renewal_minor"]) == (code, 500), customer

"""Coupons through HTTP: a preview is what the purchase costs, down to nothing."""

from tests.payer import card_in
from tests.workflows.test_payers_removed import default_of


async def test_a_preview_with_a_coupon_is_what_is_charged(fleet, door, post):
    card = card_in(fleet, "GB")
    customer = await fleet.subscribe("grove_taxed", catalog="orchard", card=card)
    path, body = f"/customers/{customer.name}/purchases", {"pack": "basket", "coupon": "fifth"}
    told = (await door.post(path, json=body | {"preview": True})).json()
    assert (told["amount_minor"], told["tax"]["net_minor"]) == (480, 400)
    assert told["discount"] == {"coupon": "FIFTH", "price_minor": 500, "discount_minor": 100}

    refused = await post(path, body | {"expected_minor": 500})
    assert (refused.status_code, refused.json()["reason"]) == (409, "price_changed")
    paid = (await post(path, body | {"expected_minor": told["amount_minor"]})).json()
    assert (paid["amount_minor"], paid["discount"]) == (480, told["discount"])
    (charge, *_) = (await door.get(f"/customers/{customer.name}/charges")).json()["items"]
    assert (charge["coupon"], charge["discount_minor"]) == ("FIFTH", 100)
    assert (charge["amount_minor"], charge["net_minor"]) == (480, 400)
    customer.check()


async def test_whoever_has_no_card_is_given_what_costs_nothing(fleet, door, post):
    customer = await fleet.subscribe("grove", catalog="orchard")
    customer.ask_processor(f"payment_methods/{default_of(customer)}/detach", {})
    path, body = f"/customers/{customer.name}/purchases", {"pack": "basket", "coupon": "WELCOME"}
    told = (await door.post(path, json=body | {"preview": True})).json()
    assert (told["amount_minor"], "needs" in told) == (0, False)

    paid = await post(path, body | {"expected_minor": 0}, f"free-{customer.name}")
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    assert paid.json()["available"] == told["available"] == "1500"
    again = await post(path, body | {"expected_minor": 0}, f"free-{customer.name}")
    assert (again.json(), again.headers["idempotent-replayed"]) == (paid.json(), "true")
    assert customer.paid() == [1_000]
    customer.check()


async def test_a_coupon_that_is_not_to_be_had_says_why(fleet, door, post):
    customer = await fleet.subscribe("grove", catalog="orchard")
    path = f"/customers/{customer.name}/purchases"
    for body, status, reason in (
        ({"pack": "basket", "coupon": "NOBODY"}, 404, "unknown_coupon"),
        ({"pack": "basket", "coupon": "  "}, 404, "unknown_coupon"),
        ({"credits": "100", "coupon": "WELCOME"}, 422, "coupon_not_applicable"),
    ):
        shown = await door.post(path, json=body | {"preview": True})
        assert (shown.status_code, shown.json()["reason"]) == (status, reason)
        asked = await post(path, body)
        assert (asked.status_code, asked.json()["reason"]) == (status, reason)
    listed = (await door.get("/catalogs/orchard")).text
    assert "WELCOME" not in listed
    assert customer.paid() == [1_000]

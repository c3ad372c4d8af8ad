"""Tax through HTTP: a preview is what the purchase costs, or says what is missing."""

from tests.payer import card_in


async def test_a_preview_with_tax_is_what_is_charged(fleet, door, post):
    customer = await fleet.subscribe("wallet", catalog="make_europe", card=card_in(fleet, "CH"))
    path, body = f"/customers/{customer.name}/purchases", {"credits": "100"}
    told = (await door.post(path, json=body | {"preview": True})).json()
    assert (told["amount_minor"], told["tax"]["net_minor"]) == (10_810, 10_000)

    for shown in (10_000, 10_811):
        asked = body | {"expected_minor": shown}
        refused = await post(path, asked | {"preview": True})
        assert (refused.status_code, refused.json()["reason"]) == (409, "price_changed")
        refused = await post(path, asked)
        assert (refused.status_code, refused.json()["reason"]) == (409, "price_changed")

    paid = (await post(path, body | {"expected_minor": told["amount_minor"]})).json()
    assert (paid["amount_minor"], paid["tax"]) == (10_810, told["tax"])
    (charge, *_) = (await door.get(f"/customers/{customer.name}/charges")).json()["items"]
    assert [charge[name] for name in ("amount_minor", "net_minor", "tax_minor")] == [
        10_810,
        10_000,
        810,
    ]
    assert customer.paid() == [4_216, 10_810]
    customer.check()


async def test_without_a_place_a_preview_says_what_is_missing(fleet, door, post):
    customer = await fleet.subscribe("core_10k", catalog="make_europe", card=card_in(fleet, "GB"))
    await customer.update_card()
    path = f"/customers/{customer.name}"
    refused = await door.post(f"{path}/purchases", json={"credits": "1000", "preview": True})
    assert refused.json()["reason"] == "tax_location_missing"
    assert "billing address" in refused.json()["cure"]
    switch = await door.post(f"{path}/auto_purchase", json={"on": True, "preview": True})
    assert switch.json()["next"]["reason"] == "tax_location_missing"
    bought = await post(f"{path}/purchases", {"credits": "1000"})
    assert bought.json()["reason"] == "tax_location_missing"
    assert customer.paid() == [1_080]


async def test_the_next_auto_purchase_is_previewed_line_by_line(fleet, door):
    customer = await fleet.subscribe("core_40k", catalog="make_europe", card=card_in(fleet, "CH"))
    path = f"/customers/{customer.name}/auto_purchase"
    following = (await door.post(path, json={"on": True, "preview": True})).json()["next"]
    assert (following["amount_minor"], following["tax"]["tax_minor"]) == (1_020, 77)

"""Purchases and plan changes over HTTP: one first answer for each key, whatever happens."""

import asyncio

import pytest

pytestmark = pytest.mark.long


async def test_a_purchase_is_paid_once_and_answered_alike(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/customers/{customer.name}/purchases"

    paid = await post(path, {"credits": "3000"}, f"buy-{customer.name}")
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    assert paid.json()["amount_minor"] == 270
    again = await post(path, {"credits": "3000"}, f"buy-{customer.name}")
    assert (again.json(), again.headers["idempotent-replayed"]) == (paid.json(), "true")
    told = await customer.life.ask(
        "buy_credits", {"key": f"buy-{customer.name}", "credits": "3000"}
    )
    assert told == paid.json()

    other = await post(path, {"credits": "4000"}, f"buy-{customer.name}")
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency_conflict")
    assert customer.paid() == [900, 270]
    customer.check()


async def test_who_would_not_wait_asks_again_with_the_same_key(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path, key = f"/customers/{customer.name}/purchases", f"later-{customer.name}"

    with customer.payment_held():
        first = await post(path, {"credits": "3000"}, key, Prefer="wait=0")
        soon = await post(path, {"credits": "3000"}, key, Prefer="respond-async, wait=1")
        other = await post(path, {"credits": "4000"}, key, Prefer="wait=0")
    for one in (first, soon):
        assert (one.status_code, one.json()) == (202, {"status": "pending"})
        assert one.headers["retry-after"] == "1"
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency_conflict")
    paid = await post(path, {"credits": "3000"}, key, Prefer="wait=30")
    assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    again = await post(path, {"credits": "3000"}, key)
    assert (again.json(), again.headers["idempotent-replayed"]) == (paid.json(), "true")
    assert customer.paid() == [900, 270]
    customer.check()


async def test_many_at_once_under_one_key_are_one_purchase(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    key, path = f"many-{customer.name}", f"/customers/{customer.name}/purchases"

    answers = await asyncio.gather(*(post(path, {"credits": "1000"}, key) for _ in range(8)))

    paid = [one.json() for one in answers if one.status_code == 200]
    rest = {(one.status_code, one.json()["reason"]) for one in answers if one.status_code != 200}
    assert paid
    assert all(one == paid[0] for one in paid)
    assert rest <= {(409, "request_under_way")}
    assert customer.paid() == [900, 90]


async def test_a_declined_purchase_is_a_first_answer_too(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    await customer.update_card("tok_chargeCustomerFail")
    key, path = f"poor-{customer.name}", f"/customers/{customer.name}/purchases"

    declined = await post(path, {"credits": "1000"}, key)
    body = declined.json()
    assert (declined.status_code, body["reason"], body["status"]) == (402, "declined", 402)
    assert declined.headers["content-type"] == "application/problem+json"
    assert (body["charge_id"], body["cure"] != "") == (
        f"{customer.life.handle.id[13:]}:manual:{key}",
        True,
    )
    await customer.update_card()
    again = await post(path, {"credits": "1000"}, key)
    assert (again.status_code, again.json()) == (402, body)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == "application/problem+json"
    assert (await post(path, {"credits": "1000"})).status_code == 200


async def test_a_refusal_binds_nothing(fleet, door, post):
    customer = await fleet.subscribe("core_10k", card=None, wait=False)
    path = f"/customers/{customer.name}/purchases"
    customer = await fleet.subscribe("free", again=None)
    path = f"/customers/{customer.name}/purchases"
    refused = await post(path, {"credits": "1000"}, f"free-{customer.name}")
    assert (refused.status_code, refused.json()["reason"]) == (403, "not_in_plan")
    other = await post(path, {"credits": "2000"}, f"free-{customer.name}")
    assert other.json()["reason"] == "not_in_plan"  # the key is free for other content


async def test_what_cannot_be_meant_is_refused_by_name(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/customers/{customer.name}/purchases"
    for body, reason in (
        ({}, "missing_field"),
        ({"credits": "0"}, "invalid_quantity"),
        ({"credits": "1", "pack": "x"}, "malformed"),
        ({"credits": "1000", "key": "x"}, "unknown_field"),
        ({"credits": "1000", "colour": "red"}, "unknown_field"),
        ({"credits": "1500"}, "invalid_unit"),
        ([], "malformed"),
    ):
        refused = await post(path, body)
        assert refused.json()["reason"] == reason, body
    unkeyed = await door.post(path, json={"credits": "1000"})
    assert (unkeyed.status_code, unkeyed.json()["reason"]) == (422, "idempotency_key_missing")
    for key in ("ledger:x", "x" * 201):
        assert (await post(path, {"credits": "1000"}, key)).json()["reason"] == "invalid_key"
    deep = await door.post(
        path,
        content=b"[" * 100_000,
        headers={"Content-Type": "application/json", "Idempotency-Key": "deep"},
    )
    assert (deep.status_code, deep.json()["reason"]) == (400, "malformed")
    assert customer.paid() == [900]


async def test_another_sellers_key_finds_nobody_and_a_narrow_one_is_refused(
    fleet, door, post, bearing
):
    customer = await fleet.subscribe("core_10k")
    other = bearing("customer", "operator", catalog="zaplify")
    bodies = []
    for name in (customer.name, "nobody"):
        refused = await post(f"/customers/{name}/purchases", {"credits": "1000"}, **other)
        assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_customer")
        bodies.append(set(refused.json()))
    assert bodies[0] == bodies[1]
    narrow = await post(
        f"/customers/{customer.name}/purchases", {"credits": "1000"}, **bearing("usage", "read")
    )
    assert (narrow.status_code, narrow.json()["reason"]) == (403, "scope_missing")
    mine = bearing("customer", catalog="make")
    paid = await post(f"/customers/{customer.name}/purchases", {"credits": "1000"}, **mine)
    assert paid.status_code == 200


async def test_a_plan_is_previewed_without_a_key_and_changed_once(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/subscriptions/{customer.life.handle.id.partition(':')[2]}/change_plan"

    preview = await door.post(path, json={"plan": "core_40k", "preview": True})
    assert (preview.status_code, preview.json()["amount_minor"]) == (200, 2000)
    assert customer.paid() == [900]
    changed = await post(path, {"plan": "core_40k"}, f"up-{customer.name}")
    assert (changed.status_code, changed.json()["status"]) == (200, "changed")
    again = await post(path, {"plan": "core_40k"}, f"up-{customer.name}")
    assert (again.json(), again.headers["idempotent-replayed"]) == (changed.json(), "true")
    assert customer.paid() == [900, 2000]
    customer.check()


async def test_a_preview_says_what_the_purchase_then_costs_and_moves_nothing(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/customers/{customer.name}/purchases"
    before = customer.charges(), customer.history()

    preview = await door.post(path, json={"credits": "3000", "preview": True})
    assert (preview.status_code, customer.charges(), customer.history()) == (200, *before)
    paid = (await post(path, {"credits": "3000"})).json()
    told = preview.json()
    for name in ("credits", "amount_minor", "currency", "available"):
        assert told[name] == paid[name], name
    assert (told["status"], told["percent_off"]) == ("preview", "0")


async def test_a_preview_is_refused_as_the_purchase_would_be(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    poor = await fleet.subscribe("free", card=None)
    for name, body in (
        (customer.name, {"credits": "1500"}),
        (customer.name, {"pack": "nothing"}),
        (customer.name, {"credits": "500000000000"}),
        (customer.name, {"credits": "1000000000"}),  # free bytes come with it, beyond any wallet
        (poor.name, {"credits": "1000"}),
        ("nobody", {"credits": "1000"}),
    ):
        path = f"/customers/{name}/purchases"
        preview = await door.post(path, json=body | {"preview": True})
        refused = await post(path, body)
        assert preview.status_code == refused.status_code >= 400, body
        assert preview.json()["reason"] == refused.json()["reason"]
    assert customer.paid() == [900]
    await post(f"/customers/{customer.name}/pause", {"reason": "a check", "by": "ada"})
    path = f"/customers/{customer.name}/purchases"
    preview = await door.post(path, json={"credits": "1000", "preview": True})
    assert preview.json()["reason"] == "paused:by_operator"
    assert (await post(path, {"credits": "1000"})).json()["reason"] == "paused:by_operator"


async def test_a_volume_discount_is_told_beforehand(fleet, door, post):
    customer = await fleet.subscribe("enterprise", catalog="schematic")
    path, body = f"/customers/{customer.name}/purchases", {"pack": "enterprise_50000", "count": 5}
    told = (await door.post(path, json=body | {"preview": True})).json()
    paid = (await post(path, body)).json()
    assert [told[name] for name in ("amount_minor", "credits", "available")] == [
        paid[name] for name in ("amount_minor", "credits", "available")
    ]
    assert told["percent_off"] != "0"


async def test_at_another_price_than_was_shown_nothing_is_bought(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path, key = f"/customers/{customer.name}/purchases", f"shown-{customer.name}"
    for body in ({"credits": "1000"}, {"credits": "1000", "preview": True}):
        refused = await post(path, body | {"expected_minor": 91}, key)
        assert (refused.status_code, refused.json()["reason"]) == (409, "price_changed")
    assert customer.charges() == [("period", "paid", 900)]

    paid = await post(path, {"credits": "1000", "expected_minor": 90}, key)  # it bound nothing
    assert (paid.status_code, paid.json()["amount_minor"]) == (200, 90)
    for expected, status in ((None, "paid"), (90, "paid"), (91, "idempotency_conflict")):
        sent = {"key": key, "credits": "1000"}
        sent |= {} if expected is None else {"expected_minor": expected}
        told = await customer.life.ask("buy_credits", sent)
        assert told.get("reason", told["status"]) == status

    await customer.change_plan("core_40k")  # a thousand cost less there
    refused = await post(path, {"credits": "1000", "expected_minor": 90})
    assert refused.json()["reason"] == "price_changed"
    assert customer.paid() == [900, 90, 2000]
    customer.check()

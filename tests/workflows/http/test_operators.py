"""What operators and teams do over HTTP, beside the same through Temporal."""

import asyncio

import pytest

pytestmark = pytest.mark.long

NOTE = {"reason": "a check", "by": "ada"}


async def test_an_adjustment_is_made_once(fleet, post):
    customer = await fleet.subscribe("core_10k")
    path, key = f"/customers/{customer.name}/adjustments", f"fix-{customer.name}"

    done = await post(path, {"credits": "-2.5", **NOTE}, key)
    assert (done.status_code, done.json()) == (200, {"status": "done", "available": "9997.5"})
    told = await customer.life.ask("adjust_credits", {"key": key, "credits": "-2.5", **NOTE})
    assert told == done.json()
    assert (await post(path, {"credits": "-2.5", **NOTE}, key)).json() == done.json()
    other = await post(path, {"credits": "-3", **NOTE}, key)
    assert (other.status_code, other.json()["reason"]) == (422, "idempotency_conflict")
    customer.check()


@pytest.mark.parametrize("path", ["adjustments", "corrections", "refunds", "pause", "resume"])
async def test_who_and_why_are_required_and_the_scope_is_an_operators(fleet, post, bearing, path):
    customer = await fleet.subscribe("core_10k")
    body = {"credits": "1"} if path == "adjustments" else {}
    refused = await post(f"/customers/{customer.name}/{path}", body)
    assert (refused.status_code, refused.json()["reason"]) == (422, "missing_field")
    narrow = await post(f"/customers/{customer.name}/{path}", body, **bearing("customer", "usage"))
    assert (narrow.status_code, narrow.json()["reason"]) == (403, "scope_missing")
    theirs = await post(
        f"/customers/{customer.name}/pause", NOTE, **bearing("operator", catalog="zaplify")
    )
    assert (theirs.status_code, theirs.json()["reason"]) == (404, "unknown_customer")


async def test_a_pause_repeated_is_the_same_pause(fleet, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/customers/{customer.name}"
    paused = await post(f"{path}/pause", NOTE, f"pause-{customer.name}")
    again = await post(f"{path}/pause", NOTE, f"pause-{customer.name}")
    assert paused.json() == again.json() == {"status": "paused"}
    assert again.headers["idempotent-replayed"] == "true"
    second = await post(f"{path}/pause", NOTE)
    assert (second.status_code, second.json()["reason"]) == (409, "already_paused")
    assert (await post(f"{path}/resume", NOTE)).json() == {"status": "active"}


async def test_a_refund_is_previewed_and_made(fleet, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/customers/{customer.name}"
    charge = (await post(f"{path}/purchases", {"credits": "1000"})).json()["charge_id"]
    wish = {"charge_id": charge, "amount_minor": "all", **NOTE}
    preview = await post(f"{path}/refunds", wish | {"preview": True})
    assert (preview.status_code, preview.json()["amount_minor"]) == (200, 90)
    made = await post(f"{path}/refunds", wish, f"back-{customer.name}")
    assert (made.status_code, made.json()["status"]) == (200, "refunded")
    over = await post(f"{path}/refunds", {**wish, "amount_minor": 5})
    assert (over.status_code, over.json()["reason"]) == (422, "above_refundable")
    assert over.json()["most_minor"] == 0


async def test_a_request_is_asked_and_decided_once(fleet, door, post):
    customer = await fleet.subscribe("starter", catalog="salestools")
    path = f"/customers/{customer.name}"
    for member, role in (("grace", "admin"), ("ada", "member")):
        body = {"name": member, "email": f"{member}@example.com", "role": role}
        body |= {"limits": {"credits": "5"}} if member == "ada" else {}
        put = await post(f"{path}/members/{member}", body, method="PUT")
        assert (put.status_code, put.json()) == (200, {"status": "done", "member": member})

    key = f"more-{customer.name}"
    wish = {"member": "ada", "credits": "10"}
    asked = await post(f"{path}/approvals", wish, key)
    assert (asked.status_code, asked.json()["status"]) == (202, "waiting")
    assert (await post(f"{path}/approvals", wish, key)).json() == asked.json()
    own = await post(f"{path}/approvals/{key}/approve", {"by": "ada"})
    assert (own.status_code, own.json()["reason"]) == (403, "own_request")
    assert own.json()["request"] == "waiting"
    both = await asyncio.gather(
        *(post(f"{path}/approvals/{key}/approve", {"by": "grace"}) for _ in range(2))
    )
    done = [one for one in both if one.status_code == 200]
    late = [one.json()["reason"] for one in both if one.status_code != 200]
    assert done[0].json()["request"] == "approved"
    assert set(late) <= {"already_decided"}
    assert (await post(f"{path}/approvals", wish, key)).json()["status"] == "approved"
    after = await post(f"{path}/approvals/{key}/refuse", {"by": "grace", "reason": "no"})
    assert (after.status_code, after.json()["reason"]) == (409, "already_decided")
    nobody = await post(f"{path}/approvals/unknown/approve", {"by": "grace"})
    assert (nobody.status_code, nobody.json()["reason"]) == (404, "unknown_approval")

    gone = await door.delete(f"{path}/members/ada")
    assert (gone.status_code, gone.json()) == (200, {"status": "done", "member": "ada"})
    again = await door.delete(f"{path}/members/ada")
    assert (again.status_code, again.json()["reason"]) == (403, "member_removed")


async def test_the_processors_page_is_opened_and_leads_back(fleet, door, post):
    customer = await fleet.subscribe("core_10k")
    path = f"/customers/{customer.name}/payment_method_link"
    opened = await door.post(path, json={"return_url": "https://product.example/billing"})
    assert (opened.status_code, opened.json()["customer_id"]) == (200, customer.name)
    assert opened.json()["url"].startswith("http")
    for wrong in ("ftp://x.example", "//x.example", "https://u:p@x.example", 7, "javascript:x"):
        refused = await door.post(path, json={"return_url": wrong})
        assert (refused.status_code, refused.json()["reason"]) == (422, "invalid_url"), wrong

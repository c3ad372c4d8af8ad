"""A subscription started, read and ended over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from local.patience import until
from local.timeline import without_time

pytestmark = pytest.mark.long


async def begun(door, body):
    """Wait until a subscription has begun; return where it stands."""

    async def look():
        return (await door.get(f"/subscriptions/{body['subscription_id']}")).json()

    return await until(
        look,
        lambda seen: seen["status"] != "pending" and not seen["busy"],
        "it to begin",
        sign=without_time,
    )


async def test_a_start_is_answered_once_the_ledger_knows_it(fleet, door, post, beginning):
    body = beginning()

    answer = await post("/subscriptions", body, "start-1")
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["customer"], told["catalog"]) == (body["customer_id"], "make")
    bought = await post(f"/customers/{body['customer_id']}/bonuses", {"bonus": "x", "invitee": "y"})
    assert bought.json()["reason"] in {"unknown_bonus", "no_subscription"}  # not: unknown customer

    assert (await begun(door, body))["status"] == "active"
    again = await post("/subscriptions", body, "start-1")
    assert (again.status_code, again.json()) == (201, told)
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("changed", "status", "reason"),
    [
        ({"plan_id": "nothing"}, 404, "unknown_plan"),
        ({"catalog": "nothing"}, 404, "unknown_catalog"),
        ({"subscription_id": "a:b"}, 422, "invalid_id"),
        ({"email": "nobody"}, 422, "invalid_email"),
        ({"colour": "red"}, 422, "unknown_field"),
        ({"locale": "nowhere"}, 422, "unknown_locale"),
        ({"currency": "EUR"}, 422, "unknown_currency"),
    ],
)
async def test_a_start_that_fails_says_why_and_leaves_the_id_free(
    fleet, door, post, beginning, changed, status, reason
):
    body = beginning()

    refused = await post("/subscriptions", body | changed, f"start-{reason}")
    assert (refused.status_code, refused.json()["reason"]) == (status, reason)
    unknown = await door.get(f"/subscriptions/{body['subscription_id']}")
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "no_subscription")
    assert (await post("/subscriptions", body, f"start-{reason}")).status_code == 201


async def test_a_customer_has_one_live_subscription(fleet, door, post, beginning):
    body = beginning()
    await post("/subscriptions", body)
    for other in (body, body | {"subscription_id": f"{body['subscription_id']}-2"}):
        refused = await post("/subscriptions", other)
        assert (refused.status_code, refused.json()["reason"]) == (409, "already_subscribed")


async def test_two_starts_at_once_are_one(fleet, door, post, beginning):
    body = beginning()
    answers = await asyncio.gather(*(post("/subscriptions", body, "at-once") for _ in range(4)))
    first = [one.json() for one in answers if one.status_code == 201]
    rest = [(one.status_code, one.json()["reason"]) for one in answers if one.status_code != 201]
    assert first
    assert all(one == first[0] for one in first)
    assert set(rest) <= {(409, "request_under_way")}


async def test_one_that_begins_later_is_known_by_its_workflow(
    fleet, door, post, beginning, bearing
):
    later = datetime.now(UTC) + timedelta(days=3)
    body = beginning(begins_at=later.isoformat())
    answer = await post("/subscriptions", body, **bearing("customer", catalog="make"))
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    path = f"/subscriptions/{body['subscription_id']}"
    assert (await door.get(path)).json()["catalog"] == "make"
    other = await door.get(path, headers=bearing("read", catalog="zaplify"))
    assert (other.status_code, other.json()["reason"]) == (404, "no_subscription")


async def test_the_end_is_told_like_the_life(fleet, door, post, beginning):
    body = beginning()
    path = f"/subscriptions/{body['subscription_id']}"
    await post("/subscriptions", body)
    await begun(door, body)

    preview = await door.post(f"{path}/cancel", json={"when": "now", "preview": True})
    assert (preview.status_code, preview.json()["status"]) == (200, "preview")
    ended = await post(f"{path}/cancel", {"when": "now"}, "end-1")
    assert (ended.status_code, ended.json()["status"]) == (200, "ended")
    assert ended.json()["lost_credits"] == preview.json()["lost_credits"]

    again = await post(f"{path}/cancel", {"when": "now"}, "end-1")
    assert (again.json(), again.headers["idempotent-replayed"]) == (ended.json(), "true")
    assert (await begun(door, body))["status"] == "ended"
    late = await post(f"{path}/change_plan", {"plan": "core_25k"})
    assert (late.status_code, late.json()["reason"]) == (409, "subscription_ended")


async def test_a_key_of_one_seller_starts_and_reaches_only_its_own(
    fleet, door, post, beginning, bearing
):
    mine, other = bearing("customer", catalog="make"), bearing("customer", catalog="zaplify")
    body = beginning()
    refused = await post("/subscriptions", body, **other)
    assert (refused.status_code, refused.json()["reason"]) == (404, "unknown_catalog")
    assert (await post("/subscriptions", body, **mine)).status_code == 201

    taken = body | {"catalog": "zaplify", "plan_id": "starter", "subscription_id": "http-other"}
    refused = await post("/subscriptions", taken, **other)
    assert (refused.status_code, refused.json()["reason"]) == (409, "already_subscribed")
    for path in (
        f"/subscriptions/{body['subscription_id']}/cancel",
        "/subscriptions/nobody/cancel",
    ):
        refused = await post(path, {"when": "now"}, **other)
        assert (refused.status_code, refused.json()["reason"]) == (404, "no_subscription")

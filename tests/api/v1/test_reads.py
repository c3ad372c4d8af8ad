"""One customer in one read: the balance and the state at sign-in, and who may see them."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.teams.approvals import ApprovalRequest, Kind
from domain.teams.members import Member, Role
from ledger import accounts, api_keys, grants
from ledger.teams import approvals, members
from tests.api.v1.conftest import put_on
from tests.builders import (
    NOON,
    START,
    a_grant,
    a_subscribed_wallet,
    a_wallet,
    auto_purchase_on,
    bought,
    micro,
    set_policy,
    shipped_plan,
    use,
)


def path_of(wallet, rest=""):
    return f"/customers/{wallet.customer_id}{rest}"


async def test_a_balance_says_what_there_is_why_and_until_when(door, customer, engine):
    wallet = customer()
    with engine.begin() as connection:
        set_policy(connection, wallet, **auto_purchase_on(cap=20_000))
        use(connection, wallet, 9_990)
        bought(connection, wallet, "auto-balance", needed=20)
        use(connection, wallet, 20)
        gift = a_grant(
            quantity_micro=micro(5), expires_at=None, priority=40, tags='{"reason": "sorry"}'
        )
        grants.give(connection, wallet.account_id, gift, NOON)
    answer = await door.get(path_of(wallet, "/balance"))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["customer_id"], body["at"]) == (wallet.customer_id, NOON.isoformat())
    assert body["seq"] == 5
    found = body["credit_types"]["credits"]
    told = {name: found[name] for name in ("available", "included_available", "extra_available")}
    assert told == {
        "available": "9995",
        "included_available": "0",
        "extra_available": "9995",
    }
    assert (found["included"], found["used"], found["held"], found["owed"]) == (
        "10000",
        "10010",
        "0",
        "0",
    )
    assert found["next_reset_at"] == "2027-02-01T00:00:00+00:00"
    assert found["auto_purchase"] == {
        "on": True,
        "card_usable": True,
        "in_flight": False,
        "unit": "10000",
        "cap": "20000",
        "bought": "10000",
        "left": "10000",
        "units_left": 1,
        "unit_price_minor": 1170,
        "unit_surcharge_minor": 270,
        "currency": "USD",
    }
    assert [(one["source"], one["available"], one["reason"]) for one in found["grants"]] == [
        ("auto_purchase", "9990", None),
        ("bonus", "5", "sorry"),
    ]
    assert found["grants"][0]["charge_id"] == "auto-balance"
    assert (found["per_day"], found["days_to_empty"]) == ("10010", 0)


async def test_the_first_read_of_a_product_says_what_is_allowed_and_why_not(door, customer, engine):
    wallet = customer(0)
    body = (await door.get(path_of(wallet))).json()
    assert body["serves"] is True
    assert body["refusal"] is None
    assert body["subscription"]["plan"] == {
        "plan_id": "core_10k",
        "version": 1,
        "name": "Core 10,000",
        "price_minor": 900,
        "currency": "USD",
    }
    assert body["allowed"]["operation"]["allowed"] is False
    assert body["allowed"]["operation"]["reason"] == "insufficient_credits"
    with engine.begin() as connection:
        grants.give(connection, wallet.account_id, a_grant(), NOON)
    body = (await door.get(path_of(wallet))).json()
    assert body["allowed"]["operation"]["charged"] == {"credits": "1"}
    assert body["seq"] == 1
    with engine.begin() as connection:
        accounts.set_paused(
            connection, wallet.account_id, "by_operator", NOON, paused=True, reason="x", by="ann"
        )
    body = (await door.get(path_of(wallet))).json()
    assert (body["serves"], body["refusal"]["reason"]) == (False, "paused:by_operator")
    (pause,) = body["pauses"]
    assert (pause["cause"], pause["by"], pause["since"]) == (
        "by_operator",
        "ann",
        NOON.isoformat(),
    )
    assert pause["cure"]
    assert body["allowed"]["operation"]["reason"] == "paused:by_operator"


async def test_a_member_sees_what_the_own_limit_allows_and_the_open_requests(
    door, customer, engine
):
    wallet = customer(100, "salestools", "starter")
    ada = Member("ada", "Ada", "ada@example.com", Role.MEMBER, limits=(("credits", 0),))
    with engine.begin() as connection:
        members.put(connection, wallet.account_id, ada, ["credits"], START)
        wish = ApprovalRequest(
            "more", Kind.CREDITS, "ada", "for May", credit_type="credits", amount_micro=micro(7)
        )
        approvals.ask(
            connection,
            wallet.account_id,
            wallet.subscription_id,
            wish=wish,
            waits=timedelta(days=7),
            at=NOON,
        )
    body = (await door.get(path_of(wallet), params={"member": "ada"})).json()
    assert body["allowed"]["ai_email"]["reason"] == "user_limit"
    assert (await door.get(path_of(wallet))).json()["allowed"]["ai_email"]["allowed"] is True
    (request,) = body["open_requests"]
    assert (request["key"], request["member"], request["credits"], request["note"]) == (
        "more",
        "ada",
        "7",
        "for May",
    )


async def test_a_window_that_was_paid_ahead_is_the_one_that_counts(door, engine):
    ends = [START + timedelta(days=30 * k) for k in range(3)]
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(
            connection, 10, windows=((ends[0], ends[1]), (ends[1], ends[2])), amount_minor=900
        )
        put_on(connection, wallet, shipped_plan("make", "core_10k"))
        use(connection, wallet, 4)
        # Nothing has entered the second window yet, but the wallet's time is in it.
        accounts.lock(connection, wallet.account_id, ends[1] + timedelta(hours=1))
    found = (await door.get(path_of(wallet, "/balance"))).json()["credit_types"]["credits"]
    assert (found["available"], found["included"], found["used"]) == ("10", "10", "0")
    assert found["next_reset_at"] == ends[2].isoformat()


@pytest.mark.parametrize("rest", ["", "/balance"])
async def test_another_sellers_customer_is_unknown(door, customer, engine, rest):
    wallet = customer()
    at = datetime.now(UTC)
    with engine.begin() as connection:
        own = api_keys.create(connection, "o", ["read"], "make", by="ann", at=at).secret
        other = api_keys.create(connection, "t", ["read"], "zaplify", by="ann", at=at).secret
        usage = api_keys.create(connection, "u", ["usage"], None, by="ann", at=at).secret
    for secret, path, status in (
        (own, path_of(wallet, rest), 200),
        (other, path_of(wallet, rest), 404),
        (other, f"/customers/nobody{rest}", 404),
        (usage, path_of(wallet, rest), 403),
    ):
        answer = await door.get(path, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == status, answer.text
        if status == 404:
            assert answer.json()["reason"] == "unknown_customer"


async def test_a_parameter_that_is_not_known_is_refused_by_name(door, customer):
    answer = await door.get(path_of(customer(), "/balance"), params={"colour": "red"})
    assert (answer.status_code, answer.json()["reason"]) == (422, "unknown_parameter")


async def test_ids_may_contain_slashes(door, engine):
    with engine.begin() as connection:
        put_on(connection, a_wallet(connection, "acme/east"), shipped_plan("make", "core_10k"))
    answer = await door.get("/customers/acme%2Feast")
    assert answer.status_code == 200, answer.text
    assert (answer.status_code, answer.json()["refusal"]["reason"]) == (200, "no_subscription")

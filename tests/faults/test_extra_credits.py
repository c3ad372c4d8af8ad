"""A worker is killed between a payment for extra credits and their grant: granted once."""

import asyncio

from domain.credits import MICRO
from tests.faults.gates import Point, commit, request
from tests.faults.mortal import MortalFleet
from tests.faults.test_crashes import points
from tests.fleet import Customer, Json
from tests.workflows.test_packs import buy_pack

OPENING = {
    "charge about to be opened": commit("open_charge(", "request"),
    "charge opened": commit("open_charge(", "answer"),
    "payment asked for": request("POST /v1/invoices/*/pay", "request"),
}
GRANTING = {
    "payment known to the processor only": request("POST /v1/invoices/*/pay", "answer"),
    "grant about to be written": commit("mark_paid(", "request"),
    "grant written": commit("mark_paid(", "answer"),
}
BUYING = OPENING | GRANTING


def granted(customer: Customer, source: str) -> list[tuple[str, int, int]]:
    """Return type, micro-credits and minor units of each grant, the bought credits first."""
    rows = customer.rows(
        "SELECT credit_type, granted, cost_minor FROM grants"
        f" WHERE account_id = %s AND source = '{source}' ORDER BY part, grant_id"
    )
    return [(row[0], int(row[1]), row[2]) for row in rows]


def assert_bought_once(customer: Customer, answer: Json, *paid: int) -> None:
    assert (answer["status"], answer["amount_minor"]) == ("paid", paid[-1])
    assert customer.paid() == list(paid)
    assert customer.attempts() == len(paid)
    assert customer.charges()[-1][1:] == ("paid", paid[-1])
    assert customer.mails().count("receipt") == len(paid)
    customer.check()


@points(BUYING)
async def test_a_pack_is_granted_once_though_the_worker_dies_on_its_way_from_order_to_grant(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await mortal.fleet.subscribe("starter", catalog="salestools")
    trap = mortal.set(point)
    asked = asyncio.create_task(buy_pack(customer, "pack_500", "p1"))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    answer = await asked
    again = await buy_pack(customer, "pack_500", "p1")

    assert_bought_once(customer, answer, 2900, 2500)
    assert (again["status"], again["charge_id"]) == ("paid", answer["charge_id"])
    assert granted(customer, "pack") == [("credits", 500 * MICRO, 2500)]
    assert (await customer.life.settle())["available"] == "1000"
    assert_bought_once(customer, answer, 2900, 2500)


@points(GRANTING)
async def test_what_comes_with_extra_credits_is_granted_once_with_them(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await mortal.fleet.subscribe("core_10k")
    trap = mortal.set(point)
    asked = asyncio.create_task(customer.buy("1000", "more"))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    assert_bought_once(customer, await asked, 900, 90)

    assert (await customer.buy("1000", "more"))["status"] == "paid"
    assert_bought_once(customer, await asked, 900, 90)
    assert granted(customer, "manual_purchase") == [
        ("credits", 1_000 * MICRO, 90),
        ("data_transfer", 1_000 * 524_288 * MICRO, 0),
    ]


GIVEN = {
    "gift about to be written": commit("redeem_coupon(", "request"),
    "gift written": commit("redeem_coupon(", "answer"),
}


@points(GIVEN)
async def test_what_a_coupon_makes_free_is_given_once_though_the_worker_dies_over_it(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await mortal.fleet.subscribe("growth", catalog="schematic")
    wanted = {"key": "gift", "credits": "300", "coupon": "WELCOME", "expected_minor": 0}
    trap = mortal.set(point)
    asked = asyncio.create_task(customer.life.ask("buy_credits", wanted))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    answer = await asked

    assert (answer["status"], answer["amount_minor"]) == ("paid", 0)
    assert await customer.life.ask("buy_credits", wanted) == answer
    assert granted(customer, "manual_purchase") == [("credits", 300 * MICRO, 0)]
    assert (customer.paid(), customer.attempts()) == ([7500], 1)
    assert customer.charges()[1:] == [("manual_purchase", "paid", 0)]
    assert customer.mails().count("receipt") == 2
    again = await customer.life.ask("buy_credits", wanted | {"key": "more"})
    assert again["reason"] == "coupon_already_used"
    customer.check()


@points(OPENING | GRANTING)
async def test_a_coupon_is_redeemed_once_though_the_worker_dies_between_order_and_grant(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await mortal.fleet.subscribe("growth", catalog="schematic")
    wanted = {"key": "part", "credits": "1000", "coupon": "WELCOME"}
    trap = mortal.set(point)
    asked = asyncio.create_task(customer.life.ask("buy_credits", wanted))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    assert_bought_once(customer, await asked, 7500, 1000)
    assert granted(customer, "manual_purchase") == [("credits", 1_000 * MICRO, 1000)]
    ((redeemed,),) = customer.rows(
        "SELECT count(*) FROM charges WHERE account_id = %s AND coupon = 'schematic:WELCOME'"
        " AND discount_minor = 500"
    )
    assert redeemed == 1

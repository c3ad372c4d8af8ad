"""Coupons through the whole engine: what is left is charged, and nothing left charges nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fleet import Customer, Json, RunningFleet
from tests.payer import card_in

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)


async def living(fleet: RunningFleet, plan: str = "grove", **more: Any) -> Customer:
    return await fleet.subscribe(plan, catalog="orchard", **more)


async def buys(customer: Customer, key: str, coupon: str, **more: Any) -> Json:
    wanted = {"key": key, "pack": "basket", "coupon": coupon, **more}
    return await customer.life.ask("buy_pack", wanted)


async def test_a_pack_that_is_free_is_granted_once_and_asks_the_processor_nothing(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet)
    before = fleet.standin.get("/_ledger")["customers"]

    answer = await buys(customer, "free", "welcome", expected_minor=0)

    assert answer == {
        "status": "paid",
        "charge_id": answer["charge_id"],
        "credits": "500",
        "amount_minor": 0,
        "currency": "USD",
        "discount": {"coupon": "WELCOME", "price_minor": 500, "discount_minor": 500},
        "available": "1500",
    }
    assert fleet.standin.get("/_ledger")["customers"] == before
    assert (await customer.life.status())["available"] == "1500"
    assert await buys(customer, "free", "WELCOME", expected_minor=0) == answer
    assert customer.charges() == [("period", "paid", 1_000), ("pack", "paid", 0)]
    costs = "SELECT cost_minor FROM grants WHERE account_id = %s AND source = 'pack'"
    assert [tuple(row) for row in customer.rows(costs)] == [(0,)]
    assert customer.mails().count("receipt") == 2
    assert customer.books() == {"cash": 1_000, "deferred_revenue": -1_000}

    for other in ("", "FIFTH"):
        sent = {"coupon": other} if other else {}
        conflict = {"key": "free", "pack": "basket", **sent}
        assert (await customer.life.ask("buy_pack", conflict))["reason"] == "idempotency_conflict"
    assert (await buys(customer, "again", "WELCOME"))["reason"] == "coupon_already_used"
    refund = {"key": "r", "charge_id": answer["charge_id"], "amount_minor": "all"}
    refused = await customer.life.ask("refund", refund | {"reason": "asked", "by": "ann"})
    assert refused["reason"] == "nothing_paid"
    customer.check()


async def test_what_is_left_is_charged_and_given_back_by_what_was_paid(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet)

    answer = await buys(customer, "fifth", "FIFTH", count=2, expected_minor=800)

    assert (answer["status"], answer["amount_minor"]) == ("paid", 800)
    assert answer["discount"] == {"coupon": "FIFTH", "price_minor": 1_000, "discount_minor": 200}
    assert customer.paid() == [1_000, 800]
    await customer.use("1500")  # the allowance, and half of what was bought
    refund = {"key": "r", "charge_id": answer["charge_id"], "reason": "asked", "by": "ann"}
    above = await customer.life.ask("refund", refund | {"amount_minor": 401})
    assert above["reason"] == "above_refundable"
    back = await customer.life.ask("refund", refund | {"amount_minor": "all"})
    assert (back["status"], back["amount_minor"]) == ("refunded", 400)
    customer.check()


async def test_another_total_than_was_shown_is_not_charged(fleet: RunningFleet) -> None:
    customer = await living(fleet)
    for shown in (0, 499, 500):
        answer = await buys(customer, "shown", "FIFTH", expected_minor=shown)
        assert (answer["status"], answer["reason"]) == ("refused", "price_changed")
    assert (await buys(customer, "shown", "FIFTH", expected_minor=400))["status"] == "paid"
    assert customer.paid() == [1_000, 400]
    customer.check()


async def test_credits_by_the_unit_take_coupons_too(fleet: RunningFleet) -> None:
    customer = await living(fleet)
    wanted = {"key": "units", "credits": "400", "coupon": "three"}
    answer = await customer.life.ask("buy_credits", wanted)
    assert (answer["amount_minor"], answer["available"]) == (100, "1400")
    least = await customer.life.ask("buy_credits", wanted | {"key": "least", "credits": "300"})
    assert (least["amount_minor"], least["available"]) == (0, "1700")
    over = await customer.life.ask("buy_credits", wanted | {"key": "over"})
    assert over["reason"] == "coupon_already_used"
    assert customer.paid() == [1_000, 100]
    customer.check()


@pytest.mark.parametrize(
    ("coupon", "reason"),
    [("NOBODY", "unknown_coupon"), ("JANUARY", "coupon_expired")],
)
async def test_what_takes_nothing_off_is_refused_and_binds_nothing(
    fleet: RunningFleet, coupon: str, reason: str
) -> None:
    customer = await living(fleet)
    if coupon == "JANUARY":
        assert (await buys(customer, "in-time", coupon))["amount_minor"] == 250
        await customer.pass_until(FEBRUARY)
    refused = await buys(customer, "key", coupon)
    assert (refused["status"], refused["reason"]) == ("refused", reason)
    assert (await buys(customer, "key", "FIFTH"))["amount_minor"] == 400
    customer.check()


async def test_a_coupon_is_for_what_it_names(fleet: RunningFleet) -> None:
    customer = await living(fleet)
    wanted = {"key": "units", "credits": "500", "coupon": "WELCOME"}
    refused = await customer.life.ask("buy_credits", wanted)
    assert refused["reason"] == "coupon_not_applicable"
    assert (await customer.buy("100"))["status"] == "paid"
    assert (await buys(customer, "late", "WELCOME"))["reason"] == "coupon_for_first_purchase"


async def test_a_declined_charge_gives_the_last_coupon_back(fleet: RunningFleet) -> None:
    poor, rich, late = [await living(fleet) for _ in range(3)]
    poor.fault("decline")

    assert (await buys(poor, "poor", "SILVER"))["status"] == "declined"
    await poor.life.settle()
    assert (await buys(rich, "rich", "SILVER"))["amount_minor"] == 250
    refused = await buys(late, "late", "SILVER")
    assert (refused["status"], refused["reason"]) == ("refused", "coupon_used_up")
    assert (poor.paid(), rich.paid(), late.paid()) == ([1_000], [1_000, 250], [1_000])
    for customer in (poor, rich, late):
        customer.check()


async def test_a_discount_comes_before_the_tax_and_nothing_bears_none(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "grove_taxed", card=card_in(fleet, "GB"))

    free = await buys(customer, "free", "WELCOME", expected_minor=0)
    assert (free["amount_minor"], "tax" in free) == (0, False)
    assert await buys(customer, "free", "WELCOME", expected_minor=0) == free
    assert (await buys(customer, "free", "WELCOME", expected_minor=1))["status"] == "refused"
    answer = await buys(customer, "fifth", "FIFTH", expected_minor=480)
    assert (answer["amount_minor"], answer["tax"]["net_minor"]) == (480, 400)
    assert answer["discount"] == {"coupon": "FIFTH", "price_minor": 500, "discount_minor": 100}
    assert customer.paid() == [1_200, 480]
    assert customer.books() == {"cash": 1_680, "deferred_revenue": -1_400, "tax": -280}
    customer.check()


async def test_nothing_is_given_away_while_an_operator_holds_the_wallet(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet)
    await customer.life.ask("pause", {"reason": "a check", "by": "ada"})
    assert (await buys(customer, "free", "WELCOME"))["reason"] == "paused:by_operator"
    await customer.life.ask("resume", {"reason": "checked", "by": "ada"})
    assert (await buys(customer, "free", "WELCOME"))["status"] == "paid"
    customer.check()


async def test_each_pays_less_by_the_amount_in_the_currency_it_pays_in(
    fleet: RunningFleet,
) -> None:
    for currency, price, amount in (("USD", 1_500, 500), ("EUR", 1_400, 450)):
        customer = await fleet.subscribe("growth", catalog="schematic", currency=currency)
        wanted = {"credits": "1000", "coupon": "WELCOME", "key": "first"}
        answer = await customer.life.ask("buy_credits", wanted)
        assert (answer["status"], answer["currency"]) == ("paid", currency)
        assert answer["discount"]["price_minor"] == price
        assert answer["discount"]["discount_minor"] == amount
        again = await customer.life.ask("buy_credits", wanted | {"key": "again"})
        assert again["reason"] == "coupon_already_used"
        customer.check()

"""Coupons of plans: given at the start, for the periods that they last, and shown beforehand."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from tests.fleet import Customer, RunningFleet, result_of
from tests.payer import card_in
from workflows import names

pytestmark = pytest.mark.long

FEBRUARY, MARCH = datetime(2027, 2, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, 1, tzinfo=UTC)
MAY = datetime(2027, 5, 1, 1, tzinfo=UTC)


async def living(fleet: RunningFleet, coupon: str, plan: str = "grove", **more: Any) -> Customer:
    return await fleet.subscribe(plan, catalog="orchard", coupon=coupon, **more)


async def reason_of_failure(
    fleet: RunningFleet, coupon: str, customer: str = "", **more: Any
) -> str:
    """Start a subscription that cannot be, of somebody new or of a customer; return why."""
    name = f"couponed-{uuid4()}"
    start = {
        "subscription_id": name,
        "customer_id": customer or name,
        "name": "Ada",
        "email": "ada@example.com",
        "catalog": "orchard",
        "plan_id": "grove",
        "coupon": coupon,
        **more,
    }
    handle = await fleet.client.start_workflow(
        "Subscription",
        {"start": start},
        id=names.subscription_workflow(name),
        task_queue=names.BILLING,
    )
    with pytest.raises(WorkflowFailureError) as failed:
        await result_of(handle)
    assert isinstance(failed.value.cause, ApplicationError)
    return str(failed.value.cause.type)


async def test_a_free_first_period_begins_without_a_card(fleet: RunningFleet) -> None:
    customer = await living(fleet, "tryit", card=None)

    status = await customer.life.status()
    assert (status["status"], status["available"]) == ("active", "1000")
    assert customer.charges() == [("period", "paid", 0)]
    assert customer.paid() == []
    assert sorted(customer.mails()) == ["receipt", "welcome"]
    assert [cost for *_, cost in customer.grants("allowance")] == [0]
    customer.check()

    await customer.update_card("tok_visa")
    await customer.pass_until(FEBRUARY)
    assert customer.charges() == [("period", "paid", 0), ("period", "paid", 1_000)]
    assert customer.paid() == [1_000]
    customer.check()


@pytest.mark.parametrize(
    ("coupon", "more", "shown", "reason"),
    [
        ("QUARTER", {}, 1_000, "price_changed"),  # 500 with it
        ("TRYIT", {}, 500, "price_changed"),
        ("QUARTER", {"plan_id": "grove_taxed"}, 499, "price_changed"),  # below the price alone
        ("QUARTER", {}, -1, "invalid_amount"),
        ("QUARTER", {}, "500", "invalid_amount"),
    ],
)
async def test_at_another_price_than_was_shown_nothing_begins(
    fleet: RunningFleet, coupon: str, more: dict[str, str], shown: object, reason: str
) -> None:
    assert await reason_of_failure(fleet, coupon, **more, expected_minor=shown) == reason


async def test_half_for_three_periods_and_then_the_whole_price(fleet: RunningFleet) -> None:
    customer = await living(fleet, "QUARTER")
    await customer.pass_until(MAY)
    assert customer.paid() == [500, 500, 500, 1_000, 1_000]
    told = customer.rows(
        "SELECT payload -> 'mail' ->> 'next_minor' FROM outbox WHERE account_id = %s"
        " AND payload -> 'mail' ->> 'kind' = 'receipt' ORDER BY recorded_at"
    )
    assert [minor for (minor,) in told] == ["500", "500", "1000", "1000", "1000"]
    customer.check()


async def test_a_tenth_less_for_ever_on_whatever_plan(fleet: RunningFleet) -> None:
    customer = await living(fleet, "FRIEND")
    changed = await customer.change_plan("grove_large")
    assert changed["status"] == "changed"
    await customer.pass_until(MARCH)
    assert customer.paid() == [900, changed["amount_minor"], 1_800, 1_800]
    customer.check()


async def test_what_a_period_cost_is_what_can_go_back(fleet: RunningFleet) -> None:
    customer = await living(fleet, "QUARTER")
    await customer.use("400")
    ((charge,),) = customer.rows("SELECT charge_id FROM charges WHERE account_id = %s")
    refund = {"key": "r", "charge_id": charge, "amount_minor": "all"}
    back = await customer.life.ask("refund", refund | {"reason": "asked", "by": "ann"})
    assert (back["status"], back["amount_minor"]) == ("refunded", 300)
    customer.check()


async def test_a_discount_of_a_plan_comes_before_its_tax(fleet: RunningFleet) -> None:
    customer = await living(fleet, "QUARTER", "grove_taxed", card=card_in(fleet, "GB"))
    assert customer.paid() == [600]
    free = await living(fleet, "TRYIT", "grove_taxed", card=None)
    assert free.charges() == [("period", "paid", 0)]
    assert (await free.life.status())["status"] == "active"
    for one in (customer, free):
        one.check()


async def test_what_is_charged_next_is_said_with_the_coupon(fleet: RunningFleet) -> None:
    customer = await living(fleet, "QUARTER")
    await customer.cancel()
    told = await customer.life.ask("uncancel", {"preview": True})
    assert told["amount_minor"] == 500
    assert (await customer.life.ask("uncancel", {}))["amount_minor"] == 500
    await customer.pass_until(FEBRUARY)
    assert customer.paid() == [500, 500]
    customer.check()


@pytest.mark.parametrize(
    ("coupon", "reason"),
    [("NOBODY", "unknown_coupon"), ("WELCOME", "coupon_not_applicable")],
)
async def test_a_start_with_a_coupon_that_cannot_be_had_fails_by_its_name(
    fleet: RunningFleet, coupon: str, reason: str
) -> None:
    assert await reason_of_failure(fleet, coupon) == reason


async def test_a_first_period_is_free_once_in_a_customers_life(fleet: RunningFleet) -> None:
    customer = await living(fleet, "TRYIT")
    await customer.cancel("now")
    await customer.outcome()
    assert await reason_of_failure(fleet, "TRYIT", customer.name) == "coupon_already_used"
    again = await fleet.subscribe("grove", catalog="orchard", again=customer)
    assert again.paid() == [1_000]
    again.check()


async def test_a_declined_renewal_keeps_its_coupon_until_it_is_paid(fleet: RunningFleet) -> None:
    customer = await living(fleet, "QUARTER")
    await customer.update_card("tok_chargeCustomerFail")
    await customer.pass_until(FEBRUARY)
    assert (await customer.life.status())["status"] != "active"
    await customer.update_card("tok_visa")
    assert customer.paid() == [500, 500]
    await customer.pass_until(MAY)
    assert customer.paid() == [500, 500, 500, 1_000, 1_000]
    customer.check()

"""Purchases above what the processor charges at once: two credits of half a million dollars."""

import pytest

from domain.reasons import CURES
from tests.fleet import Customer, RunningFleet

HALF_A_MILLION = 50_000_000  # minor units


async def spent(fleet: RunningFleet, *, auto: bool) -> Customer:
    """A customer who has used up the one credit of the plan, and can buy."""
    customer = await fleet.subscribe("plain", catalog="dear")
    await customer.report(["1"])
    if auto:
        await customer.switch(on=True)
    return customer


def demanded(customer: Customer) -> tuple[int, int]:
    """Return how often the processor was asked to pay, and how many invoices it has."""
    listed = customer.ask_processor(f"invoices?customer={customer.processor()['payer']}")
    return customer.attempts(), len(listed["data"])


@pytest.mark.parametrize(
    ("name", "message"),
    [("buy_pack", {"pack": "castle", "count": 2}), ("buy_credits", {"credits": "2"})],
)
async def test_a_purchase_above_the_maximum_never_reaches_the_processor(
    fleet: RunningFleet, name: str, message: dict[str, object]
) -> None:
    customer = await spent(fleet, auto=False)

    answer = await customer.life.ask(name, {"key": "two", **message})

    assert (answer["status"], answer["reason"]) == ("refused", "above_maximum")
    assert answer["cure"] == CURES["above_maximum"]
    assert demanded(customer) == (1, 1)  # the plan's own
    assert customer.charges() == [("period", "paid", 900)]
    customer.check()


async def test_an_auto_purchase_above_the_maximum_reserves_nothing_and_says_why(
    fleet: RunningFleet,
) -> None:
    customer = await spent(fleet, auto=True)

    answer = await customer.use("2")
    status = await customer.report(["2"])

    assert (answer["status"], answer["reason"]) == ("refused", "above_maximum")
    assert answer["cure"] == CURES["above_maximum"]
    assert [reason for _, reason in customer.refusals()] == ["above_maximum"]
    assert customer.charges() == [("period", "paid", 900)]
    assert demanded(customer) == (1, 1)
    assert (status["status"], customer.found()) == ("active", [])
    assert "payment_failed" not in customer.mails()
    customer.check()


async def test_what_the_processor_can_charge_is_bought_after_a_refusal(
    fleet: RunningFleet,
) -> None:
    customer = await spent(fleet, auto=True)
    await customer.use("2", "much")

    answer = await customer.use("1", "little")

    assert answer["status"] == "debited"
    assert customer.paid() == [900, HALF_A_MILLION]
    customer.check()


async def test_nobody_is_asked_to_agree_to_what_cannot_be_charged(fleet: RunningFleet) -> None:
    customer = await spent(fleet, auto=False)

    two = await customer.use("2", action="view")
    one = await customer.use("1", action="view")

    assert two["reason"] == "above_maximum"
    assert one["reason"] == "confirmation_required"
    assert one["asked"]["purchase"]["amount_minor"] == HALF_A_MILLION
    assert demanded(customer) == (1, 1)
    customer.check()

"""Charges with tax that are interrupted: each total is the one that was made, charged once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from local.patience import QUIET_SECONDS
from local.processes import wait_until
from tests.fleet import RunningFleet
from tests.payer import card_in, held
from tests.workflows.test_rebuilding import lose, rebuild
from tests.workflows.test_taxes import living

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


async def test_another_card_pays_the_total_that_the_invoice_was_made_with(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    customer.fault("decline")
    await customer.pass_until(FEBRUARY + SECOND)
    card = card_in(fleet, "CH")
    await customer.life.signal("payment_method_updated", {"payment_method": card})
    assert (await customer.life.settle())["status"] == "active"
    assert customer.paid() == [1_080, 1_080]
    customer.check()


@pytest.mark.parametrize("path", ["/v1/invoices/*/finalize", "/v1/invoices/*"])
async def test_an_answer_that_is_lost_makes_one_invoice_and_one_tax(
    fleet: RunningFleet, path: str
) -> None:
    customer = await living(fleet, "GB")
    customer.fault("lost", path=path, count=2)
    answer = await customer.buy("10000", "lost")
    assert (answer["status"], answer["amount_minor"]) == ("paid", 1_080)
    assert (customer.paid(), customer.open_invoices()) == ([1_080, 1_080], [])
    assert customer.books()["tax"] == -360
    customer.check()


async def test_a_workflow_that_is_lost_between_invoice_and_payment_charges_once(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    with held(fleet.standin, path="/v1/invoices/*/finalize"):
        asked = asyncio.create_task(customer.buy("10000", "lost"))
        await asyncio.to_thread(wait_until, customer.is_held, QUIET_SECONDS, "the invoice")
        lost = await lose(customer)
    again = await rebuild(customer, lost)
    await asyncio.wait([asked])
    assert asked.exception() is not None
    await again.life.settle()
    assert (await again.buy("10000", "lost"))["status"] == "paid"
    assert (again.paid(), again.open_invoices()) == ([1_080, 1_080], [])
    assert again.books()["tax"] == -360
    again.check()


async def test_money_on_its_way_to_a_lost_workflow_is_granted_with_its_tax(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    customer.fault("later")
    await customer.buy("10000", "later")
    again = await rebuild(customer, await lose(customer))
    again.settle_later(again.invoice_of("processing"))
    await again.life.signal("invoice_paid", {"invoice": again.invoice_of("processing")})
    assert (await again.life.settle())["available"] == "20000"
    assert (again.paid(), again.found(), again.books()["tax"]) == ([1_080, 1_080], [], -360)
    again.check()


async def test_a_declined_renewal_of_a_lost_workflow_is_paid_with_its_tax(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    customer.fault("decline")
    await customer.pass_until(FEBRUARY + SECOND)
    again = await rebuild(customer, await lose(customer))
    await again.update_card()  # one that says no place: the invoice has its tax already
    assert (await again.life.settle())["status"] == "active"
    assert (again.paid(), again.found()) == ([1_080, 1_080], [])
    again.check()


async def test_a_window_that_ends_voids_a_declined_purchase_and_owes_no_tax(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB")
    await customer.switch(on=True)
    customer.fault("decline")
    await customer.report(["10000", "1"])
    assert len(customer.open_invoices()) == 1
    await customer.pass_until(FEBRUARY + DAY)
    assert customer.open_invoices() == []
    assert set(customer.paid()) == {1_080}
    assert customer.books()["tax"] == -180 * len(customer.paid())
    customer.check()


async def test_a_plan_that_is_left_while_its_renewal_is_ready_is_not_charged(
    fleet: RunningFleet,
) -> None:
    customer = await living(fleet, "GB", "core_40k")
    await customer.pass_until(FEBRUARY - SECOND)
    assert len(customer.open_invoices()) == 1
    assert (await customer.change_plan("core_10k"))["status"] == "scheduled"
    await customer.pass_until(FEBRUARY + DAY)
    assert (customer.paid(), customer.open_invoices()) == ([3_480, 1_080], [])
    assert customer.books()["tax"] == -580 - 180
    customer.check()

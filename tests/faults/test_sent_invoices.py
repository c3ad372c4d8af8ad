"""A worker is killed while an invoice is sent, chased, given up or paid: each happens once."""

import asyncio
from datetime import UTC, datetime

from tests.faults.gates import Point, commit, request
from tests.faults.mortal import MortalFleet
from tests.faults.test_crashes import points
from tests.fleet import BEGINS, SECOND, Customer

PRICE, YEAR, PACK = 480000, 646920, 17500
REMINDED, DUE, GIVEN_UP = (datetime(2027, *day, tzinfo=UTC) for day in ((1, 25), (2, 1), (2, 15)))
SENDING = {
    "invoice made, unknown here": request("POST /v1/invoices/*/finalize", "answer"),
    "period about to begin": commit("open_windows(", "request"),
    "period begun, nothing mailed": commit("open_windows(", "answer"),
    "mail about to be written": commit("mark_processing(", "request"),
    "mail written": commit("mark_processing(", "answer"),
}
SENDING_A_PACK = {
    "ordered, no invoice yet": commit("open_charge(", "answer"),
    "invoice made, unknown here": request("POST /v1/invoices/*/finalize", "answer"),
    "mail about to be written": commit("mark_processing(", "request"),
    "mail written": commit("mark_processing(", "answer"),
}
VOIDING = {
    "about to be void there": request("POST /v1/invoices/*/void", "request"),
    "void there": request("POST /v1/invoices/*/void", "answer"),
    "void here": commit("mark_void(", "answer"),
}
CHASING = {
    "day about to be told": commit("mark_processing(", "request"),
    "day told": commit("mark_processing(", "answer"),
}
GIVING_UP = {
    "about to be given up": commit("mark_declined(", "request"),
    "given up": commit("mark_declined(", "answer"),
}
PAYING = {
    "money about to be booked": commit("mark_paid(", "request"),
    "money booked": commit("mark_paid(", "answer"),
}


async def a_house(mortal: MortalFleet) -> Customer:
    """A customer whose year begins when its invoice is sent; nothing has begun yet."""
    return await mortal.fleet.subscribe("house", catalog="trusted_debits", card=None, wait=False)


async def dies(mortal: MortalFleet, customer: Customer, point: Point, until: datetime) -> None:
    """Let time pass until an instant; the worker dies on the way."""
    trap = mortal.set(point)
    passing = asyncio.create_task(customer.pass_until(until + SECOND))
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await passing
    await customer.life.settle()


async def an_enterprise(mortal: MortalFleet) -> Customer:
    """A customer whose year is paid, and who is sent invoices for packs."""
    customer = await mortal.fleet.subscribe("enterprise_yearly", catalog="salestools", card=None)
    await pays(customer, YEAR)
    return customer


async def pays(customer: Customer, amount_minor: int = PRICE) -> None:
    (invoice,) = customer.open_invoices()
    customer.transfers(invoice, amount_minor)
    await customer.life.signal("invoice_paid", {"invoice": invoice})
    await customer.life.settle()


@points(SENDING)
async def test_an_invoice_is_sent_once_and_its_period_begins_once(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await a_house(mortal)
    await dies(mortal, customer, point, BEGINS)

    assert (await customer.life.status())["available"] == "6000"
    assert len(customer.open_invoices()) == 1
    await pays(customer)
    assert sorted(customer.mails()) == ["invoice_due", "receipt", "welcome"]
    assert customer.paid() == [PRICE]
    customer.check()


@points(CHASING)
async def test_its_day_is_told_once(mortal: MortalFleet, point: Point) -> None:
    customer = await a_house(mortal)
    await customer.pass_until(REMINDED)
    await dies(mortal, customer, point, DUE)

    assert (await customer.life.status())["status"] == "past_due"
    assert customer.mails().count("invoice_due") == 3
    customer.check()


@points(GIVING_UP)
async def test_it_is_given_up_once_and_taken_back_once(mortal: MortalFleet, point: Point) -> None:
    customer = await a_house(mortal)
    await customer.pass_until(DUE + SECOND)
    await dies(mortal, customer, point, GIVEN_UP)

    assert (await customer.life.status())["status"] == "paused"
    assert customer.mails().count("invoice_due") == 4
    await pays(customer)
    assert (await customer.life.status())["available"] == "6000"
    customer.check()


@points(SENDING_A_PACK)
async def test_the_invoice_of_a_pack_is_sent_once(mortal: MortalFleet, point: Point) -> None:
    customer = await an_enterprise(mortal)
    trap = mortal.set(point)
    wanted = {"key": "order", "pack": "pack_5000", "count": 1}
    ordering = asyncio.create_task(customer.life.ask("buy_pack", wanted))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    assert (await ordering)["status"] == "processing"
    assert (await customer.life.ask("buy_pack", wanted))["status"] == "processing"
    assert len(customer.open_invoices()) == 1
    assert customer.mails().count("invoice_due") == 2
    await pays(customer, PACK)
    assert (await customer.life.status())["available"] == "25000"
    assert customer.paid() == [YEAR, PACK]
    customer.check()


@points(GIVING_UP | VOIDING)
async def test_a_pack_that_nobody_pays_is_given_up_once(mortal: MortalFleet, point: Point) -> None:
    customer = await an_enterprise(mortal)
    await customer.life.ask("buy_pack", {"key": "order", "pack": "pack_5000", "count": 1})
    await customer.pass_until(DUE + SECOND)
    await dies(mortal, customer, point, GIVEN_UP)

    assert (await customer.life.status())["status"] == "active"
    assert customer.open_invoices() == []
    assert customer.mails().count("invoice_due") == 5  # two sent, one reminded of, overdue, void
    assert customer.paid() == [YEAR]
    customer.check()


@points(PAYING)
async def test_its_transfer_is_booked_once(mortal: MortalFleet, point: Point) -> None:
    customer = await a_house(mortal)
    await customer.pass_until(BEGINS + SECOND)
    trap = mortal.set(point)
    paying = asyncio.create_task(pays(customer))
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await paying

    assert customer.paid() == [PRICE]
    assert customer.mails().count("receipt") == 1
    customer.check()

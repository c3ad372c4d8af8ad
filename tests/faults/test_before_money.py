"""A worker is killed while credits are granted before their money, or taken back: once all."""

import asyncio

from domain.credits import MICRO
from tests.faults.gates import Point, commit, request
from tests.faults.mortal import MortalFleet
from tests.faults.test_crashes import RENEWED, points
from tests.faults.test_extra_credits import granted
from tests.fleet import Customer
from tests.workflows.test_packs import buy_pack

ACCOUNT = "pm_usBankAccount_success"
GRANTING = {
    "debit known to the processor only": request("POST /v1/invoices/*/pay", "answer"),
    "grant about to be written": commit("grant_before_money(", "request"),
    "grant written": commit("grant_before_money(", "answer"),
}
TAKING_BACK = {
    "failure about to be written": commit("mark_declined(", "request"),
    "taken back": commit("mark_declined(", "answer"),
    "void about to be written": commit("mark_void(", "request"),
    "void written": commit("mark_void(", "answer"),
}
BEGINNING = {
    "period about to begin": commit("open_windows(", "request"),
    "period begun": commit("open_windows(", "answer"),
}
PAYING = {
    "money about to be booked": commit("mark_paid(", "request"),
    "money booked": commit("mark_paid(", "answer"),
}


async def trusted(mortal: MortalFleet) -> Customer:
    customer = await mortal.fleet.subscribe("team", catalog="trusted_debits")
    await customer.life.ask("use_payment_method", {"payment_method": ACCOUNT})
    return customer


async def dies_while_told(mortal: MortalFleet, point: Point, failure: str = "") -> Customer:
    """A pack is granted; the worker dies while it is told how its debit ended."""
    customer = await trusted(mortal)
    await buy_pack(customer, "thousand", "p1")
    await customer.use("700", action="call")
    invoice = customer.invoice_of("processing")
    trap = mortal.set(point)
    customer.settle_later(invoice, *([failure] if failure else []))
    told = asyncio.create_task(customer.life.signal("invoice_paid", {"invoice": invoice}))
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await told
    await customer.life.settle()
    return customer


@points(GRANTING)
async def test_a_pack_is_granted_once_before_its_money(mortal: MortalFleet, point: Point) -> None:
    customer = await trusted(mortal)
    trap = mortal.set(point)
    asked = asyncio.create_task(buy_pack(customer, "thousand", "p1"))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    answer = await asked

    assert (answer["status"], answer["granted"]) == ("processing", "before_its_money")
    assert granted(customer, "pack") == [("credits", 1_000 * MICRO, 2500)]
    assert (await customer.life.settle())["available"] == "1500"
    assert customer.mails().count("on_its_way") == 1
    customer.check()


@points(PAYING)
async def test_its_money_is_booked_once(mortal: MortalFleet, point: Point) -> None:
    customer = await dies_while_told(mortal, point)

    assert (await customer.life.status())["available"] == "800"
    assert customer.paid() == [8000, 2500]
    assert customer.mails().count("receipt") == 2
    customer.check()


@points(TAKING_BACK)
async def test_what_failed_is_taken_back_once(mortal: MortalFleet, point: Point) -> None:
    customer = await dies_while_told(mortal, point, "insufficient_funds")

    assert (await customer.life.status())["available"] == "0"
    assert [state for _, state, _ in customer.charges()] == ["paid", "void"]
    [(owed,)] = customer.rows("SELECT sum(owed) FROM grants WHERE account_id = %s")
    assert owed == 200 * MICRO
    assert customer.mails().count("payment_failed") == 1
    customer.check()


@points(BEGINNING)
async def test_a_period_begins_once_before_its_money(mortal: MortalFleet, point: Point) -> None:
    customer = await trusted(mortal)
    trap = mortal.set(point)
    renewal = asyncio.create_task(customer.pass_until(RENEWED))
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await renewal

    assert (await customer.life.settle())["available"] == "500"
    customer.settle_later(customer.invoice_of("processing"))
    await customer.life.signal("invoice_paid", {"invoice": customer.invoice_of("processing")})
    await customer.life.settle()
    assert customer.paid() == [8000, 8000]
    assert (customer.mails().count("on_its_way"), customer.mails().count("receipt")) == (1, 2)
    customer.check()

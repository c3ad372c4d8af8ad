"""A worker is killed between two effects; the next one goes on: one charge, one grant, one mail."""

import asyncio
from datetime import UTC, datetime

import pytest

from domain.credits import MICRO
from local.patience import until
from tests.faults.gates import Point, Side, commit, request
from tests.faults.mortal import MortalFleet
from tests.fleet import Customer

ALLOWANCE, UNIT = 10_000, 10_000
PRICE, PURCHASE = 900, 1170  # minor units
RENEWED = datetime(2027, 2, 1, 0, 0, 1, tzinfo=UTC)

# The points of every charge, in order. The first of all is the one that matters most: the
# processor has the money and we do not know it.
KNOWN_TO_THE_PROCESSOR_ONLY = request("POST /v1/invoices/*/pay", "answer")
CHARGING = {
    "invoice asked for": request("POST /v1/invoices", "request"),
    "invoice made": request("POST /v1/invoices", "answer"),
    "line added": request("POST /v1/invoiceitems", "answer"),
    "invoice finalised": request("POST /v1/invoices/*/finalize", "answer"),
    "payment asked for": request("POST /v1/invoices/*/pay", "request"),
    "money about to be booked": commit("mark_paid(", "request"),
    "money booked, credits granted": commit("mark_paid(", "answer"),
}
RENEWING = CHARGING | {
    "charge about to be opened": commit("open_charge(", "request"),
    "charge opened": commit("open_charge(", "answer"),
}
PURCHASING = CHARGING | {
    "events about to be refused for now": commit("FROM debit", "request"),
    "events refused for now": commit("FROM debit", "answer"),
    "purchase about to be reserved": commit("reserve_auto_purchase(", "request"),
    "purchase reserved": commit("reserve_auto_purchase(", "answer"),
    "second line added": request("POST /v1/invoiceitems", "answer", skip=1),
    "granted, about to be debited": commit("FROM debit", "request", skip=1),
    "granted and debited": commit("FROM debit", "answer", skip=1),
}
DECLINING = {
    "decline known to the processor only": KNOWN_TO_THE_PROCESSOR_ONLY,
    "pause about to be written": commit("mark_declined(", "request"),
    "pause written": commit("mark_declined(", "answer"),
}

RESTARTING = {
    "payment asked for": request("POST /v1/invoices/*/pay", "request"),
    "payment known to the processor only": KNOWN_TO_THE_PROCESSOR_ONLY,
    "old period about to be cut": commit("cut_windows(", "request"),
    "new period begun": commit("cut_windows(", "answer"),
}


def points(named: dict[str, Point]) -> pytest.MarkDecorator:
    rare = [pytest.param(point, id=name, marks=pytest.mark.faults) for name, point in named.items()]
    return pytest.mark.parametrize("point", rare)


async def dies_while_renewing(mortal: MortalFleet, point: Point) -> Customer:
    customer = await mortal.fleet.subscribe("core_10k")
    trap = mortal.set(point)
    renewal = asyncio.create_task(customer.pass_until(RENEWED))
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await renewal
    return customer


async def dies_while_purchasing(mortal: MortalFleet, point: Point) -> Customer:
    customer = await mortal.fleet.subscribe("core_10k", auto=True)
    await customer.use("9999")
    trap = mortal.set(point)
    await customer.life.record([await customer.event("2"), await customer.event("3")])
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await customer.life.settle()
    return customer


def assert_charged_once_each(customer: Customer, *amounts: int) -> None:
    assert customer.paid() == list(amounts)
    assert customer.attempts() == len(amounts)
    grants = (
        "SELECT charge_id, count(*) FROM grants WHERE account_id = %s AND credit_type = 'credits'"
        " GROUP BY charge_id"
    )
    assert [row[1] for row in customer.rows(grants)] == [1] * len(amounts)
    assert customer.mails().count("receipt") == len(amounts)
    customer.check()


async def mailed(customer: Customer, count: int) -> list[str]:
    """Wait for so many mails in the customer's inbox; return their Message-IDs in order."""
    return (await in_the_inbox(customer, f"{customer.name}@example.com", count))[::-1]


async def in_the_inbox(customer: Customer, address: str, count: int) -> list[str]:
    """Wait for so many mails to an address; return their Message-IDs, the newest first."""

    async def ids() -> list[str]:
        mails = await asyncio.to_thread(customer.fleet.mail_catcher.mails, address)
        return [mail["message_id"] for mail in mails]

    return await until(ids, lambda seen: len(seen) >= count, f"{count} mails to {address}")


async def assert_renewed(mortal: MortalFleet, point: Point) -> None:
    customer = await dies_while_renewing(mortal, point)
    assert_charged_once_each(customer, PRICE, PRICE)
    status = await customer.life.status()
    assert (status["status"], status["available"]) == ("active", str(ALLOWANCE))


async def assert_purchased(mortal: MortalFleet, point: Point) -> None:
    customer = await dies_while_purchasing(mortal, point)
    assert_charged_once_each(customer, PRICE, PURCHASE)
    status = await customer.life.status()
    assert status["available"] == str(1 + UNIT - 5)
    assert sorted(customer.used().values()) == [2 * MICRO, 3 * MICRO, 9_999 * MICRO]


@pytest.mark.faults
async def test_a_renewal_whose_payment_only_the_processor_knows_is_charged_once(
    mortal: MortalFleet,
) -> None:
    await assert_renewed(mortal, KNOWN_TO_THE_PROCESSOR_ONLY)


@pytest.mark.faults
async def test_an_auto_purchase_whose_payment_only_the_processor_knows_is_charged_once(
    mortal: MortalFleet,
) -> None:
    await assert_purchased(mortal, KNOWN_TO_THE_PROCESSOR_ONLY)


@points(RENEWING)
async def test_a_renewal_survives_a_death_at_any_point(mortal: MortalFleet, point: Point) -> None:
    await assert_renewed(mortal, point)


@points(PURCHASING)
async def test_an_auto_purchase_survives_a_death_at_any_point(
    mortal: MortalFleet, point: Point
) -> None:
    await assert_purchased(mortal, point)


@pytest.mark.faults
async def test_the_server_notices_a_death_by_itself(mortal: MortalFleet) -> None:
    customer = await mortal.fleet.subscribe("core_10k", auto=True)
    trap = mortal.set(commit("FROM debit", "answer"))
    await customer.life.record([await customer.event("2")])
    await mortal.sprung(trap)
    await mortal.start()  # and nobody buries the dead
    await customer.life.settle()
    assert list(customer.used().values()) == [2 * MICRO]
    await mortal.bury(customer)
    customer.check()


@points(RESTARTING)
async def test_a_change_that_begins_a_new_period_survives_a_death_at_any_point(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await mortal.fleet.subscribe("professional", catalog="salestools")
    trap = mortal.set(point)
    change = {"plan": "professional_yearly", "when": "now", "key": "larger"}
    asked = asyncio.create_task(customer.life.ask("change_plan", change))
    await mortal.sprung(trap)
    await mortal.revive(customer)
    answer = await asked
    assert (answer["status"], answer["available"]) == ("changed", "2000")
    assert await customer.life.ask("change_plan", change) == answer
    assert (customer.attempts(), customer.mails().count("plan_changed")) == (2, 1)
    assert [whole for *_, whole, _ in customer.grants("allowance")] == [2_000] * 13
    assert len(customer.rows("SELECT FROM windows WHERE account_id = %s")) == 13
    customer.check()


@points(DECLINING)
async def test_a_declined_purchase_pauses_once_with_one_mail(
    mortal: MortalFleet, point: Point
) -> None:
    customer = await mortal.fleet.subscribe("core_10k", auto=True)
    await customer.use("9999")
    customer.fault("decline")
    trap = mortal.set(point)
    await customer.life.record([await customer.event("2")])
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await customer.life.settle()
    assert customer.mails() == ["receipt", "welcome", "payment_failed"]
    assert customer.paid() == [PRICE]
    assert customer.attempts() == 2
    assert (await customer.use("1"))["reason"] == "paused:payment_failed"
    customer.check()


@pytest.mark.faults
async def test_a_mail_that_was_sent_but_not_noted_is_sent_again_under_the_same_id(
    mortal: MortalFleet,
) -> None:
    customer = await mortal.fleet.subscribe("core_10k")
    await mailed(customer, 2)
    trap = mortal.set(commit("UPDATE outbox", "request"))
    await customer.buy("1000")
    await mortal.sprung(trap)
    await mortal.revive(customer)
    ids = await mailed(customer, 4)
    assert len(set(ids)) == 3
    assert ids[-1] == ids[-2]
    assert customer.mails() == ["receipt", "welcome", "receipt"]


@pytest.mark.faults
@pytest.mark.parametrize("side", ["request", "answer"])
async def test_no_event_is_lost_or_doubled_when_a_worker_dies_in_the_middle_of_its_batches(
    mortal: MortalFleet, side: Side
) -> None:
    customer = await mortal.fleet.subscribe("core_10k")
    sent = [await customer.event(str(number + 1)) for number in range(60)]
    trap = mortal.set(commit("FROM debit", side, skip=1))
    for start in range(0, 60, 10):
        await customer.life.record(sent[start : start + 10])
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await customer.life.settle()
    assert customer.used() == {one["key"]: int(one["quantity"]) * MICRO for one in sent}
    customer.check()

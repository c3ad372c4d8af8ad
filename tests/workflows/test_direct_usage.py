"""Usage past the workflow: shortfalls are bought for, callers wait for what cures them."""

import asyncio
from typing import Any

import httpx
from sqlalchemy import text

from activities.direct.shortfalls import AGAIN_SECONDS
from local.patience import until
from tests.fleet import Customer


async def use(
    door: httpx.AsyncClient, customer: Customer, quantity: str, key: str | None = None, **more: Any
) -> httpx.Response:
    event = await customer.event(quantity, key)
    sent = {**event, "customer_id": customer.name, **more}
    return await door.post("/usage", json=sent, headers={"Prefer": "wait=30"})


async def test_a_shortfall_is_bought_for_and_its_caller_answered(fleet, door) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    assert (await use(door, customer, "9997")).json()["available"] == "3"

    answer = await use(door, customer, "5", "split")

    assert (answer.status_code, answer.json()["available"]) == (200, "9998")
    assert customer.paid() == [900, 1170]
    split = [line.source for line in customer.history() if "split" in line.cause]
    assert split == ["allowance", "auto_purchase"]
    customer.check()


GRANTED = text("""
    SELECT g.source, g.credit_type, g.granted, g.remaining, g.cost_minor, g.part, g.priority,
           g.expires_at = w.window_end AS with_the_window, g.scope
    FROM grants g JOIN wallets w ON w.account_id = g.account_id
    JOIN customers c ON c.account_id = g.account_id
    WHERE c.customer_id = :customer ORDER BY g.grant_id
""")


def granted(fleet, customer):
    with fleet.engine.connect() as ledger:
        return ledger.execute(GRANTED, {"customer": customer.name}).all()


async def test_what_comes_with_a_purchase_is_the_same_through_both_doors(fleet, door) -> None:
    direct = await fleet.subscribe("core_10k", auto=True)
    told = await fleet.subscribe("core_10k", auto=True)
    for quantity in ("9997", "5", "9998", "12"):  # short, then to zero exactly, then too much
        answer = (await use(door, direct, quantity)).json()
        consumed = await told.life.ask("consume", await told.event(quantity))
        for told_of in ("available", "reason"):
            assert answer.get(told_of) == consumed.get(told_of), (quantity, answer, consumed)

    assert granted(fleet, direct) == granted(fleet, told)
    companions = [one for one in granted(fleet, direct) if one.part]
    assert {(one.credit_type, one.cost_minor) for one in companions} == {("data_transfer", 0)}
    assert direct.paid() == told.paid()
    for customer in (direct, told):
        customer.check()


async def test_many_callers_of_one_shortfall_are_one_purchase(fleet, door) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await use(door, customer, "9990")

    answers = await asyncio.gather(*(use(door, customer, "100") for _ in range(24)))

    assert {one.status_code for one in answers} == {200}
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_while_a_purchase_takes_its_time_its_subscription_is_not_told_again_and_again(
    fleet, door
) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await use(door, customer, "9990")
    loop = asyncio.get_running_loop()

    began = loop.time()
    with customer.payment_held():
        asked = [asyncio.create_task(use(door, customer, "100")) for _ in range(8)]
        await until(lambda: crossings(customer), lambda told: len(told) > 2, "a third signal")
    answers = await asyncio.gather(*asked)
    took = loop.time() - began

    assert {one.status_code for one in answers} == {200}
    signals = await crossings(customer)
    # When it was found short, by the relay of crossings, and every two seconds by one of the
    # eight: an own debit that was refused wakes nobody.
    assert len(signals) <= 3 + took / AGAIN_SECONDS
    customer.check()


async def crossings(customer: Customer) -> list[int]:
    """Return the ids of the events by which a subscription was told of a crossing."""
    return [
        event.event_id
        async for event in customer.life.handle.fetch_history_events()
        if event.workflow_execution_signaled_event_attributes.signal_name == "balance_crossed"
    ]


async def test_who_does_not_wait_repeats_with_the_same_key(fleet, door) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    event = {**await customer.event("10005", "late"), "customer_id": customer.name}

    answer = await door.post("/usage", json=event, headers={"Prefer": "wait=0"})
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    again = await door.post("/usage", json=event, headers={"Prefer": "wait=30"})

    assert (again.status_code, again.json()["status"]) == (200, "debited")
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_a_declined_purchase_answers_its_callers_with_the_pause(fleet, door) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.update_card("tok_chargeCustomerFail")

    answer = await use(door, customer, "10005")

    assert (answer.status_code, answer.json()["reason"]) == (402, "paused:payment_failed")
    assert customer.mails().count("payment_failed") == 1
    customer.check()


async def test_the_cap_is_told_once_whoever_reaches_it(fleet, door) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await use(door, customer, "20000")

    answers = [await use(door, customer, "1"), await use(door, customer, "1")]

    assert [one.json()["reason"] for one in answers] == ["cap_reached"] * 2
    assert customer.mails().count("cap_reached") == 1
    customer.check()


async def test_a_hold_waits_for_its_purchase_too(fleet, door) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    event = {**await customer.event("10005", "job"), "customer_id": customer.name}
    until = {"lapses_at": "2027-01-20T00:00:00Z"}

    held = await door.post("/holds", json=event | until, headers={"Prefer": "wait=30"})

    assert (held.status_code, held.json()["available"]) == (200, "9995")
    assert customer.paid() == [900, 1170]
    customer.check()


async def test_both_doors_answer_alike(fleet, door) -> None:
    customer = await fleet.subscribe("core_10k")
    event = await customer.event("5", "both")

    through = (await door.post("/usage", json=event | {"customer_id": customer.name})).json()
    again = await customer.life.ask("consume", event)

    names = {"customer_id": customer.name, "key": "both"}
    assert {**again, **names} == {**through, "status": "repeated"}
    other = event | {"quantity": "6"}
    refused = (await door.post("/usage", json=other | {"customer_id": customer.name})).json()
    told = await customer.life.ask("consume", other)
    assert (refused["reason"], refused["cure"]) == (told["reason"], told["cure"])

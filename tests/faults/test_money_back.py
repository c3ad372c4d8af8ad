"""A worker is killed while money goes back: one refund at the processor, credits taken once."""

import asyncio

import pytest

from domain.credits import MICRO
from tests.faults.gates import Point, commit, request
from tests.faults.mortal import MortalFleet
from tests.faults.test_crashes import points
from tests.fleet import Customer, Json
from tests.workflows.test_money_that_went_back import hear, newest_refund
from tests.workflows.test_refunds import a_pack, ask, sent_back

REFUND = 54  # minor units: 600 of 1,000 credits that were bought for 90
TAKEN = {"credits": 600 * MICRO, "data_transfer": 600 * 524_288 * MICRO}

# The processor has sent the money back and we do not know it.
KNOWN_TO_THE_PROCESSOR_ONLY = request("POST /v1/credit_notes", "answer")
RESERVING = {
    "refund about to be reserved": commit("refund_charge(", "request"),
    "refund reserved": commit("refund_charge(", "answer"),
    "refund asked for": request("POST /v1/credit_notes", "request"),
}
RECORDING = {
    "refund known to the processor only": KNOWN_TO_THE_PROCESSOR_ONLY,
    "refund about to be recorded": commit("note_refund(", "request"),
    "refund recorded": commit("note_refund(", "answer"),
}


def state_of_refunds(customer: Customer) -> list[tuple[str, int]]:
    rows = customer.rows("SELECT state, amount_minor FROM refunds WHERE account_id = %s")
    return [(row[0], row[1]) for row in rows]


def taken(customer: Customer) -> dict[str, int]:
    rows = customer.rows(
        "SELECT credit_type, -sum(change) FROM entries WHERE account_id = %s AND kind = 'refund'"
        " GROUP BY credit_type"
    )
    return {row[0]: int(row[1]) for row in rows}


def assert_refunded_once(customer: Customer, answer: Json) -> None:
    assert (answer["status"], answer["amount_minor"], answer["credits"]) == (
        "refunded",
        REFUND,
        "600",
    )
    assert sent_back(customer) == REFUND
    assert state_of_refunds(customer) == [("made", REFUND)]
    assert taken(customer) == TAKEN
    assert customer.books()["refunds"] == -REFUND
    assert customer.mails().count("refunded") == 1
    customer.check()


async def assert_survives(mortal: MortalFleet, point: Point) -> None:
    customer, pack = await a_pack(mortal.fleet)
    trap = mortal.set(point)
    asked = asyncio.create_task(ask(customer, pack))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    assert_refunded_once(customer, await asked)
    assert_refunded_once(customer, await ask(customer, pack))
    assert (await customer.life.status())["available"] == "0"


@points(RESERVING)
async def test_a_refund_survives_a_death_between_its_reservation_and_the_processor(
    mortal: MortalFleet, point: Point
) -> None:
    await assert_survives(mortal, point)


@points(RECORDING)
async def test_a_refund_survives_a_death_between_the_processor_and_our_record_of_it(
    mortal: MortalFleet, point: Point
) -> None:
    await assert_survives(mortal, point)


@pytest.mark.faults
async def test_credits_of_a_refund_are_gone_before_its_money_is(mortal: MortalFleet) -> None:
    customer, pack = await a_pack(mortal.fleet)
    trap = mortal.set(RESERVING["refund asked for"])
    asked = asyncio.create_task(ask(customer, pack))
    await mortal.sprung(trap)

    assert (sent_back(customer), taken(customer)) == (0, TAKEN)
    assert state_of_refunds(customer) == [("asked", REFUND)]

    await mortal.revive(customer)
    assert_refunded_once(customer, await asked)


@pytest.mark.faults
async def test_a_refund_that_the_processor_tells_before_we_recorded_it_is_booked_once(
    mortal: MortalFleet,
) -> None:
    customer, pack = await a_pack(mortal.fleet)
    trap = mortal.set(KNOWN_TO_THE_PROCESSOR_ONLY)
    asked = asyncio.create_task(ask(customer, pack))
    await mortal.sprung(trap)
    await mortal.start()  # and nobody buries the dead yet: the event comes first

    told = await hear(customer, "refund.created", newest_refund(customer))

    assert told.outcome == "booked"
    assert state_of_refunds(customer) == [("made", REFUND)]
    await mortal.bury(customer)
    assert_refunded_once(customer, await asked)

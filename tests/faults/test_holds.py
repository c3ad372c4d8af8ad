"""A worker is killed while a hold ends: the hold ends once."""

import asyncio
from datetime import timedelta

import pytest

from tests.faults.gates import commit
from tests.faults.mortal import MortalFleet
from tests.faults.test_crashes import RENEWED
from tests.fleet import Customer


async def with_a_hold(mortal: MortalFleet) -> Customer:
    customer = await mortal.fleet.subscribe("core_10k")
    until = await customer.life.now() + timedelta(minutes=5)
    event = await customer.event("100", "job")
    held = await customer.life.ask("hold", event | {"lapses_at": until.isoformat()})
    assert held["status"] == "held"
    return customer


def ends(customer: Customer) -> list[tuple[str, int]]:
    found = customer.rows(
        "SELECT kind, count(DISTINCT seq) FROM entries WHERE account_id = %s"
        " AND kind IN ('capture', 'release') GROUP BY kind ORDER BY kind"
    )
    return [(row[0], row[1]) for row in found]


@pytest.mark.faults
async def test_a_capture_whose_answer_was_lost_takes_once(mortal: MortalFleet) -> None:
    customer = await with_a_hold(mortal)
    trap = mortal.set(commit("capture_hold(", "answer"))
    asked = asyncio.create_task(customer.life.ask("capture", {"key": "job", "quantity": "70"}))
    await mortal.sprung(trap)
    await mortal.revive(customer)

    answer = await asked

    assert (answer["status"], answer["taken"]) == ("repeated", {"credits": "70"})
    assert ends(customer) == [("capture", 1), ("release", 1)]
    customer.check()


@pytest.mark.faults
@pytest.mark.parametrize("side", ["request", "answer"])
async def test_a_lapsed_hold_is_released_once_though_the_worker_dies_while_writing_it_down(
    mortal: MortalFleet, side: str
) -> None:
    customer = await with_a_hold(mortal)
    trap = mortal.set(commit("expire_due(", side))
    renewal = asyncio.create_task(customer.pass_until(RENEWED))
    await mortal.sprung(trap)
    await mortal.revive(customer)
    await renewal

    assert ends(customer) == [("release", 1)]
    assert (await customer.life.status())["available"] == "10000"
    customer.check()

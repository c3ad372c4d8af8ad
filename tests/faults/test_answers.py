"""A worker is killed while updates wait: they are answered, and nothing is left to a person."""

import asyncio

import pytest

from tests.faults.gates import commit
from tests.faults.mortal import MortalFleet


@pytest.mark.faults
@pytest.mark.parametrize("side", ["request", "answer"])
async def test_who_waits_while_the_worker_dies_is_answered_and_no_refusal_is_kept(
    mortal: MortalFleet, side: str
) -> None:
    customer = await mortal.fleet.subscribe("core_10k")
    trap = mortal.set(commit("FROM debit", side))
    asked = [
        asyncio.create_task(customer.use(quantity, key))
        for quantity, key in (("10001", "too-much"), ("7", "fits"), ("10002", "far-too-much"))
    ]
    await mortal.sprung(trap)
    await mortal.start()  # the server notices by itself that the last one is dead

    large, fits, larger = await asyncio.gather(*asked)

    assert fits["status"] in ("debited", "repeated")
    assert [one["reason"] for one in (large, larger)] == ["insufficient_credits"] * 2
    assert customer.refusals() == []
    assert (await customer.life.settle())["refused"] == 0
    assert (await customer.use("1"))["status"] == "debited"
    customer.check()

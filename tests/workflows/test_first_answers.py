"""An update with a key answers the same again, whatever it came to and whatever came after."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fleet import SECOND, Customer, Json, RunningFleet
from tests.workflows.test_rebuilding import lose, rebuild

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
CREDIT = -20_000  # minor units, of a payer that the processor owes
BAD_CARD = "tok_chargeCustomerFail"


@dataclass(frozen=True)
class Case:
    """An update, the same key for another request, and what the first is answered."""

    name: str
    message: Json
    other: Json
    status: str
    world: str = "sound"  # sound | declining | owing

    def __str__(self) -> str:
        return f"{self.name}-{self.status}"


def keyed(**facts: Any) -> Json:
    return {"key": "the-key"} | facts


BUY, OTHER_BUY = keyed(credits="1000"), keyed(credits="2000")
UP, OTHER_UP = keyed(plan="core_40k"), keyed(plan="core_80k")
CASES = [
    Case("buy_credits", BUY, OTHER_BUY, "paid"),
    Case(name="buy_credits", message=BUY, other=OTHER_BUY, status="declined", world="declining"),
    Case(name="buy_credits", message=BUY, other=OTHER_BUY, status="refused", world="owing"),
    Case("change_plan", UP, OTHER_UP, "changed"),
    Case(name="change_plan", message=UP, other=OTHER_UP, status="declined", world="declining"),
    Case(name="change_plan", message=UP, other=OTHER_UP, status="refused", world="owing"),
    Case("set_auto_purchase", keyed(on=True), keyed(on=False), "done"),
    Case("migrate_plan", keyed(when="now"), keyed(when="next_period"), "unchanged"),
    Case("cancel", keyed(when="period_end"), keyed(when="now"), "canceled"),
]


async def prepare(customer: Customer, world: str) -> None:
    if world == "declining":
        await customer.update_card(BAD_CARD)
    elif world == "owing":
        customer.balance(CREDIT)


async def mend(customer: Customer, world: str) -> None:
    """Cure what stood in the way, so that a repeat could succeed if it were a new request."""
    if world == "declining":
        await customer.update_card()
    elif world == "owing":
        customer.balance(-CREDIT)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_an_update_with_a_key_answers_the_same_again(fleet: RunningFleet, case: Case) -> None:
    customer = await fleet.subscribe("core_10k")
    await prepare(customer, case.world)
    first = await customer.life.ask(case.name, case.message)
    assert first["status"] == case.status

    await mend(customer, case.world)
    await customer.use("5")
    moved = customer.charges()
    again = await customer.life.ask(case.name, case.message)
    other = await customer.life.ask(case.name, case.other)

    rebuilt = await rebuild(customer, await lose(customer))
    late = await rebuilt.life.ask(case.name, case.message)

    assert first == again == late
    assert other["reason"] == "idempotency_conflict"
    assert rebuilt.charges() == moved
    rebuilt.check()


async def test_a_key_is_used_once_for_all_updates_of_a_subscription(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.life.ask("set_auto_purchase", keyed(on=True))
    answer = await customer.life.ask("cancel", keyed(when="period_end"))

    assert (answer["status"], answer["reason"]) == ("refused", "idempotency_conflict")
    assert not (await customer.life.status())["cancel_at_end"]


async def test_a_switch_that_was_turned_back_is_not_turned_by_a_repeat(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    first = await customer.life.ask("set_auto_purchase", keyed(on=True))
    await customer.switch(on=False)
    again = await customer.life.ask("set_auto_purchase", keyed(on=True))

    assert first == again == {"status": "done", "auto_purchase": True}
    assert (await customer.life.status())["auto_purchase"] is False


async def test_a_first_answer_outlives_the_run_that_gave_it(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.update_card(BAD_CARD)
    first = await customer.life.ask("buy_credits", BUY)
    await customer.update_card()
    await customer.pass_until(FEBRUARY + SECOND)

    assert await customer.life.ask("buy_credits", BUY) == first
    assert first["decline"]
    assert first["invoice_url"]
    customer.check()


async def test_what_was_refused_binds_nothing(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", card=None, wait=False)
    await customer.pass_until(datetime(2027, 1, 1, tzinfo=UTC) + SECOND)
    early = await customer.life.ask("set_auto_purchase", keyed(on=True))
    await customer.update_card()
    done = await customer.life.ask("set_auto_purchase", keyed(on=True))

    assert (early["status"], done["status"]) == ("refused", "done")


async def test_a_key_belongs_to_its_subscription(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.life.ask("change_plan", UP)
    await customer.life.ask("set_auto_purchase", {"key": "switch", "on": True})
    await customer.cancel("now")
    later = await customer.life.now()
    another = await fleet.subscribe("core_10k", begins=later, again=customer)
    changed = await another.life.ask("change_plan", UP)
    switched = await another.life.ask("set_auto_purchase", {"key": "switch", "on": True})

    assert changed["charge_id"].startswith(another.life.handle.id.removeprefix("subscription:"))
    status = await another.life.status()
    assert (status["plan"], status["auto_purchase"]) == ("core_40k", True)
    assert switched["status"] == "done"

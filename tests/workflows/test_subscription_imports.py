"""Subscriptions that come along in the middle of a period: one workflow, one charge, at its end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.periods.imports import carry_out
from activities.purchases.imports import carry_out as carry_out_balances
from commands.maintenance import start_again
from domain.credits import MICRO
from domain.payments.import_subscriptions import Brings, Moved
from domain.payments.imports import Brought
from tests.fleet import SECOND, Customer, RunningFleet
from tests.ledger.importing import LISTS

pytestmark = pytest.mark.long

MID_JANUARY = datetime(2027, 1, 16, 12, tzinfo=UTC)
FEBRUARY, MARCH = datetime(2027, 2, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)


def moved(name: str, **facts: object) -> Moved:
    usual: dict[str, object] = {
        "line": 2,
        "customer_id": name,
        "subscription_id": name,
        "name": "Ada Example",
        "email": f"{name}@example.com",
        "catalog": "make",
        "plan_id": "core_10k",
        "version": 0,
        "status": Brings.ACTIVE,
        "renews_at": FEBRUARY,
        "anchor": None,
        "locale": "en_US",
        "time_zone": None,
        "payer": "",
        "method": "pm_card_visa",
        "key": "old-1",
    }
    return Moved(**usual | facts)  # type: ignore[arg-type]


def known_at_the_processor(fleet: RunningFleet, name: str) -> tuple[str, str]:
    """Return a payer and its card, made by the system that the customer comes from."""
    unstarted = Customer(fleet, name, None)  # type: ignore[arg-type]
    order = {"email": f"{name}@example.com", "metadata[customer_id]": name}
    payer, card = str(unstarted.ask_processor("customers", order)["id"]), unstarted.new_card()
    unstarted.ask_processor(f"payment_methods/{card}/attach", {"customer": payer})
    return payer, card


async def bring(fleet: RunningFleet, row: Moved) -> Customer:
    """Import a subscription and what is left of its allowance, twice, and start its workflow."""
    for _ in range(2):  # the first run was killed before it started a workflow
        with fleet.engine.begin() as connection:
            (come,) = carry_out(connection, LISTS, [row], MID_JANUARY, by="ann")
            rest = Brought(
                line=2,
                customer_id=row.customer_id,
                quantity_micro=4_000 * MICRO,
                credit_type="credits",
                source="allowance",
                cost_minor=360,
                currency="USD",
                expires_at=row.renews_at,
                key="rest",
            )
            carry_out_balances(connection, LISTS, [rest], MID_JANUARY, by="ann")
    unstarted = Customer(fleet, row.customer_id, None)  # type: ignore[arg-type]
    customer = await fleet.take_up(unstarted, come.start, MID_JANUARY)
    assert await start_again(fleet.client, come.start) == "already runs: nothing to do"
    return customer


async def test_the_running_period_is_kept_and_the_next_is_charged_once_when_it_ends(
    fleet: RunningFleet,
) -> None:
    payer, card = known_at_the_processor(fleet, "moved-1")
    customer = await bring(fleet, moved("moved-1", payer=payer, method=card))
    assert customer.processor()["payer"] == payer
    status = await customer.life.settle()
    assert (status["status"], status["available"]) == ("active", "4000")
    assert status["period_end"] == FEBRUARY.isoformat()
    assert (await customer.use("1500"))["available"] == "2500"
    assert (await customer.buy("1000"))["status"] == "paid"

    await customer.pass_until(FEBRUARY - SECOND)
    assert customer.paid() == [90]
    status = await customer.pass_until(FEBRUARY + SECOND)
    assert (status["status"], status["available"]) == ("active", "10000")
    await customer.pass_until(MARCH + SECOND)

    assert customer.paid() == [90, 900, 900]
    assert customer.mails() == ["receipt"] * 3
    customer.check()


async def test_canceled_and_paused_ones_are_not_charged(fleet: RunningFleet) -> None:
    ending, held = await asyncio.gather(
        bring(fleet, moved("moved-2", status=Brings.CANCELED)),
        bring(fleet, moved("moved-3", status=Brings.PAUSED)),
    )
    assert (await held.use("1"))["reason"] == "paused:by_operator"
    assert (await ending.use("1"))["status"] == "debited"
    await asyncio.gather(
        ending.pass_until(FEBRUARY + SECOND), held.pass_until(FEBRUARY + timedelta(days=3))
    )

    assert await ending.outcome() == "ended"
    assert ending.paid() == held.paid() == []
    note = {"reason": "welcome", "by": "ann"}
    resumed = await held.life.ask("resume", note)
    status = await held.life.settle()
    assert (resumed["status"], status["available"]) == ("active", "10000")
    assert held.paid() == [900]
    for one in (ending, held):
        one.check()

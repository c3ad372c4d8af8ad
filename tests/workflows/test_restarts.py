"""A plan change that begins a new period: when its money comes late, and beside what else runs."""

from datetime import timedelta

import pytest

from domain.credits import MICRO
from ledger import balances
from tests.fleet import BEGINS, Customer, RunningFleet
from tests.workflows.test_rebuilding import lose, rebuild
from tests.workflows.test_time_zones import moves

pytestmark = pytest.mark.long
DAY = timedelta(days=1)
ANEW = {"plan": "company_anew", "key": "larger"}


async def a_team(fleet: RunningFleet) -> Customer:
    team = await fleet.subscribe("team", catalog="fair_upgrades")
    await team.pass_until(BEGINS + DAY)
    return team


async def uses(team: Customer, calls: int) -> None:
    event = await team.event(str(calls), None, "call")
    assert (await team.life.ask("consume", event))["status"] == "debited"


async def available(team: Customer) -> int:
    with team.fleet.engine.connect() as connection:
        return balances.available(connection, team.account_id, "credits", await team.life.now())


async def settled(team: Customer, invoice: str) -> dict[str, object]:
    await team.life.signal("invoice_paid", {"invoice": invoice})
    return await team.life.settle()


async def test_what_is_used_before_a_confirmation_counts_in_the_new_period(
    fleet: RunningFleet,
) -> None:
    team = await a_team(fleet)
    await uses(team, 1_000)
    team.fault("sca")
    assert (await team.life.ask("change_plan", ANEW))["decline"] == "needs_customer"
    await uses(team, 3_000)
    invoice = team.invoice_of("open")
    team.confirm(invoice)

    status = await settled(team, invoice)

    assert (status["plan"], status["available"]) == ("company_anew", "37000")
    again = await team.life.ask("change_plan", ANEW)
    assert (again["status"], again["available"]) == ("changed", "37000")
    team.check()


async def test_money_that_comes_in_the_next_period_begins_one_then_and_takes_nothing_away(
    fleet: RunningFleet,
) -> None:
    team = await a_team(fleet)
    await uses(team, 1_000)
    team.fault("later")
    assert (await team.life.ask("change_plan", ANEW))["status"] == "processing"
    invoice = team.invoice_of("processing")
    status = await team.pass_until(BEGINS + 32 * DAY)
    assert (status["plan"], status["available"]) == ("team", "8000")
    team.settle_later(invoice)

    status = await settled(team, invoice)

    # The renewed period was paid for in full, so its 8,000 stay; of the new 40,000 the 7,000 count
    # as used that were taken off when the first period was still to last.
    assert (status["plan"], status["available"]) == ("company_anew", "41000")
    await team.pass_until(BEGINS + 59.5 * DAY)
    assert await available(team) == 33_000 * MICRO
    assert len(team.paid()) == 3  # the first price, a renewal, the change
    team.check()


async def test_what_runs_out_before_the_money_comes_counts_as_used_as_well(
    fleet: RunningFleet,
) -> None:
    team = await fleet.subscribe("team_yearly", catalog="fair_upgrades")
    await uses(team, 5_000)
    await team.pass_until(BEGINS + 20 * DAY)
    team.fault("later")
    year = {"plan": "company_yearly", "when": "now"}
    assert (await team.life.ask("change_plan", year))["status"] == "processing"
    invoice = team.invoice_of("processing")
    await team.pass_until(BEGINS + 40 * DAY)  # the first month's 3,000 ran out
    await uses(team, 1_000)
    team.settle_later(invoice)

    status = await settled(team, invoice)

    assert (status["plan"], status["available"]) == ("company_yearly", "476000")
    team.check()


async def test_a_customer_who_moved_begins_the_new_period_there(fleet: RunningFleet) -> None:
    team = await a_team(fleet)
    await moves(team, "Pacific/Apia")

    assert (await team.life.ask("change_plan", ANEW))["status"] == "changed"

    zones = "SELECT time_zone FROM subscriptions WHERE account_id = %s"
    assert team.rows(zones) == [("Pacific/Apia",)]
    await team.pass_until(BEGINS + 40 * DAY)
    assert team.rows(zones) == [("Pacific/Apia",)]
    team.check()


async def test_money_that_does_not_come_changes_nothing(fleet: RunningFleet) -> None:
    team = await a_team(fleet)
    team.fault("later")
    await team.life.ask("change_plan", ANEW)
    invoice = team.invoice_of("processing")
    team.settle_later(invoice, "insufficient_funds")

    status = await settled(team, invoice)

    assert (status["plan"], status["available"], team.paid()) == ("team", "8000", [8000])
    status = await team.pass_until(BEGINS + 32 * DAY)
    assert (status["plan"], team.paid()) == ("team", [8000, 8000])
    team.check()


async def test_what_is_held_stays_held_and_is_captured_from_the_old_period(
    fleet: RunningFleet,
) -> None:
    team = await a_team(fleet)
    now = await team.life.now()
    hold = await team.event("500", "job", "call")
    hold |= {"lapses_at": (now + DAY).isoformat()}
    assert (await team.life.ask("hold", hold))["status"] == "held"

    changed = await team.life.ask("change_plan", ANEW)

    assert (changed["status"], changed["available"]) == ("changed", "40000")
    assert [end - start for start, end, *_ in team.grants("allowance")][1] == 31 * DAY
    captured = await team.life.ask("capture", {"key": "job", "quantity": "400"})
    assert captured["taken"] == {"credits": "400"}, captured
    assert team.rows("SELECT used_of(g) FROM grants g WHERE account_id = %s ORDER BY grant_id") == [
        (400_000_000,),
        (0,),
    ]
    team.check()


async def test_a_lost_workflow_completes_a_restart_whose_money_is_on_its_way(
    fleet: RunningFleet,
) -> None:
    team = await a_team(fleet)
    team.fault("later")
    await team.life.ask("change_plan", ANEW)
    invoice = team.invoice_of("processing")
    team = await rebuild(team, await lose(team))
    team.settle_later(invoice)

    status = await settled(team, invoice)

    assert (status["plan"], status["available"]) == ("company_anew", "40000")
    assert status["period_start"] > (BEGINS + DAY).isoformat()
    team.check()

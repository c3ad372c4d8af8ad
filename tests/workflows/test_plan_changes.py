"""Changes of plan: upgrades now, downgrades at the boundary, previews that tell the same."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from domain.credits import MICRO
from tests.fleet import SECOND, Json, RunningFleet

pytestmark = pytest.mark.long

MID_JANUARY = datetime(2027, 1, 16, 12, tzinfo=UTC)  # half of January is left
FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH = datetime(2027, 3, 1, tzinfo=UTC)
BEGUN = ["receipt", "welcome"]
COMPARED = ("amount_minor", "difference_minor", "waived", "extra_credits", "cap_credits")


def facts(answer: Json) -> Json:
    return {name: answer[name] for name in COMPARED if name in answer}


async def test_an_upgrade_costs_and_gives_what_its_preview_says(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.report(["4000"])
    await customer.pass_until(MID_JANUARY)

    preview = await customer.change_plan("core_40k", preview=True)
    assert (preview["status"], customer.paid()) == ("preview", [900])
    assert (preview["amount_minor"], preview["extra_credits"]) == (1000, {"credits": "30000"})
    changed = await customer.change_plan("core_40k")

    assert (changed["status"], changed["amount_minor"]) == ("changed", 1000)
    assert changed["available"] == "36000"
    assert customer.paid() == [900, 1000]
    assert customer.mails() == [*BEGUN, "plan_changed"]
    status = await customer.pass_until(FEBRUARY + SECOND)
    assert (status["plan"], status["available"]) == ("core_40k", "40000")
    assert customer.paid() == [900, 1000, 2900]
    customer.check()


async def test_the_cap_is_carried_across_an_upgrade(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.report(["10000", "10000"])
    assert (await customer.use("1"))["reason"] == "cap_reached"

    changed = await customer.change_plan("core_40k")
    await customer.report(["30000", "10000", "10000", "10000"])

    assert changed["status"] == "changed"
    assert (await customer.use("1"))["reason"] == "cap_reached"
    assert customer.paid() == [900, 1170, 2000, 943, 943, 943]
    customer.check()


async def test_a_difference_below_the_least_charge_is_waived_as_previewed(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.pass_until(FEBRUARY - timedelta(hours=12))

    preview = await customer.change_plan("core_40k", preview=True)
    changed = await customer.change_plan("core_40k")

    assert facts(preview) == facts(changed)
    assert (changed["amount_minor"], changed["difference_minor"]) == (0, 32)
    assert (changed["waived"], changed["why"]) == (True, "below_minimum")
    assert changed["available"] == "40000"
    assert customer.paid() == [900]
    customer.check()


async def test_a_declined_upgrade_changes_nothing(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_40k")
    await customer.change_plan("core_10k")
    customer.fault("decline")

    answer = await customer.change_plan("core_80k")
    status = await customer.life.settle()

    assert answer["status"] == "declined"
    assert (status["status"], status["plan"], status["available"]) == (
        "active",
        "core_40k",
        "40000",
    )
    assert (status["next_plan"], status["open_charges"]) == ("core_10k", [])
    assert customer.mails() == [*BEGUN, "downgrade_scheduled", "payment_failed"]
    status = await customer.pass_until(FEBRUARY + SECOND)
    assert (status["plan"], customer.paid()) == ("core_10k", [2900, 900])
    customer.check()


async def test_a_downgrade_waits_for_the_next_period_and_a_later_change_replaces_it(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_40k", auto=True)
    await customer.report(["1000"])

    preview = await customer.change_plan("core_10k", preview=True)
    first = await customer.change_plan("core_10k")
    second = await customer.change_plan("core_5k")
    status = await customer.life.status()

    assert (first["status"], second["status"]) == ("scheduled", "scheduled")
    assert (preview["kind"], preview["amount_minor"]) == ("downgrade", 0)
    assert preview["effective_at"] == first["effective_at"] == FEBRUARY.isoformat()
    assert (status["plan"], status["next_plan"]) == ("core_40k", "core_5k")
    status = await customer.pass_until(FEBRUARY + SECOND)
    assert (status["plan"], status["available"]) == ("core_5k", "5000")
    assert (status["next_plan"], status["auto_purchase"]) == (None, False)
    await customer.report(["5000"])
    assert (await customer.use("1"))["reason"] == "insufficient_credits"
    assert customer.paid() == [2900, 600]
    assert customer.mails() == [*BEGUN, *["downgrade_scheduled"] * 2, "receipt"]
    customer.check()


async def test_a_scheduled_downgrade_can_be_called_off(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_40k")
    assert (await customer.change_plan("core_40k"))["reason"] == "same_plan"
    await customer.change_plan("free")

    called_off = await customer.change_plan("core_40k")
    status = await customer.pass_until(FEBRUARY + SECOND)

    assert called_off["status"] == "unscheduled"
    assert (status["plan"], customer.paid()) == ("core_40k", [2900, 2900])
    customer.check()


async def test_an_upgrade_cancels_a_scheduled_downgrade(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_40k")
    await customer.change_plan("core_10k")

    changed = await customer.change_plan("core_80k")
    status = await customer.pass_until(FEBRUARY + SECOND)

    assert (changed["status"], status["plan"], status["next_plan"]) == ("changed", "core_80k", None)
    assert customer.paid() == [2900, 4300, 7200]
    customer.check()


async def test_a_downgrade_to_free_charges_nothing_more(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k", auto=True)
    await customer.change_plan("free")

    status = await customer.pass_until(MARCH + SECOND)

    assert (status["plan"], status["available"]) == ("free", "1000")
    assert status["auto_purchase"] is False
    assert customer.paid() == [900]
    assert (await customer.buy("1000"))["reason"] == "not_in_plan"
    customer.check()


async def test_a_renewal_prepared_for_another_plan_is_given_up(fleet: RunningFleet) -> None:
    """The renewal is prepared in the last quarter of an hour; then the customer has regrets."""
    monthly, yearly = await asyncio.gather(fleet.subscribe("core_10k"), fleet.subscribe("core_10k"))
    for customer in (monthly, yearly):
        await customer.change_plan("core_10k_yearly")
        await customer.pass_until(FEBRUARY - 5 * SECOND)
    assert (await monthly.change_plan("core_10k"))["status"] == "unscheduled"

    status = await monthly.pass_until(MARCH + SECOND)
    assert (status["plan"], status["period_start"]) == ("core_10k", MARCH.isoformat())
    assert monthly.paid() == [900, 900, 900]
    status = await yearly.pass_until(MARCH + SECOND)
    assert (status["plan"], status["available"]) == ("core_10k_yearly", "10000")
    assert status["period_start"] == FEBRUARY.isoformat()
    assert yearly.paid() == [900, 10800]
    monthly.check()
    yearly.check()


async def test_nothing_is_changed_while_the_renewal_is_being_paid(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_40k")
    await customer.pass_until(FEBRUARY - 2 * SECOND)

    with customer.payment_held():
        await customer.skip_to(FEBRUARY)
        await customer.reached("paying")
        down = await customer.change_plan("core_10k")
        up = await customer.change_plan("core_80k", preview=True)
        canceled = await customer.life.ask("cancel", {"when": "period_end"})
    status = await customer.life.settle()

    assert {down["reason"], up["reason"], canceled["reason"]} == {"renewal_pending"}
    assert (status["plan"], status["next_plan"], status["status"]) == ("core_40k", None, "active")
    assert customer.paid() == [2900, 2900]
    customer.check()


async def test_an_upgrade_paid_over_the_boundary_holds_the_renewal_back(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core", catalog="mild")
    await customer.pass_until(FEBRUARY - 3600 * SECOND)
    await customer.skip_to(FEBRUARY - 20 * 60 * SECOND)
    await customer.skip_to(FEBRUARY - 5 * SECOND)

    with customer.payment_held():
        changing = asyncio.create_task(customer.change_plan("grand"))
        busy = await customer.refused_meanwhile("core")
        await customer.lived_until(FEBRUARY + SECOND)
    changed = await changing
    status = await customer.life.settle()

    assert (changed["status"], busy) == ("changed", "change_under_way")
    assert (status["plan"], status["period_start"]) == ("grand", FEBRUARY.isoformat())
    upgrade = customer.rows(
        "SELECT g.granted FROM grants g JOIN charges c USING (account_id, charge_id)"
        " WHERE account_id = %s AND c.kind = 'upgrade'"
    )
    assert upgrade == [(990_000 * MICRO,)]
    assert len(customer.paid()) == 3
    customer.check()


async def test_a_change_at_another_price_than_was_shown_is_not_made(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("core_10k")
    for plan, shown in (("core_40k", 1_999), ("core_40k", 0), ("core_40k", 2_001)):
        wanted = {"plan": plan, "key": "shown", "expected_minor": shown}
        for more in ({}, {"preview": True}):
            answer = await customer.life.ask("change_plan", wanted | more)
            assert (answer["status"], answer["reason"]) == ("refused", "price_changed")
    assert customer.paid() == [900]
    right = {"plan": "core_40k", "key": "shown", "expected_minor": 2_000}  # it bound nothing
    assert (await customer.life.ask("change_plan", right))["status"] == "changed"
    down = {"plan": "core_10k", "expected_minor": 0}
    assert (await customer.life.ask("change_plan", down))["status"] == "scheduled"
    customer.check()

"""Packs, volume prices, what comes with purchases, bonuses, starters, large adjustments."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fleet import Customer, RunningFleet

pytestmark = pytest.mark.long

FEBRUARY = datetime(2027, 2, 1, tzinfo=UTC)
MARCH, APRIL = datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 4, 1, tzinfo=UTC)
FEEDBACK = {"bonus": "feedback", "invitee": "user-7"}


async def buy_pack(customer: Customer, pack: str, key: str, count: int = 1) -> dict[str, object]:
    return await customer.life.ask("buy_pack", {"key": key, "pack": pack, "count": count})


async def test_m08_a_pack_is_added_at_once_and_half_a_credit_goes_with_it(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    await customer.report(["99"] * 10 + ["9"], action="email_verification")
    refused = await customer.use("1", action="ai_email")

    bought = await buy_pack(customer, "pack_500", "m08")
    again = await buy_pack(customer, "pack_500", "m08")
    other = await buy_pack(customer, "pack_1000", "m08")
    email = await customer.use("1", action="ai_email")

    assert refused["reason"] == "insufficient_credits"
    assert (bought["status"], bought["amount_minor"], bought["available"]) == (
        "paid",
        2500,
        "500.5",
    )
    assert (again["status"], again["charge_id"]) == ("paid", bought["charge_id"])
    assert other["reason"] == "idempotency_conflict"
    assert email["available"] == "499.5"
    assert customer.paid() == [2900, 2500]
    await customer.pass_until(FEBRUARY)
    assert (await customer.life.status())["available"] == "999.5"
    customer.check()


async def test_a_pack_is_sold_by_the_plans_that_name_it(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")

    refused = await buy_pack(customer, "enterprise_10000", "big")

    assert refused["reason"] == "not_in_plan"
    assert customer.paid() == [2900]


async def test_several_packs_at_once_are_one_charge_with_its_discount(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("enterprise", catalog="salestools")

    bought = await buy_pack(customer, "enterprise_10000", "ten", count=10)

    assert (bought["credits"], bought["amount_minor"]) == ("100000", 240_000)
    assert customer.paid() == [59_900, 240_000]
    customer.check()


async def test_a_declined_pack_grants_nothing(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("starter", catalog="salestools")
    customer.fault("decline")

    declined = await buy_pack(customer, "pack_500", "poor")

    assert declined["status"] == "declined"
    assert (await customer.life.settle())["available"] == "500"
    assert customer.charges()[-1] == ("pack", "void", 2500)
    customer.check()


async def test_extra_credits_bring_data_transfer_that_expires_with_them(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("core_10k")
    await customer.buy("1000")

    bought = customer.rows(
        "SELECT credit_type, granted / 1000000, cost_minor, part, expires_at FROM grants"
        " WHERE account_id = %s AND source = 'manual_purchase' ORDER BY part"
    )
    assert [tuple(one) for one in bought] == [
        ("credits", 1_000, 90, 0, FEBRUARY),
        ("data_transfer", 524_288_000, 0, 1, FEBRUARY),
    ]
    customer.check()


async def test_a_larger_purchase_by_hand_is_cheaper(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")

    bought = await customer.buy("10000")

    assert bought["amount_minor"] == 13_500  # 1.5 cents each, less 10 %
    assert customer.paid() == [7_500, 13_500]
    customer.check()


async def test_a_bonus_is_given_once_per_invitee_and_never_for_oneself(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")

    given = await customer.life.ask("give_bonus", FEEDBACK)
    again = await customer.life.ask("give_bonus", FEEDBACK)
    own = await customer.life.ask("give_bonus", FEEDBACK | {"invitee": customer.name})
    unknown = await customer.life.ask("give_bonus", FEEDBACK | {"bonus": "luck"})

    assert given == {"status": "given", "credits": "50", "available": "5050"}
    assert again == given | {"status": "repeated"}
    assert (own["reason"], unknown["reason"]) == ("own_referral", "unknown_bonus")
    await customer.pass_until(FEBRUARY)
    assert (await customer.life.status())["available"] == "7500"  # the bonus does not roll over
    customer.check()


async def test_a_bonus_with_an_end_of_its_own_outlives_the_month_and_is_given_once(
    fleet: RunningFleet,
) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")
    lasting = FEEDBACK | {"valid_days": 60}

    over = await customer.life.ask("give_bonus", FEEDBACK | {"expires_at": "2020-01-01T00:00:00Z"})
    given = await customer.life.ask("give_bonus", lasting)
    again = await customer.life.ask("give_bonus", lasting)
    other = await customer.life.ask("give_bonus", FEEDBACK | {"valid_days": 61})
    plain = await customer.life.ask("give_bonus", FEEDBACK)

    assert over["reason"] == "invalid_expiry"
    assert given == {"status": "given", "credits": "50", "available": "5050"}
    assert again == given | {"status": "repeated"}
    assert (other["reason"], plain) == ("idempotency_conflict", again)
    ((lasts,),) = customer.rows(
        "SELECT expires_at - effective_at FROM grants WHERE account_id = %s AND source = 'bonus'"
    )
    assert lasts == timedelta(days=60)
    await customer.pass_until(FEBRUARY)
    assert (await customer.life.status())["available"] == "7550"
    customer.check()


async def test_half_of_what_is_left_moves_into_the_next_month(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")
    await customer.use("1000", action="pdf")

    await customer.pass_until(FEBRUARY)

    assert (await customer.life.status())["available"] == "7000"  # 5,000 and half of 4,000
    await customer.pass_until(MARCH)
    assert (await customer.life.status())["available"] == "7500"  # at most 2,500 of all 7,000
    await customer.pass_until(APRIL)
    assert (await customer.life.status())["available"] == "7500"
    customer.check()


async def test_starter_credits_are_given_once_in_a_customers_life(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("free", catalog="schematic", card=None)
    assert (await customer.life.status())["available"] == "100"
    await customer.use("30", action="pdf")
    await customer.life.ask("cancel", {"when": "now"})
    await customer.outcome()

    again = await fleet.subscribe("growth", catalog="schematic", again=customer)

    assert (await again.life.status())["available"] == "5070"
    again.check()


async def test_a_large_adjustment_needs_a_second_person(fleet: RunningFleet) -> None:
    customer = await fleet.subscribe("growth", catalog="schematic")
    large = {"key": "fix", "credits": "1000.5", "reason": "outage", "by": "ada"}

    alone = await customer.life.ask("adjust_credits", large)
    oneself = await customer.life.ask("adjust_credits", large | {"approved_by": "ada"})
    done = await customer.life.ask("adjust_credits", large | {"approved_by": "eve"})
    small = await customer.life.ask("adjust_credits", large | {"key": "b", "credits": "-1000"})

    assert (alone["reason"], oneself["reason"]) == ("approval_required", "approval_required")
    assert (done["status"], done["available"]) == ("done", "6000.5")
    assert (small["status"], small["available"]) == ("done", "5000.5")
    customer.check()

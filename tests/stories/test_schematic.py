"""Schematic's list: a general engine, with rates of every shape and an answer to every zero."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.credits import format_credits, parse_credits
from tests.fleet import RunningFleet
from tests.stories.telling import Told, subscribed

pytestmark = pytest.mark.long

# Action, quantity, credits.
RATES = (
    ("export", 1, "1"),
    ("emails", 100, "1"),
    ("emails", 250, "2.5"),
    ("company_lookup", 1, "2"),
    ("booking_page", 1, "5"),
    ("pdf", 1, "1"),
    ("hd_transcoding", 60, "10"),
    ("hd_transcoding", 95, "15.833333"),
    ("live_transcoding", 95, "20"),
    ("events", 12_345, "1.2345"),
    ("test_run", 1, "1"),
    ("build_minute", 1, "1"),
    ("tokens", 1_234, "1.234"),
    ("inference_call", 1, "1"),
)


@pytest.mark.parametrize(("plan", "hundred_more"), [("launch", "2.00"), ("growth", "1.50")])
async def test_actions_cost_the_same_on_every_plan_while_a_credit_does_not(
    fleet: RunningFleet, plan: str, hundred_more: str
) -> None:
    maker = await subscribed(fleet, "schematic", plan)
    await maker.lives_until("2027-01-20")  # Launch begins with a trial
    left = parse_credits((await maker.customer.life.status())["available"])
    for action, quantity, cost in RATES:
        assert (await maker.uses(action, quantity))["charged"] == {"credits": cost}
        left -= parse_credits(cost)
    await maker.has(format_credits(left))  # no lag: each answer is the balance
    await maker.buys(100, hundred_more)
    maker.ends_well()


async def test_one_starts_with_free_credits_and_no_time_limit(fleet: RunningFleet) -> None:
    newcomer = await subscribed(fleet, "schematic", "free", card=None)
    await newcomer.has("100")
    await newcomer.uses("export", 60)
    await newcomer.lives_until("2027-04-01")
    await newcomer.has("40")  # they neither expire nor come again
    await newcomer.uses("pdf", 41, refused="insufficient_credits")
    newcomer.has_paid()
    newcomer.ends_well()


async def test_a_trial_may_come_first_and_becomes_a_paid_plan(fleet: RunningFleet) -> None:
    newcomer = await subscribed(fleet, "schematic", "launch")
    await newcomer.is_now("trialing")
    await newcomer.has("200")
    await newcomer.uses("pdf", 50)
    newcomer.has_paid()
    await newcomer.lives_until("2027-01-15")
    await newcomer.is_now("active")
    await newcomer.has("1000")
    newcomer.has_paid("20.00")
    newcomer.ends_well()


async def test_half_of_what_is_left_rolls_over_by_rules_decided_up_front(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "schematic", "growth")
    await maker.uses("pdf", 1_000)
    await maker.lives_until("2027-02-01")
    await maker.has("7000")  # 5,000 new, and half of 4,000
    await maker.uses("pdf", 400)  # what rolled over is used first
    await maker.lives_until("2027-03-01")
    await maker.has("7500")  # 5,000 new, and of half of 5,000 + 1,600 at most 2,500
    await maker.lives_until("2027-04-01")
    rolled = [(begins.month, credits_) for begins, _, credits_, _ in _rolled(maker)]
    assert sorted(rolled) == [(2, 2_000), (3, 2_500), (4, 2_500)]
    await maker.has("7500")
    maker.ends_well()


def _rolled(maker: Told) -> list[tuple[datetime, datetime, int, int]]:
    return maker.customer.grants("rollover")


async def test_at_zero_each_action_does_what_is_said_of_it(fleet: RunningFleet) -> None:
    maker = await subscribed(fleet, "schematic", "growth")
    await maker.uses("pdf", 4_995)
    film = await maker.uses("hd_transcoding", 60)  # 10 credits: degraded to one that costs 4
    assert (film["served_as"], film["charged"]) == ("sd_transcoding", {"credits": "4"})
    await maker.uses("company_lookup", refused="insufficient_credits")  # blocked
    asked = await maker.uses("booking_page", key="page", refused="confirmation_required")
    assert asked["asked"]["purchase"]["amount_minor"] == 750  # prompted: 500 credits
    await maker.uses("booking_page", key="page", confirmed=True)
    await maker.has("496")

    await maker.customer.switch(on=True)
    await maker.uses("pdf", 497)  # bought by itself
    await maker.has("499")
    maker.has_paid("75.00", "7.50", "7.50")
    maker.ends_well()


async def test_an_overdraft_serves_up_to_its_limit_and_new_credits_repay_it(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "schematic", "scale")
    await maker.uses("pdf", 25_000)
    await maker.uses("test_run", refused="insufficient_credits")
    await maker.uses("build_minute", 500)
    await maker.uses("build_minute", refused="insufficient_credits")  # that was the limit
    await maker.buys(600, "6.00")  # reloaded with one click
    await maker.has("100")  # 500 of them repaid what was served on credit
    await maker.lives_until("2027-02-01")
    await maker.has("25100")
    maker.ends_well()


async def test_large_customers_buy_packs_with_volume_discounts_for_the_same_balance(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "schematic", "enterprise")
    await firm.buys_pack("enterprise_50000", "400.00")
    await firm.buys_pack("enterprise_50000", "1800.00", count=5)  # 10 % off all of them
    await firm.buys_pack("enterprise_50000", "6000.00", count=20)  # 25 %
    await firm.has("1400000")
    firm.ends_well()


async def test_late_usage_draws_from_the_month_of_its_own_time_for_three_days(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "schematic", "scale")
    await maker.uses("pdf", 1_000)
    await maker.lives_until("2027-02-02")
    await maker.uses("pdf", 300, at="2027-01-31T23:00")
    await maker.has("25000")  # reopened: this month pays nothing for it
    assert "reopen" in [line.kind for line in maker.customer.history()]
    await maker.lives_until("2027-02-05")
    await maker.uses("pdf", 300, at="2027-01-31T23:00")
    await maker.has("24700")  # too late for that: booked now, and tagged late
    (pdf,) = await maker.sees_report("usage")
    assert pdf["late credits"] == "600"
    maker.ends_well()


async def test_a_change_of_rates_leaves_plan_price_and_contract_alone(
    fleet: RunningFleet,
) -> None:
    firm = await subscribed(fleet, "schematic", "enterprise", begins="2029-06-01")
    await firm.lives_until("2029-12-31T23:00")
    before = _contract(firm)
    assert (await firm.uses("company_lookup"))["charged"] == {"credits": "2"}
    await firm.lives_until("2030-01-01T01:00")
    late = await firm.uses("company_lookup", at="2029-12-31T23:30")
    assert late["charged"] == {"credits": "2"}  # its own time decides
    assert (await firm.uses("company_lookup"))["charged"] == {"credits": "3"}
    assert _contract(firm) == before
    firm.has_paid("10000.00")
    await firm.lives_until("2030-06-01")
    firm.has_paid("10000.00", "10000.00")  # and the price is what it was
    firm.ends_well()


def _contract(firm: Told) -> list[Any]:
    return firm.customer.rows("SELECT plan, next_plan FROM subscriptions WHERE account_id = %s")


async def test_the_meter_warns_early_and_says_how_long_credits_last(fleet: RunningFleet) -> None:
    firm = await subscribed(fleet, "schematic", "enterprise")
    for day_ in range(1, 8):
        await firm.lives_until(f"2027-01-0{day_}T12:00")
        await firm.uses("pdf", 5_000)
    seen = await firm.sees_meter()
    assert seen["available"] == {"credits": "65000"}
    assert seen["used_most"] == {"pdf": "35000"}
    assert seen["next_reset"] == "2027-02-01T00:00:00+00:00"
    assert (seen["per_day"], seen["days_left"]) == ("5000", 13)
    assert seen["suggested_pack"] == "enterprise_50000"

    await firm.uses_often("pdf", 5_000, 9)
    (notice,) = await firm.finds_notices(1)  # 20,000 of 100,000 are left
    assert notice["threshold"] == "20_percent"
    assert notice["suggested_pack"]["pack"] == "enterprise_50000"
    await firm.finds_mail("20,000 credits left")
    firm.ends_well()


async def test_support_corrects_balances_and_finance_reconciles_them(fleet: RunningFleet) -> None:
    maker = await subscribed(fleet, "schematic", "scale")
    word = {"reason": "outage of the 3rd", "by": "ada"}
    await maker.ask("adjust_credits", key="small", credits="1000", **word)
    large = {"key": "large", "credits": "1001"} | word
    await maker.is_told_no("approval_required", "adjust_credits", **large)
    await maker.is_told_no("approval_required", "adjust_credits", **large, approved_by="ada")
    await maker.ask("adjust_credits", **large, approved_by="eve")
    await maker.has("27001")
    await maker.uses("pdf", 13_000)
    await maker.buys(1_000, "10.00")

    statement = await maker.sees_report("statement")  # each line says its cause
    causes = [(line["kind"], line["cause"], line["change"]) for line in statement]
    assert ("grant", "outage of the 3rd", "1001") in causes
    assert ("debit", "pdf", "-10999") in causes
    assert {line["rate"] for line in statement if line["kind"] == "debit"} == {"1"}

    owed = [
        (line["expires in"], line["credits"], line["owed"])
        for line in await maker.sees_report("liability")
    ]
    assert owed == [("2027-02", "14001", "140.01"), ("never", "1000", "10.00")]
    (month,) = await maker.sees_report("movement")
    assert (month["cash"], month["earned, not yet posted"], month["owed"]) == (
        "260.00",
        "109.99",  # 10,999 paid credits of 25,000 for $250; those given for nothing earn nothing
        "150.01",
    )
    pdf, _ = await maker.sees_report("prices")
    assert (pdf["action"], pdf["earned"], pdf["price"]) == ("pdf", "109.99", "0.008461")
    maker.ends_well()


async def test_who_pays_in_euros_gets_late_credits_only_for_a_late_upgrade(
    fleet: RunningFleet,
) -> None:
    maker = await subscribed(fleet, "schematic", "growth", currency="EUR")
    maker.has_paid("70.00")
    await maker.lives_until("2027-01-31T23:20")

    changed = await maker.ask("change_plan", key="up", plan="scale")  # of 160.00 more, 14 cents

    assert (changed["status"], changed["amount_minor"]) == ("changed", 0)  # too little to charge
    assert 17 < Decimal(changed["extra_credits"]["credits"]) < 18  # of 20,000, for forty minutes
    await maker.has(changed["available"])
    await maker.lives_until("2027-02-02")
    maker.has_paid("70.00", "230.00")
    maker.ends_well()

"""A larger plan in the middle of a period: what it costs and gives, in each way it can be sold."""

from decimal import Decimal

import pytest

from tests.fleet import Json, RunningFleet
from tests.stories.telling import Told, dollars, subscribed

pytestmark = pytest.mark.long


async def is_shown(buyer: Told, plan: str, **more: str) -> Json:
    """Return what a change is said to cost and give, before anything moves."""
    shown = await buyer.ask("change_plan", plan=plan, preview=True, **more)
    assert shown["status"] == "preview", shown
    return shown


async def changes(buyer: Told, plan: str, **more: str) -> Json:
    """Change the plan for exactly what was shown; return that, and what is available then."""
    shown = await is_shown(buyer, plan, **more)
    done = await buyer.ask("change_plan", plan=plan, **more)
    assert done["status"] == "changed", done
    assert done.get("amount_minor", 0) == shown["amount_minor"]
    return shown | {"available": done["available"]}


async def test_from_a_month_to_a_year_in_the_middle_of_june_1_019_70_is_due(
    fleet: RunningFleet,
) -> None:
    sales = await subscribed(fleet, "salestools", "professional", "2027-06-01")
    sales.has_paid("99.00")
    await sales.lives_until("2027-06-15T23:59:59")

    year = await changes(sales, "professional_yearly", when="now")

    assert (dollars(year["unused_minor"]), dollars(year["amount_minor"])) == ("49.50", "1019.70")
    assert year["ending_credits"] == {"credits": "2000"}
    assert year["period_end"].startswith("2028-06-16T00:0")
    sales.has_paid("99.00", "1019.70")
    await sales.has("2000")
    mail = await sales.finds_mail("Your plan is now Professional, billed yearly")
    for words in ("$1,069.20", "$49.50", "$1,019.70", "June 16, 2028"):
        assert words in mail["text"], mail["text"]
    await sales.lives_until("2027-07-16T00:09")
    await sales.has("2000")
    await sales.lives_until("2028-06-16T00:09")
    sales.has_paid("99.00", "1019.70", "1069.20")
    sales.ends_well()


async def test_without_saying_now_another_interval_begins_with_the_next_period(
    fleet: RunningFleet,
) -> None:
    sales = await subscribed(fleet, "salestools", "professional", "2027-06-01")
    await sales.lives_until("2027-06-16")

    assert (await is_shown(sales, "professional_yearly"))["why"] == "next_period"
    await sales.ask("change_plan", plan="professional_yearly")
    sales.has_paid("99.00")
    await sales.lives_until("2027-07-01")
    sales.has_paid("99.00", "1069.20")
    sales.ends_well()


async def test_back_to_a_month_at_once_would_pay_back_so_it_waits(fleet: RunningFleet) -> None:
    sales = await subscribed(fleet, "salestools", "professional_yearly", "2027-06-01")
    await sales.lives_until("2027-06-16")

    await sales.is_told_no(
        "needs_next_period", "change_plan", plan="professional", when="now", preview=True
    )
    await sales.is_told_no("needs_next_period", "change_plan", plan="professional", when="now")
    assert (await is_shown(sales, "professional"))["why"] == "next_period"
    sales.has_paid("1069.20")
    sales.ends_well()


async def test_forty_minutes_before_the_end_29_cents_do_not_buy_32_000_credits(
    fleet: RunningFleet,
) -> None:
    farmer = await subscribed(fleet, "fair_upgrades", "team", "2027-06-01")
    await farmer.uses("call", 8_000)
    await farmer.lives_until("2027-06-30T23:19:59")

    shown = await changes(farmer, "company")

    assert (shown["difference_minor"], shown["waived"]) == (30, True)  # 29.63 cents
    farmer.has_paid("80.00")
    assert 29 < Decimal(shown["available"]) < 30
    back = await farmer.ask("change_plan", plan="team")
    assert back["status"] == "scheduled"
    await farmer.lives_until("2027-07-01")
    farmer.has_paid("80.00", "80.00")
    await farmer.has("8000")
    farmer.ends_well()


async def test_half_a_period_costs_half_the_difference_and_gives_half_of_it(
    fleet: RunningFleet,
) -> None:
    grower = await subscribed(fleet, "fair_upgrades", "team", "2027-06-01")
    await grower.uses("call", 5_000)
    await grower.lives_until("2027-06-15T23:59:59")

    shown = await changes(grower, "company")

    grower.has_paid("80.00", "160.00")
    assert 18_999 < Decimal(shown["available"]) <= 19_000  # 3,000, and half of 32,000
    await grower.lives_until("2027-07-01")
    grower.has_paid("80.00", "160.00", "400.00")
    await grower.has("40000")
    grower.ends_well()


async def test_a_restart_takes_the_unused_half_off_and_a_new_period_begins(
    fleet: RunningFleet,
) -> None:
    grower = await subscribed(fleet, "fair_upgrades", "team", "2027-06-01")
    await grower.uses("call", 3_000)
    await grower.buys(1000, "10.00")
    await grower.lives_until("2027-06-15T23:59:59")

    shown = await changes(grower, "company_anew")

    assert (dollars(shown["unused_minor"]), dollars(shown["amount_minor"])) == ("40.00", "360.00")
    assert shown["ending_credits"] == {"credits": "5000"}
    grower.has_paid("80.00", "10.00", "360.00")
    await grower.has("41000")  # what was bought stays until its own end
    await grower.lives_until("2027-07-01")
    await grower.has("40000")
    grower.has_paid("80.00", "10.00", "360.00")
    await grower.lives_until("2027-07-16T00:09")
    grower.has_paid("80.00", "10.00", "360.00", "400.00")
    grower.ends_well()


async def test_who_has_used_all_credits_has_nothing_left_to_be_taken_off(
    fleet: RunningFleet,
) -> None:
    farmer = await subscribed(fleet, "fair_upgrades", "team", "2027-06-01")
    await farmer.uses("call", 7_900)
    await farmer.lives_until("2027-06-02")

    shown = await changes(farmer, "company_anew")

    assert (dollars(shown["unused_minor"]), dollars(shown["amount_minor"])) == ("1.00", "399.00")
    await farmer.has("40000")
    farmer.ends_well()


async def test_what_a_coupon_took_off_is_not_given_back_and_the_next_period_has_it_again(
    fleet: RunningFleet,
) -> None:
    grower = await subscribed(fleet, "fair_upgrades", "team", "2027-06-01", coupon="HALF")
    grower.has_paid("40.00")
    await grower.lives_until("2027-06-15T23:59:59")

    shown = await changes(grower, "company_anew")

    assert (dollars(shown["unused_minor"]), dollars(shown["amount_minor"])) == ("20.00", "380.00")
    assert (dollars(shown["price_minor"]), dollars(shown["renewal_minor"])) == ("400.00", "200.00")
    await grower.lives_until("2027-07-16T00:09")
    grower.has_paid("40.00", "380.00", "200.00")
    await grower.lives_until("2027-08-16T00:09")
    grower.has_paid("40.00", "380.00", "200.00", "400.00")
    grower.ends_well()

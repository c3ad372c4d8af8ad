"""The five price lists say what their sellers publish."""

from datetime import UTC, datetime

import pytest

from domain.credits import MICRO, format_credits, parse_credits
from domain.money import Ratio, half_up
from domain.pricing.catalog import Extras
from domain.pricing.policies import AfterDunning, AtZero, Channel, Late, WhileUnpaid
from domain.pricing.rates import cost
from tests.price_lists import shipped

LISTS = shipped()
SALESTOOLS, SCHEMATIC = LISTS["salestools"], LISTS["schematic"]
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def charged(catalog, action, quantity):
    ways = catalog.action(action).rate_at(NEW_YEAR).ways
    return format_credits(sum(cost(parse_credits(str(quantity)), way.rate) for way in ways))


@pytest.mark.parametrize(
    ("action", "credits_text"),
    [
        ("ai_email", "1"),
        ("ai_reply", "1"),
        ("email_verification", "0.5"),
        ("linkedin_enrichment", "1"),
        ("ai_meeting", "1"),
        ("phone_lookup", "2"),
        ("company_enrichment", "1"),
    ],
)
def test_salestools_charges_seven_actions_and_refuses_them_at_zero(action, credits_text):
    assert charged(SALESTOOLS, action, 1) == credits_text
    assert SALESTOOLS.action(action).at_zero is AtZero.BLOCK


def test_everything_else_of_salestools_is_free_and_so_are_its_outcomes():
    free = {one.action_id for one in SALESTOOLS.actions if one.rate_at(NEW_YEAR).free}

    assert len(SALESTOOLS.actions) - len(free) == 7
    assert {"send_email", "linkedin_message", "import_csv", "meeting_booked"} <= free
    assert "reply_received" in free


@pytest.mark.parametrize(
    ("family", "monthly"), [("starter", 500), ("professional", 2000), ("business", 5000)]
)
def test_a_year_of_salestools_costs_twelve_months_less_ten_percent(family, monthly):
    month, year = SALESTOOLS.plan(family), SALESTOOLS.plan(f"{family}_yearly")

    assert year.price_minor == half_up(month.price_minor * 12 * 90, 100)
    assert (
        month.allowances[0].quantity_micro == monthly * MICRO == year.allowances[0].quantity_micro
    )
    assert (month.windows_per_period, year.windows_per_period) == (1, 12)
    assert year.allowances[0].rollover is None


def test_packs_of_salestools_never_expire_and_burn_oldest_first():
    plan = SALESTOOLS.plan("starter")

    assert [(one.quantity_micro // MICRO, one.price_minor) for one in plan.packs] == [
        (500, 2500),
        (1000, 4500),
        (2500, 10000),
        (5000, 17500),
    ]
    assert {one.expires for one in plan.packs} == {Extras.NEVER}
    assert plan.tie_break == "oldest_first"
    assert plan.auto is None


def test_m11_m12_salestools_alerts_at_a_fifth_and_asks_above_fifty():
    plan = SALESTOOLS.plan("starter")

    assert [(one.percent, one.channel) for one in plan.alerts] == [(20, Channel.BOTH)]
    assert (plan.approval_above_micro, plan.approval_days) == (50 * MICRO, 7)


@pytest.mark.parametrize(
    ("action", "quantity", "credits_text"),
    [
        ("export", 1, "1"),
        ("emails", 100, "1"),
        ("company_lookup", 1, "2"),
        ("booking_page", 1, "5"),
        ("pdf", 1, "1"),
        ("hd_transcoding", 60, "10"),
        ("hd_transcoding", 95, "15.833333"),
        ("live_transcoding", 95, "20"),
        ("events", 10_000, "1"),
        ("events", 12_345, "1.2345"),
        ("test_run", 1, "1"),
        ("build_minute", 1, "1"),
        ("tokens", 1_000, "1"),
        ("tokens", 1_234, "1.234"),
        ("inference_call", 1, "1"),
    ],
)
def test_m14_the_general_list_has_rates_of_every_shape(action, quantity, credits_text):
    assert charged(SCHEMATIC, action, quantity) == credits_text


def test_the_general_list_does_at_zero_what_each_action_says():
    chosen = {one.at_zero for one in SCHEMATIC.actions if not one.rate_at(NEW_YEAR).free}

    assert chosen == set(AtZero)
    assert SCHEMATIC.action("hd_transcoding").degrades_to == "sd_transcoding"
    assert SCHEMATIC.plan("scale").overdraft.scope == ("events", "build_minute")


def test_what_varies_by_plan_is_how_much_is_included_and_what_more_costs():
    included = {one.allowance_micro("credits") for one in SCHEMATIC.plans}
    prices = {one.unit_price for one in SCHEMATIC.plans if one.paid}

    assert len(included) == len(SCHEMATIC.plans)
    assert len(prices) == 4


def test_the_general_list_starts_free_and_rolls_over_as_decided_up_front():
    free, growth = SCHEMATIC.plan("free"), SCHEMATIC.plan("growth")

    assert (free.paid, free.starter[0].quantity_micro) == (False, 100 * MICRO)
    assert (growth.allowances[0].rollover.share, growth.allowances[0].rollover.times) == (
        Ratio(1, 2),
        2,
    )
    assert (growth.late_usage.kind, growth.late_usage.reopen_days) == (Late.REOPEN, 3)


def test_the_general_list_ends_keeps_or_pauses_an_unpaid_renewal():
    assert {one.while_unpaid for one in SCHEMATIC.plans} == set(WhileUnpaid)
    assert {one.after_dunning for one in SCHEMATIC.plans} == set(AfterDunning)


def test_salestools_serves_packs_while_a_renewal_is_unpaid_and_ends_after_its_dunning():
    found = {(one.while_unpaid, one.after_dunning) for one in SALESTOOLS.plans}

    assert found == {(WhileUnpaid.SERVE_PURCHASED, AfterDunning.END)}

"""A catalog answers by name, or names what there is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.money import Ratio, credits_price
from domain.pricing.catalog import Action, RateVersion, Way
from domain.pricing.rates import Rate

FOLDER = Path(__file__).parents[2] / "catalogs"
MAKE = read_catalog(FOLDER / "make.yaml")
SCALENUT = read_catalog(FOLDER / "scalenut.yaml")
ZAPLIFY = read_catalog(FOLDER / "zaplify.yaml")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def test_usage_is_priced_by_the_rate_in_force_at_its_own_time():
    old = RateVersion(NEW_YEAR, (Way("credits", Rate(MICRO, MICRO)),))
    new = RateVersion(NEW_YEAR + timedelta(days=31), ())
    action = Action("operation", "Operation", (old, new))

    assert action.rate_at(NEW_YEAR) is old
    assert action.rate_at(new.effective_from - timedelta(microseconds=1)) is old
    assert action.rate_at(new.effective_from) is new
    assert (old.free, new.free) == (False, True)


def test_an_action_without_a_rate_yet_is_refused():
    action = Action("operation", "Operation", (RateVersion(NEW_YEAR, ()),))

    with pytest.raises(InvalidInput) as refusal:
        action.rate_at(NEW_YEAR - timedelta(seconds=1))

    assert refusal.value.reason == "no_rate"


def test_a_plan_is_found_in_its_newest_version():
    newer = replace(MAKE.plan("core_10k"), version=2)

    assert replace(MAKE, plans=(newer, *MAKE.plans)).plan("core_10k") is newer


@pytest.mark.parametrize(
    ("reason", "ask"),
    [
        ("unknown_plan", lambda: MAKE.plan("core_11k")),
        ("unknown_action", lambda: MAKE.action("teleport")),
        ("not_in_plan", lambda: MAKE.plan("core_10k").pack("one_time_100")),
        ("no_allowance", lambda: SCALENUT.plan("free").unit_price),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(reason, ask):
    with pytest.raises(InvalidInput) as refusal:
        ask()

    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("plan_id", "minor_for_thousand"),
    [("core_10k", 90), ("core_80k", 90), ("core_10k_yearly", 90), ("pro_120k_yearly", 160)],
)
def test_m07_the_unit_price_is_the_plans_own_price_over_its_own_credits(
    plan_id, minor_for_thousand
):
    plan = MAKE.plan(plan_id)

    assert credits_price(1_000 * MICRO, plan.unit_price, "USD") == minor_for_thousand
    assert plan.manual.unit_price == plan.auto.unit_price == plan.unit_price


def test_a_year_of_monthly_windows_pays_twelve_and_one_of_its_own_pays_one():
    assert MAKE.plan("core_10k_yearly").windows_per_period == 12
    assert MAKE.plan("pro_120k_yearly").windows_per_period == 1
    assert MAKE.plan("core_10k").windows_per_period == 1


@pytest.mark.parametrize(
    ("plan_id", "units"),
    [
        ("core_5k", 0),
        ("core_10k", 1),
        ("core_25k", 2),
        ("core_40k", 4),
        ("core_80k", 8),
        ("core_10k_yearly", 1),
        ("pro_120k_yearly", 12),
    ],
)
def test_m04_the_cap_allows_whole_units_of_the_windows_allowance(plan_id, units):
    assert MAKE.plan(plan_id).auto.units_per_window == units


def test_only_paid_plans_of_make_sell_credits():
    assert not MAKE.plan("free").paid
    assert MAKE.plan("free").manual is MAKE.plan("free").auto is None
    assert all(plan.manual and plan.auto for plan in MAKE.plans if plan.paid)


def test_m15_quotas_pay_first_and_the_wallet_asks():
    quota, wallet = SCALENUT.action("ai_words").rate_at(NEW_YEAR).ways

    assert (quota.credit_type, quota.ask) == ("ai_word_quota", "never")
    assert (wallet.credit_type, wallet.ask) == ("usd_wallet", "per_action")
    assert wallet.rate.ratio == Ratio(2, 1000)


def test_only_growth_and_pro_fill_the_wallet():
    assert [plan.plan_id for plan in SCALENUT.plans if plan.manual] == ["growth", "pro"]
    assert SCALENUT.plan("growth").manual.scope == ("seo_doc", "ai_words")


def test_m09_a_prospect_is_paid_once_and_everything_else_is_free():
    assert ZAPLIFY.action("unlock_prospect").once_per == "prospect"
    free = [action.action_id for action in ZAPLIFY.actions if action.rate_at(NEW_YEAR).free]
    assert free == ["move_prospect", "upload_prospects", "connection_request", "send_email"]
    assert ZAPLIFY.plan("team_500").pack("one_time_100").quantity_micro == 100 * MICRO
    assert [(bonus.bonus_id, bonus.quantity_micro) for bonus in ZAPLIFY.bonuses] == [
        ("referral", 20 * MICRO)
    ]

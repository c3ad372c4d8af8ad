"""Prices of the catalogs' actions: a plain amount if one way pays exactly, else terms."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.pricing.event_price import price
from domain.usage import Attempt, PricedWay, UsageEvent

CATALOGS = Path(__file__).parents[2] / "catalogs"
AT = datetime(2027, 1, 1, tzinfo=UTC)


def priced(name, plan_id, action, quantity=1, tags=(), **facts):
    catalog = read_catalog(CATALOGS / f"{name}.yaml")
    event = UsageEvent(
        key="k", action=action, quantity_micro=quantity * MICRO, event_at=AT, tags=tags, **facts
    )
    return price(catalog, catalog.plan(plan_id), event, AT)


def test_m08_what_one_way_pays_exactly_is_a_plain_amount():
    one = priced("salestools", "starter", "email_verification")
    assert (one.amount_micro, one.terms) == (MICRO // 2, None)


def test_a_free_action_has_no_terms_for_members_either():
    one = priced("zaplify", "team_500", "send_email", tags=(("member", "u1"),))
    assert (one.amount_micro, one.terms) == (0, None)


def test_m15_quota_first_then_the_wallet_asked_for_once_per_action():
    terms = priced("scalenut", "growth", "ai_words", 1_500, confirmed=True).terms
    assert terms.attempts == (
        Attempt(
            "ai_words",
            (
                PricedWay("ai_word_quota", MICRO, MICRO),
                PricedWay(
                    "usd_wallet",
                    2_000,
                    MICRO,
                    carry="carry:ai_words:usd_wallet:2000/1000000",
                    consent="consent:ai_words:usd_wallet",
                ),
            ),
        ),
    )
    assert terms.confirmed


def test_m09_an_object_is_named_by_the_tag_of_the_catalog():
    catalog = read_catalog(CATALOGS / "zaplify.yaml")
    tag = catalog.action("unlock_prospect").once_per
    one = priced("zaplify", "team_500", "unlock_prospect", tags=((tag, "p1"), ("member", "u1")))
    assert (one.terms.once, one.terms.counters) == ("unlock_prospect:p1", ("member:u1",))
    with pytest.raises(InvalidInput, match="prospect") as refusal:
        priced("zaplify", "team_500", "unlock_prospect")
    assert refusal.value.reason == "missing_object"


@pytest.mark.parametrize("micro", [1, MICRO // 2, MICRO - 1, MICRO + 1, 2 * MICRO, 10**18])
def test_an_object_is_taken_whole_and_alone(micro):
    catalog = read_catalog(CATALOGS / "zaplify.yaml")
    event = UsageEvent(
        key="k",
        action="unlock_prospect",
        quantity_micro=micro,
        event_at=AT,
        tags=(("prospect", "p1"),),
    )
    with pytest.raises(InvalidInput, match="1") as refusal:
        price(catalog, catalog.plan("team_500"), event, AT)
    assert refusal.value.reason == "quantity_not_one"


def test_m14_only_what_does_not_divide_is_carried():
    plan = read_catalog(CATALOGS / "schematic.yaml").plans[-1].plan_id
    assert priced("schematic", plan, "emails", 100).terms is None
    exact = priced("schematic", plan, "hd_transcoding", 60).terms
    assert [one.action for one in exact.attempts] == ["hd_transcoding", "sd_transcoding"]
    assert exact.attempts[0].ways[0].carry == "carry:hd_transcoding:credits:10000000/60000000"


def test_what_happens_at_zero_is_the_actions_own():
    schematic = read_catalog(CATALOGS / "schematic.yaml")
    buys = next(plan for plan in schematic.plans if plan.auto is not None)

    def at_zero(action, plan=buys):
        terms = price(schematic, plan, UsageEvent("k", action, MICRO, AT), AT).terms
        return terms.at_zero if terms else None

    assert at_zero("pdf") is None
    assert at_zero("export") == "prompt"
    assert at_zero("test_run") == "block"
    assert at_zero("inference_call") == "prompt"  # of the small model that is served instead
    assert at_zero("build_minute") == "block"  # beyond the overdraft
    assert at_zero("test_run", replace(buys, auto=None)) is None


def test_an_event_is_priced_by_the_rate_of_its_own_time():
    schematic = read_catalog(CATALOGS / "schematic.yaml")
    change = datetime(2030, 1, 1, tzinfo=UTC)
    plan = replace(schematic.plans[-1], auto=None)
    amounts = [
        price(schematic, plan, UsageEvent("k", "company_lookup", MICRO, at), change).amount_micro
        for at in (change - timedelta(seconds=1), change)
    ]
    assert amounts == [2 * MICRO, 3 * MICRO]

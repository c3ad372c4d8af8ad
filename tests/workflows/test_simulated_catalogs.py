"""A short life under each seller's rules: packs, confirmations, unlocking once, rolling over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.credits import MICRO
from local.simulator import words
from local.simulator.sides import Side, read_side
from local.simulator.usage import DAY, Usage, Use
from tests.fleet import RunningFleet
from tests.workflows.test_simulations import every_day, simulated

pytestmark = pytest.mark.long


def side(catalog: str, plan: str, **how: bool) -> Side:
    return replace(read_side(catalog, plan), **how)


def of(action: str, usage: Usage) -> Usage:
    return replace(usage, uses=tuple(replace(use, action=action) for use in usage.uses))


async def test_salestools_tops_up_with_the_suggested_pack_and_keeps_what_is_left(
    fleet: RunningFleet,
) -> None:
    usage = of("email_verification", every_day(50, 25))  # 25 credits a day: 625 a month
    found = await simulated(fleet, side("salestools", "starter", top_up=True), usage)

    assert found.figures.total("refused") == 0
    assert found.figures.total("extra_minor") == 2_500  # one pack of 500
    flow = found.figures.months[0].flows["credits"]
    assert (flow.included, flow.bought, flow.used, flow.expired, flow.left) == (
        500 * MICRO, 500 * MICRO, 625 * MICRO, 0, 375 * MICRO,
    )  # fmt: skip
    assert found.figures.owed_minor == 1_875


async def test_scalenut_asks_once_an_action_and_a_consenting_customer_goes_on(
    fleet: RunningFleet,
) -> None:
    usage = of("seo_doc", every_day(2, 20))  # 30 documents of quota, then 2 dollars each
    plan = side("scalenut", "growth", top_up=True)
    found = await simulated(fleet, replace(plan, confirm=True), usage)

    assert found.figures.total("refused") == 0
    assert found.figures.asked == 1
    assert found.figures.credits("usd_wallet", "used") == 20 * MICRO
    assert found.figures.total("extra_minor") == 2_000
    assert words.sentence(found.figures).endswith("refused; 1 asked first and were confirmed.")


async def test_scalenut_without_a_confirmation_goes_no_further_than_the_quota(
    fleet: RunningFleet,
) -> None:
    usage = of("seo_doc", every_day(2, 20))
    found = await simulated(fleet, side("scalenut", "growth"), usage)

    assert found.figures.credits("seo_doc_quota", "used") == 30 * MICRO
    assert found.figures.total("refused") == 5
    assert found.figures.asked == 0


async def test_zaplify_pays_for_a_prospect_once_whoever_unlocks_it(fleet: RunningFleet) -> None:
    uses = tuple(
        Use(
            month=0,
            into=day * DAY + timedelta(hours=9),
            action="unlock_prospect",
            quantity_micro=MICRO,
            tags=(("member", member), ("prospect", f"p{day // 2}")),
        )
        for day in range(10)
        for member in ("ada", "ben")
    )
    found = await simulated(fleet, side("zaplify", "team_500"), Usage("prospects", 1, uses), 2)

    assert [month.flows["credits"].used for month in found.figures.months] == [5 * MICRO, 0]
    assert [month.flows["credits"].expired for month in found.figures.months] == [
        495 * MICRO, 500 * MICRO,
    ]  # fmt: skip
    assert found.figures.total("refused") == 0


async def test_schematic_rolls_half_over_with_its_money(fleet: RunningFleet) -> None:
    usage = of("pdf", every_day(100, 20))  # 2,000 of 5,000: 1,500 move on
    found = await simulated(fleet, side("schematic", "growth"), usage, months=2)
    first, second = (month.flows["credits"] for month in found.figures.months)

    assert (first.included, first.used, first.expired, first.left) == (
        5_000 * MICRO, 2_000 * MICRO, 1_500 * MICRO, 1_500 * MICRO,
    )  # fmt: skip
    assert (second.included, second.used) == (5_000 * MICRO, 2_000 * MICRO)
    assert found.figures.months[0].breakage_minor == 2_250
    assert found.figures.months[1].revenue_minor == 3_000

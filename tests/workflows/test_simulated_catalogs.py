"""A short life under each seller's rules: packs, confirmations, unlocking once, rolling over."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.credits import MICRO
from local.simulator.shown import words
from local.simulator.sides import Side, read_side
from local.simulator.usage import DAY, Usage, Use
from settings import CATALOGS
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


async def test_a_debit_is_days_on_its_way_and_a_pack_is_bought_once_meanwhile(
    fleet: RunningFleet,
) -> None:
    usage = of("email_verification", every_day(50, 25))  # 25 credits a day: 625 a month
    by_debit = side("salestools", "starter", top_up=True, by_debit=True)
    found = await simulated(fleet, by_debit, usage, 2)

    # Short on the 21st: a pack is bought, and five days are refused until its money has come. It
    # serves in February, before the renewal's money has.
    assert found.figures.total("plan_minor") == 2 * 2_900
    assert found.figures.total("extra_minor") == 2_500
    assert [month.refused for month in found.figures.months] == [5, 0]


async def test_a_year_by_invoice_is_paid_by_transfer(fleet: RunningFleet) -> None:
    usage = of("email_verification", every_day(50, 25))
    found = await simulated(fleet, side("salestools", "enterprise_yearly"), usage, 12)

    assert found.figures.total("plan_minor") == found.lived.side.plan.price_minor
    assert found.figures.total("refused") == 0


async def test_a_taxed_plan_costs_its_net_and_the_tax_is_told(fleet: RunningFleet) -> None:
    usage = of("pdf", every_day(10))
    taxed = replace(side("schematic", "launch_taxed", by_debit=True), place="US-NY")
    found = await simulated(fleet, taxed, usage)

    assert found.figures.total("charged_minor") == 4_000
    assert words.notes(found.figures) == ("$3.55 of tax came to what was charged",)


async def test_a_plan_in_euros_is_debited_from_an_account_in_euros(fleet: RunningFleet) -> None:
    usage = of("pdf", every_day(10))
    euros = read_side("schematic", "launch_taxed", currency="EUR")
    for place, tax in (("DE", 722), ("IE", 0)):
        debited = replace(euros, by_debit=True, place=place)
        figures = (await simulated(fleet, debited, usage)).figures
        assert (figures.total("charged_minor"), figures.total("tax_minor")) == (3_800, tax)


async def test_a_coupon_takes_off_what_it_is_for_and_no_longer_than_it_lasts(
    fleet: RunningFleet,
) -> None:
    usage = every_day(50, 25)  # 1,250 a month, 1,000 included: 100 are bought for $1.00 five times
    wanted = {"top_up": True}
    grove = str(CATALOGS / "examples" / "orchard.yaml")
    for code, plan, extra, off in (
        ("FRIEND", 2 * 900, 500, 200),  # for ever, of the plan
        ("FIFTH", 2 * 1_000, 400, 100),
        ("THREE", 2 * 1_000, 300, 200),  # twice by each customer, at most what it costs
    ):
        side = replace(read_side(grove, "grove"), coupon=code, **wanted)
        figures = (await simulated(fleet, side, usage, 2)).figures
        assert (figures.total("plan_minor"), figures.total("extra_minor")) == (plan, extra), code
        assert words.notes(figures) == (f"${off / 100:.2f} were taken off by the coupon",)

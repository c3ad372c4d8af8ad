"""Simulated months on the real workflow and ledger: exact totals, and figures that tie to them."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import count

import pytest

from domain.credits import MICRO
from ledger import balances
from ledger.reports.liability import liability
from ledger.reports.tables import csv_text
from local.simulator import life
from local.simulator.days import days
from local.simulator.figures import Figures, figures_of
from local.simulator.life import Lived, live
from local.simulator.shown import comparison, words
from local.simulator.shown.curves import Curve, curve
from local.simulator.shown.grids import html_table
from local.simulator.shown.page import page
from local.simulator.sides import Side, read_side
from local.simulator.usage import DAY, Usage, Use
from tests.fleet import RunningFleet

pytestmark = pytest.mark.long

BEGINS = date(2027, 1, 1)
_numbers = count(1)


@dataclass(frozen=True)
class Simulated:
    lived: Lived
    figures: Figures
    curve: Curve


def every_day(amount: int, how_often: int = 28, *, times: int = 1) -> Usage:
    """Usage of `amount` operations, `times` a day, on the first days of every month."""
    uses = [
        Use(0, day * DAY + timedelta(hours=9 + hour), "operation", amount * MICRO)
        for day in range(how_often)
        for hour in range(times)
    ]
    return Usage(f"{amount} a day", 1, tuple(uses))


def make(plan: str, **how: bool) -> Side:
    return replace(read_side("make", plan), **how)


async def simulated(fleet: RunningFleet, side: Side, usage: Usage, months: int = 1) -> Simulated:
    """Live, check that every figure ties to the ledger, and return all of it."""
    told: list[int] = []
    lived = await live(
        fleet.client,
        engine=fleet.engine,
        side=side,
        customer_id=f"simulated-{next(_numbers)}",
        begins=BEGINS,
        months=months,
        days=days(usage, side, BEGINS, months, exact=False),
        progress=told.append,
        standin=fleet.standin,
    )
    assert told[-1] == months
    with fleet.engine.connect() as connection:
        figures = figures_of(connection, lived)
        books = balances.books(connection, lived.account_id)
        left = sum(flow.left for flow in figures.months[-1].flows.values())
        broken = connection.exec_driver_sql(
            "SELECT * FROM violations WHERE account_id = %s", (lived.account_id,)
        ).all()
        remaining = connection.exec_driver_sql(
            "SELECT coalesce(sum(remaining), 0) FROM grants WHERE account_id = %s",
            (lived.account_id,),
        ).scalar()
        end = side.months_from(BEGINS).start(months)
        due = liability(connection, end + DAY, lived.account_id)  # its end is decided
        seen = curve(connection, lived, figures)
    assert broken == []
    assert left == remaining
    tax = figures.total("tax_minor")
    assert books.get("tax", 0) == -tax
    cash = books.get("cash", 0) - tax
    assert figures.total("charged_minor") == cash
    paid = cash + figures.total("brought_minor")
    assert figures.total("consumed_minor") + figures.owed_minor == paid
    earned = sum(one.earned_not_posted_minor for one in due)
    lost = sum(one.broken_not_posted_minor for one in due)
    assert figures.total("revenue_minor") == earned - books.get("revenue", 0)
    assert figures.total("breakage_minor") == lost - books.get("breakage", 0)
    assert figures.owed_minor == sum(one.owed_minor for one in due)
    assert figures.total("events") == len(usage.uses) * months
    return Simulated(lived, figures, seen)


async def test_m04_auto_purchase_to_the_cap_costs_165_60(fleet: RunningFleet) -> None:
    found = await simulated(fleet, make("core_80k", auto=True), every_day(1_000, times=6))
    figures = found.figures

    assert figures.total("charged_minor") == 16_560
    assert (figures.total("plan_minor"), figures.total("extra_minor")) == (7_200, 8 * 1_170)
    assert figures.credits("credits", "used") == 160_000 * MICRO
    assert figures.total("refused") == 8
    assert figures.reasons == {"cap_reached": 8}
    assert figures.total("breakage_minor") == 0
    assert figures.per_credit == Fraction(16_560, 160_000)
    assert words.sentence(figures) == (
        "make:core_80k costs $165.60 a month on average ($165.60 in 1 months), $0.001035 for each"
        " credit used; no paid credit expired unused; 8 of 168 events (4.8 %) would have been"
        " refused."
    )


async def test_what_is_included_and_not_used_is_breakage_of_its_month(fleet: RunningFleet) -> None:
    found = await simulated(fleet, make("core_10k"), every_day(100, 20), months=2)

    assert [
        (month.charged_minor, month.revenue_minor, month.breakage_minor, month.refused)
        for month in found.figures.months
    ] == [(900, 180, 720, 0)] * 2
    flow = found.figures.months[1].flows["credits"]
    assert (flow.included, flow.used, flow.expired, flow.left) == (
        10_000 * MICRO, 2_000 * MICRO, 8_000 * MICRO, 0,
    )  # fmt: skip
    assert [source for _, _, source in found.curve.grants] == ["allowance"] * 2


async def test_a_year_paid_at_once_is_owed_until_it_is_used(fleet: RunningFleet) -> None:
    found = await simulated(fleet, make("pro_120k_yearly"), every_day(1_000, 6), months=2)
    figures = found.figures

    assert [month.charged_minor for month in figures.months] == [19_200, 0]
    assert [month.revenue_minor for month in figures.months] == [960, 960]
    assert (figures.total("breakage_minor"), figures.owed_minor) == (0, 17_280)


async def test_topping_up_by_hand_buys_what_is_missing_in_whole_units(fleet: RunningFleet) -> None:
    found = await simulated(fleet, make("core_10k", top_up=True), every_day(500, 25))

    assert found.figures.total("refused") == 0
    assert found.figures.total("extra_minor") == 3 * 90  # a unit of 1,000 on each other day
    assert found.figures.credits("credits", "used") == 12_500 * MICRO


async def test_both_doors_for_usage_come_to_the_same(
    fleet: RunningFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = every_day(1_200, 12)
    by_both = await simulated(fleet, make("core_10k", auto=True), usage)
    monkeypatch.setattr(life._Player, "_debited", lambda *_: False)
    by_workflow = await simulated(fleet, make("core_10k", auto=True), usage)

    assert by_both.figures.months == by_workflow.figures.months
    assert by_both.figures.prices == by_workflow.figures.prices


async def test_a_comparison_says_what_the_same_usage_costs_on_each(fleet: RunningFleet) -> None:
    usage = every_day(500, 26)
    one = await simulated(fleet, make("core_10k", auto=True), usage)
    other = await simulated(fleet, make("core_10k"), usage)
    sides = (one.figures, other.figures)

    assert comparison.verdict(*sides) == (
        "make:core_10k costs $9.00 a month on average, 56.5 % cheaper than make:core_10k"
        " ($20.70); 6 of 26 events (23.1 %) would have been refused on make:core_10k, none on"
        " make:core_10k."
    )
    grid = {row[0]: row[1:] for row in comparison.differences_grid(*sides).rows}
    assert grid["charged"] == ("$20.70", "$9.00", "-$11.70", "-56.5 %")
    assert grid["extra credits"] == ("$11.70", "$0.00", "-$11.70", "-100.0 %")
    assert grid["breakage: paid and expired"] == ("$8.19", "$0.00", "-$8.19", "-100.0 %")
    assert grid["events refused"] == ("0", "6", "6", "-")
    assert grid["price per credit used"] == ("$0.001592", "$0.0009", "-$0.000692", "-43.5 %")
    assert comparison.by_month_grid(*sides).rows == (
        ("2027-01", "$20.70", "$9.00", "-$11.70", "0", "6"),
        ("all", "$20.70", "$9.00", "-$11.70", "0", "6"),
    )
    assert csv_text(comparison.comparison_sheet(*sides)).splitlines()[1:] == [
        "2027-01-01,make:core_10k,26,0,9.00,11.70,20.70,12.51,8.19",
        "2027-01-01,make:core_10k,26,6,9.00,0.00,9.00,9.00,0.00",
    ]
    from local.simulator.shown.picture import (  # noqa: PLC0415 - it imports matplotlib
        draw_comparison,
        draw_life,
    )

    curves = (one.curve, other.curve)
    for drawn in (draw_life(one.curve, "$1 and $2", "png"), draw_comparison(curves, "$", "png")):
        assert drawn.startswith(b"\x89PNG")


async def test_several_credit_types_have_a_grid_each_and_a_page_needs_nothing_else(
    fleet: RunningFleet,
) -> None:
    found = await simulated(fleet, make("free"), every_day(100, 11))
    several = replace(found.figures, credit_types={"credits": "Credits", "other": "Others"})
    for month in several.months:
        month.flows["other"] = replace(month.flows["credits"])

    grids = words.month_grids(several)

    assert found.figures.total("refused") == 1
    assert [grid.title for grid in grids] == ["make:free: Free", "Credits", "Others"]
    assert several.per_credit is None
    from local.simulator.shown.picture import draw_life  # noqa: PLC0415 - it imports matplotlib

    whole = page(
        title="a & b",
        sentence="<sentence>",
        picture=draw_life(found.curve, "", "svg"),
        grids=grids,
        notes="notes",
    )
    assert "a &amp; b" in whole
    assert "&lt;sentence&gt;" in whole
    assert html_table(grids[1]) in whole
    assert not any(outside in whole for outside in ("<script", "<link", "<img", "src="))

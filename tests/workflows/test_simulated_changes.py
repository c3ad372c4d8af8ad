"""A simulated customer changes plans: charged, counted and priced as the plan in force says."""

from dataclasses import replace

import pytest

from domain.credits import MICRO
from domain.errors import InvalidInput
from local.simulator.changes import read_changes
from local.simulator.sides import Side, read_side
from tests.fleet import RunningFleet
from tests.workflows.test_simulated_catalogs import of
from tests.workflows.test_simulations import every_day, simulated

pytestmark = pytest.mark.long


def changing(catalog: str, plan: str, *changes: str) -> Side:
    side = read_side(catalog, plan)
    return replace(side, changes=read_changes(changes, side.catalog, side.plan.currency))


async def test_an_upgrade_is_charged_on_its_day_and_a_smaller_plan_follows_with_the_next_period(
    fleet: RunningFleet,
) -> None:
    side = changing("schematic", "growth", "2027-01-16=scale", "2027-02-10=growth")
    found = (await simulated(fleet, side, of("pdf", every_day(300)), months=3)).figures

    # 16 of 31 days: of 175.00 more and of 20,000 credits more. 300 a day would be refused without.
    assert [month.plan_minor for month in found.months] == [7_500 + 9_032, 25_000, 7_500]
    january, february, _ = (month.flows["credits"] for month in found.months)
    assert 15_322 <= january.included / MICRO <= 15_323
    assert february.included == 25_000 * MICRO
    assert [month.refused for month in found.months[:2]] == [0, 0]
    assert found.notes == (
        "to Scale on 2027-01-16: $90.32 charged",
        "to Growth on 2027-02-10: from 2027-03-01",
    )
    assert found.title == "schematic:growth → scale → growth"


async def test_a_plan_of_another_interval_begins_at_once_for_what_is_unused_of_the_old_one(
    fleet: RunningFleet,
) -> None:
    side = changing("salestools", "professional", "2027-01-16=professional_yearly@now")
    found = (await simulated(fleet, side, of("ai_email", every_day(1, 1)), months=12)).figures

    assert found.total("plan_minor") == 9_900 + 106_920 - 5_110  # 16 of 31 days of 99.00
    assert found.notes == ("to Professional, billed yearly on 2027-01-16: $1,018.10 charged",)


async def test_what_is_refused_is_told_and_the_plan_stays(fleet: RunningFleet) -> None:
    side = changing("schematic", "growth", "2027-01-16=growth")
    found = (await simulated(fleet, side, of("pdf", every_day(1, 1)))).figures

    assert found.total("plan_minor") == 7_500
    assert found.notes == ("to Growth on 2027-01-16: refused, same_plan",)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["soon=scale"], "invalid_time"),
        (["2027-01-16"], "invalid_value"),
        (["2027-01-16=gigantic"], "unknown_plan"),
        (["2027-01-16=scale", "2027-01-16=growth"], "invalid_time"),
    ],
)
def test_a_change_that_cannot_be_read_says_what_to_write(texts: list[str], reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        changing("schematic", "growth", *texts)
    assert refused.value.reason == reason

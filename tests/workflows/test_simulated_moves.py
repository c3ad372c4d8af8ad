"""A simulated customer moves to another time zone, or comes along with what it had elsewhere."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.credits import MICRO
from domain.errors import InvalidInput
from domain.pricing.catalog import Plan
from local.simulator.brought import read_brought
from local.simulator.calendar import Months, read_moves
from local.simulator.shown import words
from local.simulator.sides import Side, read_side
from tests.fleet import RunningFleet
from tests.workflows.test_simulations import BEGINS, every_day, simulated

ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Pacific/Apia", "Pacific/Pago_Pago")
HEADING = "customer,credits,credit_type,source,cost,currency,expires_at,key\n"


def a_file(folder: Path, *rows: str) -> Path:
    file = folder / "balances.csv"
    file.write_text(HEADING + "\n".join(rows) + "\n", encoding="utf-8")
    return file


def bringing(folder: Path, *rows: str, catalog: str = "make", plan: str = "core_10k") -> Side:
    side = read_side(catalog, plan)
    return replace(side, brings=read_brought(a_file(folder, *rows), side, BEGINS))


def moving(catalog: str, plan: str, *moves: str) -> Side:
    return replace(read_side(catalog, plan), moves=read_moves(moves))


def month_first() -> Plan:
    side = read_side("make", "core_10k")
    return replace(side.plan, anchor_rule=type(side.plan.anchor_rule)("month_first"))


@pytest.mark.long
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
async def test_who_moves_is_charged_once_a_month_and_uses_whole_days(
    fleet: RunningFleet, zone: str
) -> None:
    side = moving("make", "core_10k", f"2027-02-10={zone}")
    found = (await simulated(fleet, side, every_day(300), months=4)).figures

    assert [month.plan_minor for month in found.months] == [900] * 4
    assert [month.flows["credits"].used for month in found.months] == [8_400 * MICRO] * 4
    assert found.total("refused") == 0
    assert found.notes == (f"moved to {zone} on 2027-02-10",)


@pytest.mark.long
async def test_what_is_brought_is_used_and_told_beside_what_is_charged(
    fleet: RunningFleet, tmp_path: Path
) -> None:
    side = bringing(
        tmp_path,
        "hooli,3000,credits,pack,3.00,USD,,old-1",
        "hooli,500,credits,bonus,0,USD,2027-01-20T00:00:00Z,old-2",
    )
    found = (await simulated(fleet, side, every_day(450), months=2)).figures

    january, february = (month.flows["credits"] for month in found.months)
    assert (january.included, january.brought, january.bought) == (10_000 * MICRO, 3_500 * MICRO, 0)
    assert january.used == 12_600 * MICRO
    assert february.brought == 0
    assert (found.total("brought_minor"), found.total("charged_minor")) == (300, 1_800)
    assert words.notes(found) == (f"$3.00 {words.BROUGHT}",)
    heading = [column.name for column in words.months_sheet(found).columns]
    assert heading[3:6] == ["credits included", "credits brought", "credits bought"]


@settings(max_examples=400)
@given(
    begins=st.dates(date(2026, 1, 1), date(2028, 12, 31)),
    days=st.lists(st.integers(0, 400), max_size=3, unique=True),
    zones=st.lists(st.sampled_from(ZONES), min_size=3, max_size=3),
    first=st.booleans(),
)
def test_months_follow_one_another_wherever_a_customer_moves(
    begins: date, days: list[int], zones: list[str], *, first: bool
) -> None:
    moves = [f"{begins + timedelta(day)}={zone}" for day, zone in zip(days, zones, strict=False)]
    plan = month_first() if first else read_side("make", "core_10k").plan
    months = Months(begins.replace(day=1) if first else begins, plan, read_moves(moves))

    starts = [months.start(month) for month in range(14)]
    assert starts[0] == datetime.combine(months.begins, datetime.min.time(), UTC)
    assert all(starts[n] < starts[n + 1] for n in range(13))
    home = [Months(months.begins, plan).start(month) for month in range(14)]
    far = [abs(one - other) for one, other in zip(starts, home, strict=True)]
    assert max(far) < timedelta(days=4)  # the 31st is the 28th for who moved in February


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("soon=Asia/Tokyo", "invalid_time"),
        ("2027-03-01", "invalid_value"),
        ("2027-03-01=Mars/Olympus", "unknown_time_zone"),
    ],
)
def test_a_move_that_cannot_be_read_says_what_to_write(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_moves([text])
    assert refused.value.reason == reason


def test_all_that_cannot_be_brought_is_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        bringing(
            tmp_path,
            "hooli,10,credits,pack,1.00,USD,,old-1",
            "initech,10,credits,pack,1.00,USD,,old-2",
            "hooli,10,words,pack,1.00,USD,,old-3",
            "hooli,10,credits,pack,1.00,EUR,,old-4",
            "hooli,10,credits,pack,1.00,USD,2026-12-31T00:00:00Z,old-5",
        )
    assert refused.value.reason == "invalid_import"
    told = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in told] == [
        "line 3, customer",
        "line 4, credit_type",
        "line 5, currency",
        "line 6, expires_at",
    ]


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_brought(tmp_path / "none.csv", read_side("make", "core_10k"), BEGINS)
    assert refused.value.reason == "malformed"

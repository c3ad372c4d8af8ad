"""Usage for a simulation: read from files with every fault named, or generated from a seed."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credits import MICRO
from domain.errors import InvalidInput
from local.simulator.bank import check_payer
from local.simulator.days import days
from local.simulator.shapes import DAYS, SHAPES, shaped
from local.simulator.sides import check_actions, mapped, merges, read_side, split_place
from local.simulator.usage import DAY, Usage, Use, read_usage

ROOT = Path(__file__).parents[2]
BEGINS = date(2027, 1, 1)
MAKE = read_side("make", "core_10k")


def a_file(folder: Path, text: str, name: str = "usage.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidInput) as refusal:
        read_usage(a_file(folder, text), "operation")
    assert refusal.value.reason == "invalid_usage"
    return str(refusal.value).splitlines()


def test_a_file_is_read_with_its_months_actions_quantities_and_tags(tmp_path):
    usage = read_usage(
        a_file(
            tmp_path,
            "time,action,quantity,campaign\n"
            "2025-03-31T23:00:00Z,ping,2.5,\n"
            "2025-02-01T01:00:00+01:00,,3,ai\n"
            "2025-02-02,operation,,\n",
        ),
        "operation",
    )

    assert usage == Usage(
        "usage.csv",
        2,
        (
            Use(
                month=0,
                into=timedelta(),
                action="operation",
                quantity_micro=3 * MICRO,
                tags=(("campaign", "ai"),),
            ),
            Use(0, DAY, "operation", MICRO),
            Use(1, 30 * DAY + timedelta(hours=23), "ping", 2_500_000),
        ),
    )


def test_days_count_from_the_first_and_may_be_fractions(tmp_path):
    usage = read_usage(a_file(tmp_path, "day,quantity\n0,1\n0.5,2\n31,3\n"), "operation")

    assert [(use.month, use.into) for use in usage.uses] == [
        (0, timedelta()),
        (0, timedelta(hours=12)),
        (1, timedelta()),
    ]


def test_a_trace_of_requests_is_read_as_tokens(tmp_path):
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n"

    usage = read_usage(a_file(tmp_path, text), "llm_tokens")

    assert [(use.action, use.quantity_micro) for use in usage.uses] == [
        ("llm_tokens", 4818 * MICRO)
    ]


def test_every_fault_of_a_file_is_named_with_its_line(tmp_path):
    found = faults_of(
        tmp_path,
        "time,action,quantity\n"
        "yesterday,operation,1\n"
        "2027-01-01,operation,1\n"
        "2027-01-02,operation,-1\n"
        "2027-01-03,operation\n"
        "2027-01-04,operation,1e3,x\n",
    )

    assert [fault.split(" ", 1)[0] for fault in found] == [
        f"usage.csv:{line}:" for line in (2, 4, 5, 6)
    ]
    assert "'yesterday' is no time" in found[0]
    assert "quantity '-1'" in found[1]
    assert "another number of columns" in found[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column of time"),
        ("action,quantity\na,1\n", "no column of time"),
        ("time,day\n1,1\n", "2 columns of time"),
        ("time,action,action\n", "'action' is there twice"),
        ("time,action\n", "has no usage"),
        ("day\n-1\n", "not a number of days"),
        ("day\nNaN\n", "not a number of days"),
    ],
)
def test_a_file_that_is_no_usage_says_what_one_looks_like(tmp_path, text, words):
    assert words in faults_of(tmp_path, text)[0]


def test_many_faults_are_counted_and_a_missing_file_is_one(tmp_path):
    found = faults_of(tmp_path, "day\n" + "x\n" * 25)

    assert (len(found), found[-1]) == (21, "and 5 faults more")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_usage(tmp_path / "none.csv", "operation")


@given(
    shape=st.sampled_from(sorted(SHAPES)),
    volume=st.integers(0, 10**6),
    months=st.integers(1, 15),
    seed=st.integers(0, 99),
)
def test_made_up_usage_is_the_same_for_the_same_seed_and_has_its_volume(
    shape, volume, months, seed
):
    usage = shaped(
        shape=shape, action="operation", volume_micro=volume * MICRO, months=months, seed=seed
    )

    assert usage == shaped(
        shape=shape, action="operation", volume_micro=volume * MICRO, months=months, seed=seed
    )
    assert all(use.quantity_micro % MICRO == 0 for use in usage.uses)
    used = sum(use.quantity_micro for use in usage.uses)
    if shape != "growing":
        assert used == volume * months * MICRO
    else:  # its first month has the volume, to a whole event of each of its days
        first = sum(use.quantity_micro for use in usage.uses if use.month == 0)
        assert abs(first - volume * MICRO) <= DAYS * MICRO


def test_what_is_paid_for_once_is_made_up_one_by_one_with_a_tag_of_its_own():
    usage = shaped(
        shape="steady",
        action="unlock_prospect",
        volume_micro=40 * MICRO,
        months=2,
        seed=1,
        once_per="prospect",
    )

    assert {use.quantity_micro for use in usage.uses} == {MICRO}
    assert len({use.tags for use in usage.uses}) == len(usage.uses) == 80
    assert usage.uses[0].tags == (("prospect", "prospect-1"),)


def test_a_heading_may_say_that_it_is_a_tag(tmp_path):
    usage = read_usage(a_file(tmp_path, "day,tag:member,tag:prospect\n0,ada,p1\n"), "operation")

    assert usage.uses[0].tags == (("member", "ada"), ("prospect", "p1"))
    twice = "day,member,tag:member\n0,ada,ben\n"
    assert faults_of(tmp_path, twice) == ["usage.csv:1: the column 'member' is there twice"]


def test_an_unknown_shape_names_the_ones_there_are():
    with pytest.raises(InvalidInput, match="steady, growing, spiky, seasonal, trace"):
        shaped(shape="wavy", action="operation", volume_micro=MICRO, months=1, seed=1)


uses = st.builds(
    Use,
    st.integers(0, 2),
    st.integers(0, 31 * 86_400 - 1).map(lambda seconds: timedelta(seconds=seconds)),
    st.sampled_from(["operation", "ping"]),
    st.integers(1, 10**9),
)


@given(used=st.lists(uses, max_size=200), exact=st.booleans())
def test_no_usage_is_lost_or_moved_to_another_month(used, exact):
    crowd = [Use(0, timedelta(minutes=7 * n), "operation", MICRO) for n in range(60)]
    usage = Usage("u", 3, (*used, *crowd))
    lived = list(days(usage, MAKE, BEGINS, 3, exact=exact))

    for month in range(3):
        for action in ("operation", "ping"):
            wanted = [use.quantity_micro for use in usage.of_month(month) if use.action == action]
            events = [e for day in lived if day.month == month for e in day.events]
            assert sum(e.quantity_micro for e in events if e.action == action) == sum(wanted)
    assert sum(sum(day.stand_for) for day in lived) == len(usage.uses)
    for day in lived:
        assert all(day.at - DAY < event.event_at <= day.at for event in day.events)
    keys = [event.key for day in lived for event in day.events]
    assert len(keys) == len(set(keys))
    if exact:
        assert len(keys) == len(usage.uses)
    else:
        assert len(keys) < len(usage.uses)  # the crowd of a day goes by the hour


def test_what_lies_after_a_short_months_end_belongs_to_its_last_day():
    usage = Usage("u", 1, (Use(0, 30 * DAY + timedelta(hours=5), "operation", MICRO),))

    at = [day.at.date() for day in days(usage, MAKE, BEGINS, 2, exact=True)]

    assert at == [date(2027, 1, 31), date(2027, 2, 28)]


def test_jobs_and_objects_are_never_merged():
    assert merges(MAKE.catalog.action("llm_tokens"))
    assert not merges(read_side("zaplify", "team_500").catalog.action("unlock_prospect"))


def test_actions_of_another_list_are_mapped_or_named():
    usage = Usage("u", 1, (Use(0, DAY, "ai_email", MICRO), Use(0, DAY, "sms", MICRO)))

    with pytest.raises(InvalidInput, match=r"no ai_email, sms; .*--map ai_email=operation"):
        check_actions(usage, MAKE)
    side = replace(MAKE, names=mapped(["ai_email=operation", "sms=ping"]))
    check_actions(usage, side)
    assert {e.action for day in days(usage, side, BEGINS, 1, exact=True) for e in day.events} == {
        "operation",
        "ping",
    }
    for wrong in (["a"], ["=b"], ["a=b", "a=c"]):
        with pytest.raises(InvalidInput, match="used=listed"):
            mapped(wrong)


def test_two_drafts_of_one_list_can_stand_side_by_side(tmp_path):
    draft = a_file(
        tmp_path,
        (ROOT / "catalogs/make.yaml").read_text().replace('price: "9.00"', 'price: "8.00"'),
        "draft.yaml",
    )

    side = read_side(str(draft), "core_10k", taken=["make"])

    assert (side.title, side.plan.price_minor, side.plan.catalog) == (
        "make_2:core_10k", 800, "make_2",
    )  # fmt: skip
    assert split_place("a/b.yaml:core_10k") == ("a/b.yaml", "core_10k")
    with pytest.raises(InvalidInput, match="there are: make"):
        read_side("mak", "core_10k")
    with pytest.raises(InvalidInput, match="CATALOG:PLAN"):
        split_place("make")


def test_a_draft_under_another_name_keeps_its_numbers_to_the_last_decimal(tmp_path):
    text = (ROOT / "catalogs/make.yaml").read_text()
    exact = text.replace("cost: 1}", "cost: 0.000001}")
    assert exact != text
    side = read_side(str(a_file(tmp_path, exact, "draft.yaml")), "core_10k", taken=["make"])

    assert side.action("operation").rates[0].ways[0].rate.credits_micro == 1


def test_the_allowance_is_the_volume_of_made_up_usage():
    assert MAKE.window_volume() == 10_000 * MICRO


def test_a_command_with_a_bad_file_starts_nothing_and_names_every_fault(tmp_path):
    path = a_file(tmp_path, "day,quantity\n0,x\n1,1\n2,0\n")

    ended = subprocess.run(
        [sys.executable, "cli.py", "simulate", "make", "--plan", "core_10k", "--usage", str(path)],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 2
    assert [line.split(" ")[:2] for line in ended.stderr.splitlines()] == [
        ["invalid_usage:", "usage.csv:2:"],
        ["usage.csv:4:", "quantity"],
    ]


def test_a_list_of_several_currencies_is_simulated_in_one_of_them():
    world = str(ROOT / "catalogs" / "examples" / "make_world.yaml")
    assert read_side(world, "core_10k").plan.price_minor == 900
    assert read_side(world, "core_10k", currency="JPY").plan.price_minor == 1480
    with pytest.raises(InvalidInput) as refusal:
        read_side(world, "core_10k", currency="GBP")
    assert refusal.value.reason == "unknown_currency"


@pytest.mark.parametrize(
    ("plan", "facts", "why"),
    [
        ("make_europe:core_10k", {}, "say where"),
        ("make_europe:core_10k", {"place": "Britain"}, "is no place"),
        ("make_europe:core_10k", {"place": "US"}, "such as US-NY"),
        ("make_europe:core_10k", {"place": "GB", "by_debit": True}, "takes no bank debits"),
    ],
)
def test_a_customer_who_could_not_pay_is_not_simulated(plan, facts, why):
    name, plan_id = plan.split(":")
    read = read_side(str(ROOT / "catalogs" / "examples" / f"{name}.yaml"), plan_id)
    with pytest.raises(InvalidInput, match=why) as refusal:
        check_payer(replace(read, **facts))
    assert refusal.value.reason == "invalid_simulation"

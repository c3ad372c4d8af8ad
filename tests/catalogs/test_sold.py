"""`cli.py catalog list` tells what every price list sells, to people and to programs."""

import json

import pytest

import cli
from catalogs.reference import EXAMPLE
from commands.sold import sheet
from domain.pricing.in_currency import every_plan
from tests.price_lists import shipped

LISTS = tuple(shipped().values())


def told(capsys, *words):
    assert cli.main(["catalog", "list", *words]) == 0
    return capsys.readouterr().out


def row(plan):
    found, *elsewhere = [one for one in sheet(LISTS).rows if one[:2] == plan]
    others = {"zaplify v1": 2, "schematic v1": 1}  # in yen and dinars, in euros
    assert len(elsewhere) == others.get(plan[0], 0)
    return found[2:]


def test_every_version_of_every_plan_of_the_five_lists_is_there(capsys):
    table = told(capsys)
    rows = [one[:2] for one in sheet(LISTS).rows]

    assert len(LISTS) == 5
    assert rows == [
        (f"{one.name} v{one.version}", f"{plan.plan_id} v{plan.version}")
        for one in LISTS
        for plan in every_plan(one)
    ]
    assert all(plan in table for _, plan in rows)


@pytest.mark.parametrize(
    ("plan", "cells"),
    [
        (
            ("make v1", "core_10k_yearly v1"),
            (
                "$108.00 a year",
                "10,000 Credits a month",
                "by hand 1,000 Credits, $0.90\nauto 10,000 Credits, $11.70",
            ),
        ),
        (
            ("scalenut v1", "essential v1"),
            ("$39.00 a month", "5 SEO documents a month\n100,000 AI words a month", "-"),
        ),
        (("schematic v1", "free v1"), ("free", "100 Credits once", "-")),
        (
            ("zaplify v1", "team_500 v1"),
            (
                "$49.00 a month",
                "500 Credits a month",
                "one_time_100: 100 Credits, $25.00\none_time_500: 500 Credits, $100.00",
            ),
        ),
    ],
)
def test_money_is_formatted_and_units_are_named(plan, cells):
    assert row(plan) == cells


def test_a_draft_is_listed_for_programs_in_exact_figures(capsys):
    (listed,) = json.loads(told(capsys, "--json", str(EXAMPLE)))

    assert (listed["catalog"], listed["version"], listed["currency"]) == ("harbour", 1, "USD")
    crew = listed["plans"][1]
    assert (crew["plan"], crew["version"]) == ("crew", 2)
    assert (crew["price_minor"], crew["interval"], crew["window"]) == (24000, "year", "month")
    assert crew["allowances"][0] == {"credit_type": "credits", "credits": "1000"}
    assert crew["packs"][0]["price_minor"] == 2000
    assert crew["manual"] == {"credit_type": "credits", "credits": "100", "price_minor": 300}
    assert crew["auto"] == {"credit_type": "credits", "credits": "500", "price_minor": 1950}


def test_the_lists_are_those_of_the_deployment(capsys, monkeypatch, tmp_path):
    (tmp_path / "mine.yaml").write_text(EXAMPLE.read_text())
    monkeypatch.setenv("DRAWDOWN_CATALOGS", str(tmp_path))

    assert [one["catalog"] for one in json.loads(told(capsys, "--json"))] == ["harbour"]


def test_a_list_that_cannot_be_read_is_told(capsys, tmp_path):
    assert cli.main(["catalog", "list", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml: cannot be read" in capsys.readouterr().err

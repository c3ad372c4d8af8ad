"""A changed value leaves every other line of a list as it stands, and is read as any other is."""

from dataclasses import replace
from pathlib import Path

import pytest

from catalogs.drafts import check_plain, position_of, value_of, with_value
from catalogs.reader import read_catalog
from domain.errors import InvalidCatalog, InvalidInput
from domain.money import Ratio

FOLDER = Path(__file__).parents[2] / "catalogs"
MAKE = (FOLDER / "make.yaml").read_text()
CORE = ("plans", 2)


def test_a_price_is_replaced_and_nothing_else():
    draft = with_value(MAKE, CORE, ("price",), "12.00")
    changed = [
        (before, after)
        for before, after in zip(MAKE.splitlines(), draft.splitlines(), strict=True)
        if before != after
    ]
    assert changed == [('    price: "9.00"', '    price: "12.00"')]
    assert read_catalog(draft).plan("core_10k").price_minor == 1_200


def test_what_is_inherited_is_changed_for_one_plan_alone():
    draft = with_value(MAKE, CORE, ("auto", "surcharge_percent"), "20")
    was, now = read_catalog(MAKE), read_catalog(draft)
    auto = replace(was.plan("core_10k").auto, surcharge_percent=Ratio(20, 1))
    assert now.plan("core_10k") == replace(was.plan("core_10k"), auto=auto)
    assert [one for one in now.plans if one.plan_id != "core_10k"] == [
        one for one in was.plans if one.plan_id != "core_10k"
    ]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_value_that_is_put_back_gives_the_same_list(path):
    text = path.read_text()
    whole = read_catalog(text)
    keys = [("price",), ("manual", "unit"), ("auto", "unit"), ("auto", "surcharge_percent")]
    for number, plan in enumerate(whole.plans):
        item = ("plans", number)
        assert value_of(text, item, ("id",)) == plan.plan_id
        for key in (*keys, ("allowances", 0, "quantity")):
            value = value_of(text, item, key)
            if value is not None:
                assert read_catalog(with_value(text, item, key, value)) == whole, (item, key)


def test_a_value_that_was_assumed_is_seen_through():
    assert value_of(MAKE, ("plans", 1), ("price",)) == "6.00"
    assert (
        read_catalog(with_value(MAKE, ("plans", 1), ("price",), "7.00")).plans[1].price_minor == 700
    )


def test_what_a_plan_does_not_sell_has_no_value():
    assert value_of(MAKE, ("plans", 0), ("auto", "unit")) is None  # null, though defaults have it
    with pytest.raises(InvalidInput, match=r"plans\[0\]\.auto\.unit is no single value"):
        with_value(MAKE, ("plans", 0), ("auto", "unit"), "5")


def test_packs_are_found_by_their_ids():
    text = (FOLDER / "salestools.yaml").read_text()
    packs = [pack for plan in read_catalog(text).plans for pack in plan.packs]
    for pack in packs:
        position = position_of(text, "packs", pack.pack_id)
        assert value_of(text, ("packs", position), ("id",)) == pack.pack_id
    assert position_of(text, "packs", "nothing") is None


@pytest.mark.parametrize("typed", ["x: {", '"', "1\n  evil: 1", "]", "# no", "${{", "\\"])
def test_whatever_is_typed_stays_one_value(typed):
    with pytest.raises(InvalidCatalog) as refused:
        read_catalog(with_value(MAKE, CORE, ("price",), typed), "draft.yaml")
    (fault,) = refused.value.faults
    assert "plans[2].price: " in fault


def test_a_draft_has_no_aliases():
    check_plain(MAKE)
    with pytest.raises(InvalidInput, match=r"draft\.yaml:2: write it out"):
        check_plain("a: &a [1]\nb: [*a, *a]")

"""Published items do not change under their version; new and future ones may be added."""

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path

import pytest

from catalogs.reader import read_catalog
from domain.credits import MICRO
from domain.money import Ratio
from domain.periods import Interval
from domain.pricing.catalog import Bonus, Extras, RateVersion, Way
from domain.pricing.policies import AtZero
from domain.pricing.published import Edit, compare, items_of, plan_item, rate_item, same_terms
from domain.pricing.rates import Rate
from tests.price_lists import shipped

ROOT = Path(__file__).parents[2]
LISTS = (
    *shipped().values(),
    *(read_catalog(path) for path in sorted((ROOT / "tests" / "catalogs").glob("*.yaml"))),
    read_catalog(ROOT / "catalogs" / "examples" / "every_key.yaml"),
)
MAKE = next(one for one in LISTS if one.name == "make")
SAMPLE = next(one for one in LISTS if one.name == "sample")
NOW = datetime(2027, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
# The keys of a plan that may change under its version: nothing that anybody pays or gets.
MAY_CHANGE = {("name",), ("packs", "name")}


def edited(read, *, was=MAKE, at=NOW, in_use=frozenset()):
    return compare(items_of(was), read, at, in_use)


def with_plan(plan, catalog=MAKE):
    others = tuple(one for one in catalog.plans if plan_item(one) != plan_item(plan))
    return replace(catalog, plans=(*others, plan))


def with_action(catalog, action_id, **changes):
    return replace(
        catalog,
        actions=tuple(
            replace(one, **changes) if one.action_id == action_id else one
            for one in catalog.actions
        ),
    )


OTHERS = (  # another value of each kind of single value; the first that fits
    (bool, lambda value: not value),
    (Enum, lambda value: next((one for one in type(value) if one is not value), None)),
    (int, lambda value: value + 1),
    (str, lambda value: f"{value}x"),
    (tuple, lambda value: (*value, 1)),
    (Ratio, lambda value: Ratio(value.num + value.den, value.den)),
    (Interval, lambda value: replace(value, count=value.count + 1)),
    (datetime, lambda value: value + DAY),
    (type(None), lambda _: 1),
)


def other(value):
    return next(changed(value) for kind, changed in OTHERS if isinstance(value, kind))


def variants(value):
    """Yield every value that differs in one leaf, with the names on the way to it."""
    if isinstance(value, tuple) and value and all(map(is_dataclass, value)):
        yield (), value[1:]
        for place, one in enumerate(value):
            for names, changed in variants(one):
                yield names, (*value[:place], changed, *value[place + 1 :])
    elif is_dataclass(value) and not isinstance(value, (Ratio, Interval)):
        for one in fields(value):
            for names, changed in variants(getattr(value, one.name)):
                yield (one.name, *names), replace(value, **{one.name: changed})
    else:
        yield (), other(value)


@pytest.mark.parametrize("catalog", LISTS, ids=lambda catalog: catalog.name)
def test_every_leaf_of_a_plan_is_kept_under_its_version_but_names(catalog):
    passed, leaves = set(), 0
    for plan in catalog.plans:
        for names, changed in variants(plan):
            if names in {("plan_id",), ("version",)}:
                continue  # another item
            leaves += 1
            found = edited(with_plan(changed, catalog), was=catalog)
            assert [one.item for one in found.refused] in ([], [plan_item(plan)])
            if not found.refused:
                passed.add(names)
    assert leaves > 30 * len(catalog.plans)
    assert passed <= MAY_CHANGE
    assert ("name",) in passed


@pytest.mark.parametrize("catalog", LISTS, ids=lambda catalog: catalog.name)
def test_what_is_read_again_as_it_was_is_neither_refused_nor_new(catalog):
    found = edited(catalog, was=catalog)

    assert (found.refused, found.fresh, found.withdrawn) == ((), {}, ())
    assert compare({}, catalog, NOW, frozenset()).fresh == items_of(catalog)


def test_a_changed_allowance_is_told_with_both_values():
    plan = MAKE.plan("core_10k")
    more = replace(plan.allowances[0], quantity_micro=15_000 * MICRO)

    (found,) = edited(with_plan(replace(plan, allowances=(more,)))).refused

    assert (found.item, found.edit) == (plan_item(plan), Edit.CHANGED)
    assert found.path == ("allowances", 0, "quantity_micro")
    assert (found.published, found.read) == (10_000 * MICRO, 15_000 * MICRO)


def test_a_new_version_a_new_plan_and_a_new_action_are_published():
    newer = replace(MAKE.plan("core_10k"), version=2, price_minor=1200)
    another = replace(newer, plan_id="core_12k", version=1)
    action = replace(MAKE.actions[0], action_id="of_today")
    read = replace(MAKE, plans=(*MAKE.plans, newer, another), actions=(*MAKE.actions, action))

    found = edited(read)

    assert found.refused == ()
    assert {plan_item(newer), plan_item(another), rate_item(action, action.rates[0])} < set(
        found.fresh
    )
    assert len(found.fresh) == 4


def test_a_plan_version_that_somebody_is_on_stays_in_the_list():
    plan = MAKE.plan("core_10k")
    read = replace(MAKE, plans=tuple(one for one in MAKE.plans if one is not plan))

    assert edited(read).refused == ()
    (found,) = edited(read, in_use=frozenset({plan_item(plan)})).refused
    assert (found.item, found.edit) == (plan_item(plan), Edit.REMOVED)


CALL = SAMPLE.action("call")
FIRST, SECOND = CALL.rates  # from ever, and from February 2027
DEARER = (Way("credits", Rate(7 * MICRO, MICRO)),)
BEFORE, BEYOND = NOW - DAY, SECOND.effective_from


@pytest.mark.parametrize(
    ("rates", "at", "refused"),
    [
        # In force, or over: the past was priced by it.
        ((replace(FIRST, ways=DEARER), SECOND), NOW, [(FIRST, Edit.CHANGED)]),
        ((FIRST, replace(SECOND, ways=DEARER)), BEYOND, [(SECOND, Edit.CHANGED)]),
        ((FIRST,), BEYOND, [(SECOND, Edit.REMOVED)]),
        ((SECOND,), NOW, [(FIRST, Edit.REMOVED)]),
        (
            (FIRST, RateVersion(BEFORE, DEARER), SECOND),
            NOW,
            [(RateVersion(BEFORE, ()), Edit.ADDED)],
        ),
        ((FIRST, RateVersion(NOW, DEARER), SECOND), NOW, [(RateVersion(NOW, ()), Edit.ADDED)]),
        # Ahead: nothing was priced by it yet.
        ((FIRST, replace(SECOND, ways=DEARER)), NOW, []),
        ((FIRST,), NOW, []),
        ((FIRST, RateVersion(NOW + DAY, DEARER), SECOND), NOW, []),
        ((FIRST, SECOND, RateVersion(BEYOND + DAY, DEARER)), NOW, []),
    ],
)
def test_a_rate_may_change_only_ahead_of_its_instant(rates, at, refused):
    found = edited(with_action(SAMPLE, "call", rates=rates), was=SAMPLE, at=at)

    assert [(one.item, one.edit) for one in found.refused if not one.path] == [
        (rate_item(CALL, rate), edit) for rate, edit in refused if edit is not Edit.CHANGED
    ]
    assert {one.item for one in found.refused if one.path} == {
        rate_item(CALL, rate) for rate, edit in refused if edit is Edit.CHANGED
    }


def test_a_rate_called_off_in_time_is_remembered_as_withdrawn():
    found = edited(with_action(SAMPLE, "call", rates=(FIRST,)), was=SAMPLE)

    assert found.withdrawn == (rate_item(CALL, SECOND),)


def test_an_action_that_is_removed_takes_its_rates_out_of_the_past():
    read = replace(SAMPLE, actions=())

    assert [one.item for one in edited(read, was=SAMPLE).refused] == [rate_item(CALL, FIRST)]


@pytest.mark.parametrize(
    "read",
    [
        replace(SAMPLE, time_zone="America/New_York"),
        with_action(SAMPLE, "call", at_zero=AtZero.BLOCK),
        with_action(SAMPLE, "call", once_per=None),
        replace(
            SAMPLE,
            bonuses=(
                Bonus(
                    bonus_id="referral",
                    name="Referral",
                    credit_type="credits",
                    quantity_micro=1,
                    expires=Extras.NEVER,
                ),
            ),
        ),
        replace(SAMPLE, bonuses=()),
    ],
)
def test_what_has_no_version_of_its_own_changes_with_the_version_of_the_list(read):
    assert len({one.item for one in edited(read, was=SAMPLE).refused}) == 1
    assert edited(replace(read, version=2), was=SAMPLE).refused == ()


def test_names_for_people_may_change():
    plan = MAKE.plan("core_10k")
    renamed = replace(plan, name="Core, ten thousand")
    read = with_action(replace(with_plan(renamed), brand="Make it"), "operation", name="Step")

    assert edited(read).refused == ()
    assert same_terms(plan, renamed)
    assert not same_terms(plan, replace(plan, price_minor=901))

"""Edits of published items are reported with their line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalogs.kept import place_of, told
from catalogs.reader import read_list
from domain.pricing.published import changes_of, compare, items_of
from settings import CATALOGS
from tests.domain.test_published import variants

SOUND = (Path(__file__).parent / "sample.yaml").read_text(encoding="utf-8")
RICH = (Path(__file__).parent / "rich.yaml").read_text(encoding="utf-8")
NOW = datetime(2027, 1, 1, tzinfo=UTC)
LATER = datetime(2027, 3, 1, tzinfo=UTC)


def line_of(text, part):
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)


def told_of(old, new, text=SOUND, at=NOW, in_use=frozenset()):
    """Return the report on one replacement in a published text, and its line."""
    assert text.count(old) >= 1, old
    was, now = read_list(text, "list.yaml"), read_list(text.replace(old, new, 1), "list.yaml")
    found = compare(items_of(was.catalog), now.catalog, at, in_use)
    return told(now, found.refused)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "quantity: 10000}]",
            "quantity: 15000}]",
            (
                "plans[1].allowances[0].quantity: plan core version 1 was published with 10000,"
                " not with 15000"
            ),
        ),
        (
            'price: "9.00"',
            'price: "12.00"',
            "plans[1].price: plan core version 1 was published with $9.00, not with $12.00",
        ),
        (
            'unit_price: "0.0009"',
            'unit_price: "0.001"',
            (
                "plans[1].manual.unit_price: plan core version 1 was published with"
                " $0.09 per 100 credits, not with $0.01 per 10 credits"
            ),
        ),
        (
            "renewal_dunning: [1, 3]",
            "renewal_dunning: [1]",
            "defaults.renewal_dunning: plan core version 1 was published with [1, 3], not with [1]",
        ),
        (
            'price: "25.00"',
            'price: "26.00"',
            "packs[0].price: plan core version 1 was published with $25.00, not with $26.00",
        ),
        (
            "packs: [small]",
            "packs: []",
            "plans[1].packs: plan core version 1 was published with [{pack_id: small, name: Small,",
        ),
        (
            "reopen_days: 3",
            "reopen_days: 4",
            "plans[1].reopen_days: plan core version 1 was published with 3, not with 4",
        ),
        (
            "cost: 10, per: 60",
            "cost: 7, per: 60",
            "actions[0].rates[0].pay[1].cost: the rate of call was published with 10, not with 7",
        ),
        (
            "once_per: caller",
            "once_per: called",
            (
                "actions[0].once_per: action call in version 1 of the list was published with"
                " caller, not with called"
            ),
        ),
        (
            "time_zone: Europe/Berlin",
            "time_zone: Europe/Rome",
            (
                "time_zone: version 1 of the list was published with Europe/Berlin,"
                " not with Europe/Rome"
            ),
        ),
        (
            "type: credits, quantity: 20,",
            "type: credits, quantity: 21,",
            (
                "bonuses[0].quantity: bonus referral in version 1 of the list was published with"
                " 20, not with 21"
            ),
        ),
    ],
)
def test_an_edit_is_told_with_file_line_and_both_values(old, new, expected):
    line = line_of(SOUND, old)

    found = told_of(old, new)

    assert any(one.startswith(f"list.yaml:{line}: {expected}") for one in found), found


def test_what_a_plan_takes_from_the_defaults_is_told_on_their_line():
    old = "{percent: 20, channel: email}"

    (found,) = told_of(old, "{percent: 25, channel: email}", RICH)[:1]

    assert found.startswith(f"list.yaml:{line_of(RICH, old)}: defaults.alerts[0]")


def test_a_missing_key_is_told_on_the_line_of_its_plan():
    (found,) = told_of("    grace_days: 7\n", "", RICH)

    line = line_of(RICH, "id: full")
    assert found == (
        f"list.yaml:{line}: plans[1]: plan full version 1 was published with 7, not with 0"
    )


def test_a_rate_that_is_missing_or_comes_too_late_is_told_with_its_action():
    second = "      - {from: 2027-02-01T00:00:00Z, pay: []}\n"
    missing = told_of(second, "", at=LATER)
    added = told_of(second, second.replace("02-01", "01-01") + second, at=NOW)

    assert missing == (
        (
            f"list.yaml:{line_of(SOUND, 'rates:') + 1}: actions[0].rates: the rate of call from"
            " 2027-02-01T00:00:00+00:00 is missing: what happened was priced by it"
        ),
    )
    assert added == (
        (
            f"list.yaml:{line_of(SOUND, second.strip())}: actions[0].rates[1]: the rate of call"
            " from 2027-01-01T00:00:00+00:00 is new, and its time is over: what happened was priced"
            " without it"
        ),
    )


def test_a_plan_that_somebody_is_on_is_missed_where_the_plans_stand():
    start, end = SOUND.index("  - id: free"), SOUND.index("  - id: core")
    was = read_list(SOUND, "list.yaml").catalog
    in_use = {one for one in items_of(was) if one.name == "free"}

    found = told_of(SOUND[start:end], "", in_use=in_use)

    assert len(found) == 1
    assert found[0].endswith(": plans: plan free version 1 is missing: subscriptions are on it")


def test_every_key_that_a_list_writes_is_told_where_it_stands():
    # What an item is found by, and what the reader takes from elsewhere in the list.
    own = {"plan_id", "version", "bonus_id", "effective_from", "packs.pack_id"}
    derived = {"catalog", "currency", "overdraft.scope", "alerts.threshold_id"}
    unwritten = {"trial.allowances.share", "trial.allowances.rollover"}
    read = read_list(CATALOGS / "examples" / "every_key.yaml")
    reached = {}
    for item, terms in items_of(read.catalog).items():
        for _, changed in variants(terms):
            for one in changes_of(item, terms, changed):
                name = ".".join(step for step in one.path if isinstance(step, str))
                place = place_of(read, one)
                assert place.line > 1, name
                # One that stops at an item of a list did not find the key.
                is_found = not place.path.endswith("]")
                reached[item.kind, name] = reached.get((item.kind, name)) or is_found

    found = {name for (_, name), is_found in reached.items() if is_found}
    missing = {name for _, name in reached if name not in found}
    absent = {name for name in missing if any(one.startswith(f"{name}.") for one in found)}
    assert missing - absent - own - unwritten <= derived

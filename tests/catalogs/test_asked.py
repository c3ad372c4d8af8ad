"""The reader notes every key that it asks for, and what it takes there."""

from pathlib import Path

import pytest

from catalogs import values
from catalogs.document.faults import Faults, Form
from catalogs.document.section import open_document
from catalogs.reader import read_catalog
from domain.errors import InvalidCatalog
from domain.pricing.catalog import Extras

RICH = Path(__file__).parent / "rich.yaml"


def asked(text, read):
    faults = Faults("some.yaml")
    read(open_document(text, faults))
    return faults.asked


def test_a_key_is_noted_whether_it_is_there_or_not():
    def read(document):
        document.required("name", values.title, "?")
        document.optional("days", values.positive, 3)
        document.listed("scope", values.identifier, default=())
        document.retired("old", "is `new` now")

    noted = {one.path: one for one in asked("name: Some\n", read)}

    assert noted["name"].is_required
    assert (noted["days"].is_required, noted["days"].default) == (False, 3)
    assert noted["scope"].form is Form.LIST
    assert noted["old"].cure == "is `new` now"


def test_a_path_has_no_index_and_is_the_same_for_what_is_inherited():
    text = "defaults: {alerts: [{at: 1}, {at: 2}]}\nplans: [{}, {alerts: [{at: 3}]}]\n"

    def read(document):
        for plan in document.sections("plans", document.section("defaults")):
            for alert in plan.sections("alerts"):
                alert.required("at", values.positive, 1)

    assert {one.path for one in asked(text, read)} == {
        "defaults",
        "plans",
        "plans[].alerts",
        "plans[].alerts[].at",
    }


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        (values.flag, "true or false"),
        (values.one_of(Extras), "one of: `window_end`, `period_end`, `never`"),
        (values.word_or("plan", values.whole), "`plan`, or a whole number from 0 to 999,999,999"),
    ],
)
def test_a_parser_says_what_it_takes(parse, said):
    assert values.said(parse) == said


@pytest.mark.parametrize("value", ["pause", "null"])
def test_a_retired_key_is_refused_with_what_replaces_it(value):
    text = RICH.read_text().replace("    grace_days: 7\n", f"    renewal_failure: {value}\n")

    with pytest.raises(InvalidCatalog) as refused:
        read_catalog(text)

    (fault,) = refused.value.faults
    assert "renewal_failure: is two keys now: `while_unpaid: pause | serve_purchased`" in fault

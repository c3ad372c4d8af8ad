"""A faulty price list is refused with every fault and its line."""

import pytest

from catalogs.reader import load_catalogs
from domain.errors import InvalidCatalog
from tests.catalogs.sound import SOUND, faults_of, with_change

# What is changed in the sound list, and the line and words of the only fault it must give.
REFUSED = [
    ("name: sample", "name: Sample Inc", 1, "is not an id"),
    ("name: sample", "name: [sample]", 1, "must be one value"),
    ("version: 1", "version: 0", 2, "greater than zero"),
    ("version: 1", "version: 1.5", 2, "whole number"),
    ("brand: Sample", 'brand: ""', 3, "printable name"),
    ("currency: USD", "currency: USX", 4, "is not known"),
    ("currency: USD", "currency: VND", 4, "is not known"),
    ("time_zone: Europe/Berlin", "time_zone: Berlin", 5, "not an IANA time zone"),
    ("time_zone: Europe/Berlin\n", "", 1, "time_zone: is missing"),
    ("decimals: 2", "decimals: 7", 7, "at most 6 decimals"),
    ("name: Quota}", "name: Quota, colour: red}", 8, "unknown key 'colour'"),
    ("name: Quota}", "name: Quota, name: Q}", 8, "given twice"),
    ("once_per: caller", "once_per: The Caller", 12, "is not an id"),
    ("with: quota", "with: gold", 14, "not among the credit_types"),
    ("with: quota, cost: 1", "with: credits, cost: 1", 14, "names a credit type twice"),
    ("cost: 1}", "cost: 0}", 14, "greater than zero"),
    ("cost: 1}", "cost: .nan}", 14, "is not credits"),
    ("cost: 1}", "cost: 0.0000001}", 14, "is not credits"),
    ("cost: 1}", "cost: 1e3}", 14, "is not credits"),
    ("per: 60", "per: -60", 14, "greater than zero"),
    ("rounding: started_unit", "rounding: up", 14, "must be one of: exact, started_unit"),
    ("ask: every_time", "ask: maybe", 14, "must be one of: never, per_action, every_time"),
    ("from: 2027-02-01T00:00:00Z", "from: 2027-02-01", 15, "has no offset"),
    ("from: 2027-02-01T00:00:00Z", "from: soon", 15, "is not an instant"),
    ("from: 2027-02-01T00:00:00Z, pay", "pay", 14, "must begin later"),
    (", pay: []}", "}", 15, "pay: is missing"),
    ("quantity: 20", "quantity: -20", 17, "greater than zero"),
    ("type: credits, quantity: 20", "type: gold, quantity: 20", 17, "not among the credit_types"),
    ("expires: period_end", "expires: someday", 17, "must be one of"),
    ('price: "25.00"', 'price: "0.49"', 19, "below the processor's minimum charge"),
    ('price: "25.00"', 'price: "1000000.00"', 19, "above the processor's maximum charge"),
    ('price: "9.00"', 'price: "1000000.00"', 34, "above the processor's maximum charge"),
    ('unit: 1000, unit_price: "0.0009"', 'unit: 1000, unit_price: "1001"', 39, "above the proc"),
    ("unit_price: plan", 'unit_price: "80"', 40, "above the processor's maximum charge"),
    ('price: "25.00"', 'price: "0.00"', 19, "a pack needs a price"),
    ('price: "25.00"', 'price: "25.001"', 19, "more than 2 decimals"),
    ('price: "25.00"', 'price: "-25"', 19, "plain decimal"),
    ('price: "25.00"', 'price: {value: "25.00"}', 19, "assumed: true"),
    ("scope: [call]", "scope: [fly]", 19, "not among the actions"),
    ("type: credits, quantity: 500", "type: quota, quantity: 500, x: 1", 19, "unknown key 'x'"),
    ("scope: [call]", "scope: []", 19, "names no action"),
    ("interval: month", "interval: fortnight", 21, "is not an interval"),
    ("interval: month", "interval: 0 months", 21, "at least one unit"),
    ("extras_expire: window_end", "extras_expire: soon", 22, "must be one of"),
    ("resume_on: payment_method_update", "resume_on: hope", 23, "must be one of"),
    ("renewal_dunning: [1, 3]", "renewal_dunning: [3, 1]", 24, "must rise"),
    ("renewal_dunning: [1, 3]", "renewal_dunning: [0]", 24, "greater than zero"),
    ("renewal_dunning: [1, 3]", "renewal_dunning: 1", 24, "must be a list"),
    ("renewal_dunning: [1, 3]", "renewal_dunning: [[1]]", 24, "must be one value"),
    ("id: core", "id: free", 31, "used twice"),
    ('price: "9.00"', 'price: "0.10"', 34, "below the processor's minimum charge"),
    ('price: "9.00"', "price: 9.005", 34, "more than 2 decimals"),
    ('price: "9.00"', "price: 9,00", 34, "plain decimal"),
    ("window: month", "window: 5 months", 36, "must divide the interval"),
    ("window: month", "window: week", 36, "must divide the interval"),
    ("quantity: 10000}", "quantity: 10000, share: 0}", 37, "greater than zero"),
    ("packs: [small]", "packs: [large]", 38, "not among the packs"),
    ("    allowances: []", "    allowances: []\n    packs: [small]", 31, "are frozen"),
    ("manual: {type: credits", "manual: {type: gold", 39, "not among the credit_types"),
    (
        "manual: {type: credits, unit: 1000",
        "manual: {type: credits, unit: 100",
        39,
        "below the processor",
    ),
    ('unit_price: "0.0009"', 'unit_price: "free"', 39, "plain decimal"),
    (
        "auto: {type: credits, unit: 10000",
        "auto: {type: credits, unit: 100",
        40,
        "below the processor",
    ),
    ("surcharge_percent: 30", "surcharge_percent: -30", 40, "plain decimal"),
    ("cap: window_allowance", "cap: plenty", 40, "is not credits"),
    ("dunning: []", "dunning: [2, 2]", 40, "must rise"),
    ("dunning: []}", "}", 40, "dunning: is missing"),
    ("reopen_days: 3", "reopen_days: 0", 41, "needs reopen_days"),
    ("late_usage: reopen", "late_usage: refuse", 41, "needs reopen_days"),
    ("priorities: {pack: 25}", "priorities: {pack: 2000}", 43, "at most 1000"),
    ("priorities: {pack: 25}", "priorities: {gift: 25}", 43, "unknown key 'gift'"),
    ("priorities: {pack: 25}", "priorities: 25", 43, "must be a mapping"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), REFUSED)
def test_a_faulty_line_is_refused_with_its_line_and_reason(old, new, line, words):
    (fault,) = faults_of(with_change(old, new))

    assert fault.startswith(f"list.yaml:{line}: ")
    assert words in fault


# The same, where one mistake makes others.
REFUSED_AMONG_OTHERS = [
    ("id: quota", "id: credits", 8, "used twice"),
    ("  resume_on: payment_method_update\n", "", 25, "resume_on: is missing"),
    ("[{type: credits, quantity: 10000}]", "[credits]", 37, "must be a mapping"),
    ("[{type: credits, quantity: 10000}]", "{type: credits}", 37, "must be a list"),
    ("quantity: 10000}", "quantity: 10000}, {type: credits, quantity: 1}", 37, "used twice"),
    (
        "- id: call",
        "- {id: idle, name: I, rates: []}\n  - id: call",
        10,
        "at least one is needed",
    ),
    ("- id: call", "- {id: idle, name: Idle}\n  - id: call", 10, "at least one is needed"),
]


@pytest.mark.parametrize(("old", "new", "line", "words"), REFUSED_AMONG_OTHERS)
def test_a_mistake_is_named_among_those_it_causes(old, new, line, words):
    faults = faults_of(with_change(old, new))

    assert any(fault.startswith(f"list.yaml:{line}: ") and words in fault for fault in faults)


def test_all_faults_of_a_list_come_at_once_in_the_order_of_their_lines():
    text = SOUND.replace("USD", "USX").replace("quantity: 20,", "quantity: x,")
    text = text.replace("dunning: []", "dunning: [2, 1]").replace("id: core", "id: Core")

    faults = faults_of(text)

    assert [int(fault.split(":")[1]) for fault in faults] == [4, 17, 31, 40]


def test_a_fault_in_the_defaults_is_told_once_however_many_plans_inherit_it():
    assert len(faults_of(with_change("interval: month", "interval: moon"))) == 1


def test_an_unknown_default_is_refused():
    (fault,) = faults_of(with_change("  interval: month\n", "  interval: month\n  toll: 1\n"))

    assert "unknown key 'toll'" in fault


@pytest.mark.parametrize("part", ["credit_types", "actions", "plans"])
def test_a_list_without_an_essential_part_is_refused(part):
    lines = SOUND.splitlines(keepends=True)
    start = lines.index(f"{part}:\n")
    end = next((i for i in range(start + 1, len(lines)) if lines[i][0] != " "), len(lines))

    faults = faults_of("".join(lines[:start] + lines[end:]))

    assert any(fault.endswith(f"{part}: at least one is needed") for fault in faults)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping"),
        ("- 1", "must be a mapping"),
        ("name: [", "is not YAML"),
        ("name: a\n  b: c", "is not YAML"),
        ("name: \x00", "is not YAML"),
        ("a: 1\n---\nb: 2", "is not YAML"),
        ("[" * 5_000, "nests too deep"),
    ],
)
def test_text_that_is_no_document_is_refused(text, words):
    (fault,) = faults_of(text)

    assert words in fault
    assert fault.startswith("list.yaml:")


def test_all_faults_of_a_folder_come_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "d.yaml").write_text(SOUND.replace("USD", "USX"), encoding="utf-8")

    with pytest.raises(InvalidCatalog) as refusal:
        load_catalogs(tmp_path)

    assert [fault.split(":")[0] for fault in refusal.value.faults] == ["b.yaml", "c.yaml", "d.yaml"]
    assert "also named 'sample'" in refusal.value.faults[0]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InvalidCatalog, match="holds no price list"):
        load_catalogs(tmp_path)

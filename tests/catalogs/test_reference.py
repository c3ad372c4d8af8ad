"""docs/catalog.md has every key of a price list that the reader asks for, and no other."""

import ast
from pathlib import Path

import pytest
import yaml

import cli
from catalogs import values
from catalogs.document.faults import Form
from catalogs.keys import KEYS
from catalogs.reader import keys_asked, read_catalog
from catalogs.reference import EXAMPLE, examples, left_out, merged, reference, spelled
from domain.errors import InvalidCatalog

ROOT = Path(__file__).parents[2]
LISTS = [
    EXAMPLE,
    *sorted(ROOT.glob("catalogs/*.yaml")),
    *sorted(Path(__file__).parent.glob("*.yaml")),
]
TEXT = EXAMPLE.read_text()
ASKED = merged(keys_asked(TEXT))
READ = {path: one for path, one in ASKED.items() if one.form is not Form.RETIRED}
READERS = [one for one in (ROOT / "catalogs").glob("*.py") if one.stem not in ("keys", "reference")]
# How the modules of the reader name a key to a section.
ASKS = {"required", "optional", "listed", "section", "sections", "has", "retired", "credit_type"}


def test_the_page_is_what_the_reader_says():
    assert (ROOT / "docs/catalog.md").read_text() == reference(), (
        "run `python cli.py catalog reference > docs/catalog.md`"
    )


def test_the_command_prints_the_page(capsys):
    assert cli.main(["catalog", "reference"]) == 0
    assert capsys.readouterr().out == reference()


@pytest.mark.parametrize("source", LISTS, ids=lambda path: path.stem)
def test_what_the_reader_asks_for_has_a_meaning(source):
    asked = {one.path for one in keys_asked(source) if one.form is not Form.RETIRED}

    assert asked - KEYS.keys() == set()


def test_what_has_a_meaning_is_asked_for():
    assert list(KEYS.keys() - READ.keys()) == []


def test_the_words_of_the_code_are_the_keys():
    """A key that no list leads the reader to would be documented only in the code."""
    named = {
        word.value
        for call in ast.walk(ast.Module([ast.parse(one.read_text()) for one in READERS], []))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ASKS
        for word in call.args[:2]
        if isinstance(word, ast.Constant) and str(word.value).isidentifier()
    }

    assert len(named) > 50
    assert named - {path.rpartition(".")[2] for path in ASKED} == set()


def test_every_key_has_an_example_that_the_reader_takes():
    assert read_catalog(TEXT).name == "harbour"
    written = {path for path in examples(TEXT) if not path.startswith("defaults.")}
    assert written == READ.keys()


def without(path):
    """Return the list that has every key, but for one."""
    node = yaml.compose(TEXT, Loader=yaml.SafeLoader)

    def strip(inner, at):
        if isinstance(inner, yaml.SequenceNode):
            for item in inner.value:
                strip(item, f"{at}[]")
        elif isinstance(inner, yaml.MappingNode):
            places = [(f"{at}.{key.value}" if at else key.value) for key, _ in inner.value]
            inner.value = [
                pair for pair, one in zip(inner.value, places, strict=True) if one != path
            ]
            for key, value in inner.value:
                inside = f"{at}.{key.value}" if at else key.value
                strip(value, "plans[]" if inside == "defaults" else inside)

    strip(node, "")
    return yaml.serialize(node)


@pytest.mark.parametrize("path", READ)
def test_a_key_is_required_if_a_list_without_it_is_refused_for_that(path):
    key = path.rpartition(".")[2]
    try:
        read_catalog(without(path))
        faults = ()
    except InvalidCatalog as error:
        faults = error.faults
    missing = [one for one in faults if f"{key}: is missing" in one or f"{key}: at least" in one]

    assert bool(missing) == ASKED[path].is_required, faults


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(READ.keys() & KEYS.keys()) if left_out(READ[path]).startswith("`")],
)
def test_a_default_reads_as_itself(path):
    one = READ[path]

    assert one.parse(spelled(one)) == one.default


def test_what_may_be_left_out_says_what_holds_then():
    assert [path for path in READ if left_out(READ[path]) in ("`None`", "`()`", "``")] == []
    assert [path for path in READ if READ[path].is_required and KEYS[path].without] == []


def test_every_parser_says_what_it_takes():
    assert [path for path, one in READ.items() if one.parse and not values.said(one.parse)] == []
    assert [path for path, one in READ.items() if one.parse is str] == []


def test_a_retired_key_is_told_with_its_cure():
    retired = [one for one in ASKED.values() if one.form is Form.RETIRED]

    assert [one.path for one in retired] == ["plans[].renewal_failure"]
    assert all(f"- `{one.path}` {one.cure}" in reference() for one in retired)

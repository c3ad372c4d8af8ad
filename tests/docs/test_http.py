"""The reference of the HTTP interface says what the OpenAPI document says, all of it."""

import json
import re
from functools import cache
from pathlib import Path

import pytest

from local.openapi.__main__ import DOCUMENT, pages
from local.openapi.reference import FOLDER, GUIDE

ROOT = Path(__file__).parents[2]
# Those that there are, by their paths; whether they are those that are made is a test of its own.
NAMES = [GUIDE, *sorted(str(one.relative_to(ROOT)) for one in (ROOT / FOLDER).glob("*.md"))]
TOLD = json.loads(DOCUMENT.read_bytes())
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, methods in TOLD["paths"].items()
    for method, operation in methods.items()
]
SECTION = re.compile(r"^## (\S+ \S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BODY = re.compile(r"^```http\n[^{\[`]*\n\n(.*?)\n```", re.MULTILINE | re.DOTALL)
SHOWN = re.compile(r"^```http\n(.*?)\n```", re.MULTILINE | re.DOTALL)


@cache
def made() -> dict[str, str]:
    """Make the pages once in a process, and in none that only looks for tests."""
    return pages(DOCUMENT.read_bytes())


@cache
def sections() -> dict[str, str]:
    return {title: text for page in made().values() for title, text in SECTION.findall(page)}


@pytest.mark.parametrize("path", NAMES)
def test_a_page_is_as_the_document_makes_it(path):
    assert (ROOT / path).read_text(encoding="utf-8") == made().get(path), "run `make openapi`"


def test_no_page_is_missing_and_none_is_left_of_a_theme_that_is_gone():
    assert {*NAMES} == {*made()}


@pytest.mark.parametrize(("title", "told"), OPERATIONS, ids=[title for title, _ in OPERATIONS])
def test_an_operation_is_told_whole(title, told):
    text = sections()[title]
    assert told["summary"] in text
    assert told.get("description", "No API key is needed.") in text
    assert all(f"`{one['name']}`" in text for one in told["parameters"] if "name" in one)
    shown = [*told.get("requestBody", {}).get("content", {}).values()]
    for status, answer in told["responses"].items():
        if int(status) < 400:
            assert f"**{status}** {answer['description']}" in text
            shown += answer["content"].values()
    for name, example in ((n, e) for one in shown for n, e in one.get("examples", {}).items()):
        assert name[1:] in text
        assert example["value"] in [json.loads(body) for body in BODY.findall(text)]


def test_an_act_is_shown_with_its_key_and_a_preview_without():
    for title, told in OPERATIONS:
        if any(one.get("name") == "Idempotency-Key" for one in told["parameters"]):
            shown = [one for one in SHOWN.findall(sections()[title]) if one.startswith(title[:4])]
            keyed = [bool(re.search("^Idempotency-Key: .", one, re.MULTILINE)) for one in shown]
            assert keyed == ['"preview": true' not in one for one in shown], title


@pytest.mark.parametrize(("title", "told"), OPERATIONS, ids=[title for title, _ in OPERATIONS])
def test_every_reason_is_on_its_page_or_common_and_has_its_cure(title, told):
    common = made()[GUIDE].split("## What every request may be told")[1].split("\n## ")[0]
    cures = made()[f"{FOLDER}/refusals.md"]
    for status, answer in told["responses"].items():
        for reason, cure in re.findall(r"^- `([^`]+)`: (.*)$", answer["description"], re.MULTILINE):
            assert f"`{reason}`" in sections()[title] + common
            assert f"| {status} | `{reason}` | {cure} |" in cures

"""The pages name only things that exist: files, links, make targets, commands, Temporal names."""

import re
from pathlib import Path

import pytest

from workflows import names

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "*/README.md", "*/*/README.md")
    for page in ROOT.glob(pattern)
    if ".venv" not in page.parts
)
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0].isalpha()}
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
QUOTED = re.compile(r"`([^`\n]+)`")
BLOCK = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"(?:[\w.-]+/)+[\w.*-]*|[\w-]+\.(?:py|md|toml|yml|ini|lock)")
TARGET = re.compile(r"\bmake ([a-z][a-z0-9-]*)")
COMMAND = re.compile(r"\bcli\.py ([a-z][a-z0-9-]*)")
ATTRIBUTE = re.compile(r"\bDrawdown[A-Z]\w+")
MADE_BY_RUNNING = {"demo-report.png", "cli.py"}


@pytest.fixture(params=PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def page(request):
    return request.param


def code(text):
    """Return a page's code, inline and in blocks."""
    return [
        *QUOTED.findall(text),
        *re.findall(r"^```.*?\n(.*?)^```", text, re.MULTILINE | re.DOTALL),
    ]


def test_every_link_leads_somewhere(page):
    local = [link for link in LINK.findall(page.read_text()) if "://" not in link]

    assert [link for link in local if not (page.parent / link).exists()] == []


def test_every_path_named_in_code_exists(page):
    quoted = [one for one in QUOTED.findall(page.read_text()) if PATH.fullmatch(one)]
    ours = [one for one in quoted if "/" not in one or one.split("/")[0] in FOLDERS]
    missing = [
        one
        for one in ours
        if one not in MADE_BY_RUNNING
        and not any(base.joinpath(one).exists() for base in (ROOT, page.parent))
        and not any(ROOT.glob(f"{one}" if "*" in one else f"*/{one}"))
    ]

    assert missing == []


def test_every_make_target_named_exists(page):
    makefile = (ROOT / "Makefile").read_text()
    known = set(re.findall(r"^([a-z][a-z0-9-]*):", makefile, re.MULTILINE))

    named = {target for part in code(page.read_text()) for target in TARGET.findall(part)}

    assert named - known == set()


def test_every_command_named_exists(page):
    modules = "".join(module.read_text() for module in (ROOT / "commands").rglob("*.py"))
    known = set(re.findall(r'\badd\("([a-z-]+)"', modules))

    named = {command for part in code(page.read_text()) for command in COMMAND.findall(part)}

    assert named - known == set()


def test_every_search_attribute_named_is_ours(page):
    named = set(ATTRIBUTE.findall(page.read_text()))

    assert named - {key.name for key in names.SEARCH_ATTRIBUTES} == set()


def test_decisions_are_short_and_numbered_without_gaps():
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))

    assert [int(one.name[:4]) for one in decisions] == [*range(1, len(decisions) + 1)]
    assert [one.name for one in decisions if len(one.read_text().splitlines()) > 40] == []


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150

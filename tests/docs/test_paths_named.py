"""Every path of the API that a page names is in the OpenAPI document."""

import json
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
NAMED = re.compile(r"`(GET|POST|PUT|DELETE) (?:/v1)?(/[^`\s?]+)[^`]*`")
SHORT = re.compile(r"`(GET|POST|PUT|DELETE) …(/[^`\s?]+)[^`]*`")  # of a customer
ELSEWHERE = {("GET", "/docs"), ("GET", "/openapi.json")}
# What stands for the same part of a path.
PART = re.compile(r"\{[^}]+\}")


def known() -> set[tuple[str, str]]:
    paths = json.loads((DOCS / "openapi.json").read_text())["paths"]
    found = {
        (method.upper(), PART.sub("{}", path.removeprefix("/v1")))
        for path, methods in paths.items()
        for method in methods
    }
    return found | ELSEWHERE


def named(text: str) -> set[tuple[str, str]]:
    whole = {(method, PART.sub("{}", path)) for method, path in NAMED.findall(text)}
    short = {
        (method, PART.sub("{}", f"/customers/{{}}{path}")) for method, path in SHORT.findall(text)
    }
    return whole | short


def test_every_path_that_newcomers_read_of_exists() -> None:
    pages = [DOCS / f"{name}.md" for name in ("coming_from", "quickstart", "http", "webhooks")]
    found = {page.name: named(page.read_text(encoding="utf-8")) for page in pages}

    assert sum(map(len, found.values())) > 30
    assert {page: some - known() for page, some in found.items() if some - known()} == {}

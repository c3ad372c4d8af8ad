"""The site of the documents: built strictly, and whole without a network."""

import json
import re
from pathlib import Path

import pytest

from local import site

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("site")]  # one site for all

# What a browser fetches by itself, from elsewhere.
FETCHED = re.compile(
    r"<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//"
    r"|@import\s|url\([\"']?(?:https?:)?//",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    assert site.build(folder) == []
    return folder


def test_no_page_fetches_anything_from_elsewhere(built: Path) -> None:
    files = [path for kind in ("html", "css") for path in built.rglob(f"*.{kind}")]

    assert len(files) > 90
    assert [path.name for path in files if FETCHED.search(path.read_text())] == []


def test_every_page_can_be_found(built: Path) -> None:
    index = json.loads((built / "search" / "search_index.json").read_text())
    found = {one["location"].partition("#")[0] for one in index["docs"]}

    assert {"index.html", "docs/quickstart.html", "domain/index.html"} <= found
    assert len(found) > len(site.pages())


def test_a_dead_link_a_dead_anchor_and_a_forgotten_page_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs" / "decisions").mkdir(parents=True)
    (tmp_path / "mkdocs.yml").write_text((site.ROOT / "mkdocs.yml").read_text())
    (tmp_path / "README.md").write_text("# A\n\n[b](docs/b.md) [c](docs/c.md#gone)\n")
    (tmp_path / "docs" / "c.md").write_text("# C\n")
    monkeypatch.setattr(site, "ROOT", tmp_path)

    told = "\n".join(site.build(tmp_path / "site"))

    assert "'docs/b.md'" in told
    assert "'#gone'" in told
    assert "docs/c.md" in told.partition("not included in the")[2]

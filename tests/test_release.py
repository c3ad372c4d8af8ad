"""One version and one licence, wherever they are written."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_newest_entry_of_the_changelog_is_the_version():
    headings = re.findall(
        r"^## \[(.+?)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert headings[0][0] == PROJECT["version"]
    dates = [date for _, date in headings if date != "unreleased"]
    assert dates == sorted(dates, reverse=True)


def test_the_image_is_named_by_the_version():
    source = (ROOT / "docker-compose.yml").read_text()
    assert re.findall(r"\$\{DRAWDOWN_VERSION:-(.+?)\}", source) == [PROJECT["version"]]


def test_the_licence_is_the_one_that_the_project_names():
    assert PROJECT["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    assert "END OF TERMS AND CONDITIONS" in text
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])

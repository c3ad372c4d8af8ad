"""The documents as a site, built without a network."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGES = ("*.md", "docs/**/*.md", "*/README.md", "*/*/README.md", "local/demo/*.md")
FILES = (
    "LICENSE",
    "docs/openapi.json",
    "docs/pictures/*.png",
    "catalogs/*.yaml",
    "examples/*/app.py",
)  # what pages link to
DECISIONS = "docs/decisions"
FOLDER = re.compile(r"\]\(([^):#]+)\)")
FAULT = re.compile(r"(WARNING|ERROR)\b")


def build(target: Path) -> list[str]:
    """Build the site into a folder; return what is wrong with it: dead links, forgotten pages."""
    with tempfile.TemporaryDirectory(prefix="drawdown-site-") as stage:
        configuration = _stage(Path(stage))
        words = ["build", "--config-file", str(configuration), "--site-dir", str(target.resolve())]
        built = subprocess.run(
            [sys.executable, "-m", "mkdocs", *words],
            env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    faults = [line for line in built.stderr.splitlines() if FAULT.match(line)]
    return faults or ([built.stderr] if built.returncode else [])


def pages() -> list[Path]:
    """Return every page by its path in the repository."""
    found = {path.relative_to(ROOT) for pattern in PAGES for path in ROOT.glob(pattern)}
    return sorted(path for path in found if not str(path).startswith("."))


def configuration() -> dict[str, Any]:
    """Return the configuration of mkdocs, with every decision in its place."""
    made: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    made["nav"][-1]["Decisions"] += [str(path.relative_to(ROOT)) for path in _decisions()]
    return made


def _stage(stage: Path) -> Path:
    """Lay the pages out under the paths they link to each other by."""
    for page in pages():
        _write(stage / "pages" / page, _with_folders(page))
    for path in (found for pattern in FILES for found in ROOT.glob(pattern)):
        target = stage / "pages" / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    lines = [f"- [{_title(path)}]({path.name})\n" for path in _decisions()]
    _write(stage / "pages" / DECISIONS / "README.md", "# Decisions\n\n" + "".join(lines))
    _write(stage / "mkdocs.yml", yaml.safe_dump(configuration()))
    return stage / "mkdocs.yml"


def _with_folders(page: Path) -> str:
    """Return a page whose links to folders lead to their README."""
    folder = (ROOT / page).parent

    def to_page(link: re.Match[str]) -> str:
        is_folder = (folder / link[1]).is_dir()
        return f"]({link[1].rstrip('/')}/README.md)" if is_folder else link[0]

    return FOLDER.sub(to_page, (ROOT / page).read_text(encoding="utf-8"))


def _decisions() -> list[Path]:
    return sorted((ROOT / DECISIONS).glob("0*.md"))


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")

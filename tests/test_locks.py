"""The two locks: what an image installs, and what works on it."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)(?: ; (.+?))? \\\n((?:    --hash=.*\n)+)", re.MULTILINE)


def pins(lock: str) -> set[tuple[str, str]]:
    return {(name, pinned) for name, pinned, *_ in PIN.findall((ROOT / lock).read_text())}


def names(lock: str) -> set[str]:
    return {name for name, _ in pins(lock)}


def asked(requirements: list[str]) -> set[str]:
    found = [re.match(r"[A-Za-z0-9-]+", one) for one in requirements]
    return {one[0].lower() for one in found if one}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_with_hashes_and_names_no_index(lock):
    text = (ROOT / lock).read_text()
    left = PIN.sub("", text).splitlines()
    assert [line for line in left if not re.match(r" +# +\S|^$", line)] == []
    assert "://" not in text
    assert "--index" not in text


def test_the_engines_lock_has_what_the_engine_asks_for_and_nothing_of_the_toolbox():
    extras = PROJECT["optional-dependencies"]
    locked = names("requirements.lock")
    assert asked(PROJECT["dependencies"]) <= locked
    assert not (asked(extras["local"]) | asked(extras["dev"])) & locked


def test_the_other_lock_has_all_and_the_same_versions():
    extras = PROJECT["optional-dependencies"]
    assert asked(extras["local"]) | asked(extras["dev"]) <= names("requirements-dev.lock")
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_setup_installs_the_lock_that_its_stamp_follows():
    source = (ROOT / "Makefile").read_text()
    assert re.search(r"^\$\(STAMP\): requirements-dev\.lock$", source, re.MULTILINE)
    assert "--require-hashes -r requirements-dev.lock" in source


def test_the_image_installs_the_engines_lock():
    source = (ROOT / "deploy/Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in source
    assert "requirements-dev" not in source

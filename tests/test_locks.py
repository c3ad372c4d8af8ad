"""The locks: what an image installs, the same with traces, and what works on it."""

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ("requirements.lock", "requirements-otel.lock", "requirements-dev.lock")
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


def test_the_lock_with_traces_is_the_engines_and_what_the_extra_comes_to():
    locked, more = pins("requirements.lock"), pins("requirements-otel.lock")
    wanted = [Requirement(one) for one in PROJECT["optional-dependencies"]["otel"]]
    versions = dict(more)
    assert locked < more <= pins("requirements-dev.lock")
    assert all(versions[one.name] in one.specifier for one in wanted)
    # Each line beyond the engine's is needed, and all that is needed is there.
    needed = closure({one.name for one in wanted})
    assert needed <= set(versions)
    assert {name for name, _ in more - locked} <= needed


def closure(names_: set[str]) -> set[str]:
    """Return packages with all they need, as their installed versions say."""
    waiting, seen = list(names_), set(names_)
    while waiting:
        for one in map(Requirement, metadata.requires(waiting.pop()) or ()):
            name = canonicalize_name(one.name)
            if name not in seen and (one.marker is None or one.marker.evaluate({"extra": ""})):
                seen.add(name)
                waiting.append(name)
    return seen


def test_setup_installs_the_lock_that_its_stamp_follows():
    source = (ROOT / "Makefile").read_text()
    assert re.search(r"^\$\(STAMP\): requirements-dev\.lock$", source, re.MULTILINE)
    assert "--require-hashes -r requirements-dev.lock" in source


def test_the_image_installs_the_engines_lock():
    source = (ROOT / "deploy/Dockerfile").read_text()
    assert "ARG LOCK=requirements.lock\n" in source
    assert "--require-hashes -r ${LOCK}" in source
    assert "requirements-dev" not in source

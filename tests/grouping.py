"""Tests of a module with a group run in one process, where what they share is made once.

pytest-xdist 3.8 writes a test's group into its id, which pytest 9.2 no longer reads from there:
`--dist loadgroup` alone hands each test out by itself. Who hands them out sees ids only, so it
looks for the mark in the module.
"""

import re
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadGroupScheduling

ROOT = Path(__file__).parents[1]
MARK = re.compile(r'\bxdist_group\("(\w+)"\)')


class Grouped(LoadGroupScheduling):
    """Hands out a group at once, and what has none one by one."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0]) or nodeid


@cache
def group_of(module: str) -> str:
    """Return the group that a module names, or ""."""
    path = ROOT / module
    found = MARK.search(path.read_text()) if path.is_file() else None
    return found[1] if found else ""


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Grouped | None:
    """Take the place of what `--dist loadgroup` chooses."""
    return Grouped(config, log) if config.getvalue("dist") == "loadgroup" else None

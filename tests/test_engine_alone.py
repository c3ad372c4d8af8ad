"""The engine without its toolbox, as in the image, with fewer packages."""

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import pytest

from commands import toolbox
from commands.local import simulator, stack
from settings import NAMES

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
MAKE = "catalogs/make.yaml"
# As if it were not installed: to Python, a module that is None cannot be found.
ALONE = f"import sys; sys.modules.update(dict.fromkeys({toolbox.PARTS!r}));"
CLI = f"{ALONE} import cli; sys.exit(cli.main(sys.argv[1:]))"


def alone(source: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {name: text for name, text in os.environ.items() if name not in NAMES}
    return subprocess.run(
        [sys.executable, "-c", source, *words],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("module", ["worker", "api.main", "cli"])
def test_each_entry_is_imported(module):
    ended = alone(f"{ALONE} import {module}")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_operators_and_finance_have_their_commands():
    shown = alone(CLI, "--help")
    assert shown.returncode == 0, shown.stderr
    for name in ("subscribe", "history", "report", "rebuild", "migrate", "bootstrap", "catalog"):
        assert f"\n    {name} " in shown.stdout
    checked = alone(CLI, "catalog", "check", MAKE)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.startswith("make.yaml is a valid price list")


@pytest.mark.parametrize(
    "words",
    [
        ["demo"],
        ["demo", "--help"],
        ["compare", "make:core_10k", "make:core_40k", "--usage", "spiky"],
        ["simulate", "--plan", "core_10k", "make"],
    ],
    ids=" ".join,
)
def test_a_command_of_the_toolbox_says_in_one_line_what_to_install(words):
    ended = alone(CLI, *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"toolbox_missing: `{words[0]}` ")
    assert "pip install 'drawdown[local]'" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_without_a_stack_to_look_for_commands_name_the_missing_settings():
    ended = alone(CLI, "history", "acme")
    assert ended.returncode == 2
    assert "DATABASE_URL is missing" in ended.stderr


def test_the_commands_said_to_be_of_the_toolbox_are_those_it_has():
    named: list[str] = []

    def add(name: str, run: object) -> object:
        named.append(name)
        return ArgumentParser()

    for theme in (stack, simulator):
        theme.add_commands(add)
    assert sorted(named) == sorted(toolbox.COMMANDS)

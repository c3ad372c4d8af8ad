"""The running stack taken up by another shell: `eval "$(.venv/bin/python cli.py env)"`."""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

import cli
from local import exports, state
from local.patience import QUIET_SECONDS
from local.processes import free_port, wait_until
from settings import Settings
from tests.contract.terminal import Ran, Terminal
from tests.contract.test_examples import PAGE, PAGES, answered_as_it_says, examples, settled

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("exports")]  # one stack for all

ROOT = Path(__file__).parents[2]
STRANGE = 'it\'s "$HOME" `id` \\ ! a  b\n*'
# What a program says of itself after it took the lines up.
LINE = re.compile(r'^eval "\$\(.+ env\)"$', re.MULTILINE)
TOLD = "import json, os; print(json.dumps(dict(os.environ)))"
WHERE = state.State(
    temporal="127.0.0.1:1",
    temporal_ui="http://127.0.0.1:2",
    database="postgresql://drawdown_app@127.0.0.1:3/drawdown",
    database_owner="postgresql://drawdown_owner@127.0.0.1:3/drawdown",
    stripe="http://127.0.0.1:4",
    stripe_key="sk_test_local",
    stripe_webhook_secret="whsec_local",
    link_secret="the links of this folder are signed with this",
    api_key="dd_abcdefghijkl_" + "x" * 43,
    mail="http://127.0.0.1:5",
    smtp="smtp://127.0.0.1:6",
    api="http://127.0.0.1:7",
    metrics="127.0.0.1:8",
    pids={"worker": os.getpid()},
)


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in bash, in an almost empty environment."""
    usual = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=ROOT,
        env=usual | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def after(lines: str, **environment: str) -> dict[str, str]:
    """Return the environment of a program started after a shell took the lines up."""
    ran = shell(
        f'eval "$LINES_OF_IT"; {shlex.quote(sys.executable)} -c {shlex.quote(TOLD)}',
        LINES_OF_IT=lines,
        **environment,
    )
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def test_a_shell_has_every_value_as_it_was_written():
    where = replace(WHERE, stripe_key=STRANGE, database=STRANGE)

    told = after(exports.lines(where, {}, program="/a b/it's $1/temporal"))

    assert told["STRIPE_API_KEY"] == told["DATABASE_URL"] == STRANGE
    assert told["TEMPORAL_ADDRESS"] == where.temporal
    assert told["TEMPORAL_NAMESPACE"] == "default"
    assert told["TEMPORAL_TASK_QUEUE"] == "billing"
    assert told["DRAWDOWN_URL"] == where.api
    assert told["DRAWDOWN_API_KEY"] == where.api_key
    assert told["PATH"] == "/a b/it's $1:/usr/bin:/bin"


def test_a_second_process_may_run_on_what_a_shell_took_up():
    told = after(exports.lines(WHERE, {}), METRICS_ADDRESS="127.0.0.1:9090")

    settings = Settings.from_environment(told)

    assert settings.metrics_address is None  # the worker of the stack listens there
    assert settings.temporal_address == WHERE.temporal


def test_what_a_folder_made_for_itself_is_left_out_where_it_was_shown_before():
    shown = exports.lines(WHERE, {}, with_secrets=False)

    assert WHERE.api_key not in shown
    assert WHERE.link_secret not in shown


def test_what_speaks_of_another_deployment_is_taken_away():
    other = {"TEMPORAL_API_KEY": "cloud", "PAYLOAD_KEYS": "k", "SMTP_URL": "smtp://other:25"}

    told = after(exports.lines(WHERE, other), **other)

    assert "TEMPORAL_API_KEY" not in told
    assert "PAYLOAD_KEYS" not in told
    assert told["SMTP_URL"] == WHERE.smtp


@pytest.fixture
def asked(tmp_path, monkeypatch, capsys):
    """Ask for the lines of a folder that a state is written to; None writes none."""

    def ask(where: state.State | None) -> tuple[int, str, str]:
        if where is not None:
            state.write(tmp_path, where)
        monkeypatch.setenv(state.HOME, str(tmp_path))
        code = cli.main(["env"])
        said = capsys.readouterr()
        return code, said.out, said.err

    return ask


def ended() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    "where",
    [
        None,
        replace(WHERE, pids={"worker": ended()}),
        replace(WHERE, temporal=f"127.0.0.1:{free_port()}"),  # alive, but nobody answers
    ],
    ids=["none", "dead", "silent"],
)
def test_without_a_running_stack_nothing_is_there_to_take_up(asked, where):
    code, out, err = asked(where)

    assert code != 0
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "make up" in err


def test_a_state_that_cannot_be_read_is_no_running_stack(asked, tmp_path):
    (tmp_path / state.FILE).write_text('{"temporal": "127.0.0.1:1"}')

    code, out, err = asked(None)

    assert (code, out) == (2, "")
    assert "make up" in err


@dataclass(frozen=True)
class Shell(Terminal):
    """A shell of somebody who has pasted the line that `make up` prints."""

    environment: dict[str, str]

    async def run(self, arguments: Sequence[str]) -> Ran:
        return await self.pasted(shlex.join(["temporal", *arguments]))

    async def line(self, line: str) -> Ran:
        return await self.pasted(f"{line} --output json")

    async def pasted(self, text: str) -> Ran:
        ran = await asyncio.to_thread(shell, text, **self.environment)
        return Ran(ran.returncode, ran.stdout, ran.stderr)


@dataclass(frozen=True)
class Up:
    """A running `make up`: its folder and what it printed."""

    home: Path
    printed: str

    @property
    def line(self) -> str:
        """The line to paste into another shell."""
        return LINE.search(self.printed)[0]


@pytest.fixture(scope="module")
def up(servers_folder: Path) -> Iterator[Up]:
    """The command that people type, in a folder with a space in its name."""
    home, log = servers_folder / "my stack", servers_folder / "up.log"
    environment = dict(os.environ) | {state.HOME: str(home)}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "cli.py", "up"], cwd=ROOT, env=environment, stdout=output
        )

    def told() -> bool:
        return LINE.search(log.read_text()) is not None

    with process:
        try:
            wait_until(told, QUIET_SECONDS, "the stack", process=process, log=log)
            yield Up(home, log.read_text())
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def pasting(up: Up) -> Shell:
    told = after(up.line)
    return Shell(told["TEMPORAL_ADDRESS"], told["TEMPORAL_NAMESPACE"], told)


def test_what_up_prints_is_what_the_line_takes_up(up: Up):
    exported = [one for one in up.printed.splitlines() if one.startswith("export ")]

    taken, printed = after(up.line), after("\n".join(exported))

    assert printed["DATABASE_URL"] == taken["DATABASE_URL"] == state.read(up.home).database
    assert {name for name in taken if taken[name] != printed.get(name)} <= {"LINES_OF_IT"}


def test_the_key_that_the_line_takes_up_opens_the_door(up: Up):
    told = after(up.line)

    def asked(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{told['DRAWDOWN_URL']}/v1/check"
        return httpx.post(url, json={}, headers=headers, timeout=None).status_code

    assert asked(told["DRAWDOWN_API_KEY"]) == 422  # the message is read, and says too little
    assert asked(told["DRAWDOWN_API_KEY"][:-1]) == 401


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_the_contracts_examples_can_be_pasted_while_it_runs(pasting: Shell, page: Path):
    await answered_as_it_says(pasting, page)


async def test_the_contracts_python_can_be_pasted_while_it_runs(pasting: Shell):
    start, *_ = (line for line, _ in examples(PAGE))
    begun = await pasting.line(start.replace("acme", "snake"))
    await settled(pasting, "--workflow-id subscription:snake")
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    snippet = snippet.replace("acme", "snake")

    ran = await pasting.pasted(f"python -m asyncio <<'END'\n{snippet}\nprint(answer)\nEND")

    assert begun.code == 0, begun.errors
    assert "'status': 'debited'" in ran.output, ran.errors

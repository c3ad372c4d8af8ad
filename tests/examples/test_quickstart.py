"""The quickstart is what it says: its commands, in its order, with its answers, on a real stack."""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from local import state
from local.patience import QUIET_SECONDS
from local.processes import free_port, listens, stop, wait_until

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("quickstart")]  # one stack for all

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
APP = (ROOT / "examples" / "summaries" / "app.py").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```sh\n(.*?)```(?:\n```json\n(.*?)```)?", re.DOTALL)
EXCERPT = re.compile(r"```python\n(.*?)```", re.DOTALL)
UP, PRODUCT, PORT = "make up\n", "PYTHONPATH=", "8600"
END = "-- that was all --"


@dataclass
class Terminal:
    """A shell of somebody who pastes what the page shows."""

    process: subprocess.Popen[str]

    def paste(self, text: str) -> str:
        """Return what was printed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{text}\necho {shlex.quote(END)}\n")
        self.process.stdin.flush()
        lines = iter(self.process.stdout.readline, "")
        printed = []
        while (line := next(lines)) != f"{END}\n":
            printed.append(line)
        return "".join(printed)


@dataclass(frozen=True)
class Walk:
    """The stack and the product as the page started them."""

    home: Path
    product: str
    terminal: Terminal
    examples: list[tuple[str, str]]


def documents(text: str) -> list[Any]:
    """Return every JSON document of a text, in order."""
    decoder, found = json.JSONDecoder(), []
    while text := text.strip():
        one, end = decoder.raw_decode(text)
        found.append(one)
        text = text[end:]
    return found


def in_any_order(value: Any) -> Any:
    """Return an answer whose lists are sorted: webhooks come in any order."""
    match value:
        case dict():
            return {name: in_any_order(inner) for name, inner in value.items()}
        case list():
            return sorted(map(in_any_order, value), key=str)
    return value


@contextmanager
def shell(**more: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        ["bash"], cwd=ROOT, stdin=subprocess.PIPE, text=True, start_new_session=True, **more
    )
    with process:
        try:
            yield process
        finally:
            process.stdin.close()
            stop(process)


@pytest.fixture(scope="module")
def home(servers_folder: Path) -> Iterator[Path]:
    """A folder in which `make up` has started the stack."""
    home, log = servers_folder / "quickstart", servers_folder / "quickstart.log"
    environment = os.environ | {state.HOME: str(home)}
    with log.open("wb") as output:
        up = subprocess.Popen(
            [sys.executable, "cli.py", "up"], cwd=ROOT, env=environment, stdout=output
        )
    with up:
        try:
            wait_until((home / state.FILE).exists, QUIET_SECONDS, "the stack", process=up, log=log)
            yield home
        finally:
            up.send_signal(signal.SIGTERM)


@pytest.fixture(scope="module")
def walk(home: Path, servers_folder: Path) -> Iterator[Walk]:
    """What the page says, as far as the product's start."""
    port, log = free_port(), servers_folder / "product.log"
    text = PAGE.replace(PORT, str(port)).replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    (up, _), (keys, _), (product, _), *rest = EXAMPLE.findall(text)
    assert up == UP
    assert product.startswith(PRODUCT)
    environment = state.clean_environment(dict(os.environ)) | {state.HOME: str(home)}
    with log.open("w") as output, shell(env=environment, stdout=output, stderr=output) as second:
        second.stdin.write(f"{keys}\nexec env {product}")  # the signal that ends it reaches it
        second.stdin.flush()
        wait_until(lambda: listens(port), QUIET_SECONDS, "the product", process=second, log=log)
        with shell(env=environment, stdout=subprocess.PIPE) as third:
            yield Walk(home, f"http://127.0.0.1:{port}", Terminal(third), rest)


def test_every_command_answers_as_the_page_says(walk: Walk) -> None:
    for commands, shown in walk.examples:
        printed = walk.terminal.paste(commands)
        if not shown:
            continue
        wanted, seen = in_any_order(documents(shown)), [in_any_order(documents(printed))]
        # What webhooks told may come a moment later.
        if '"heard"' in shown:
            wait_until(partial(heard, walk, commands, wanted, seen), QUIET_SECONDS, "the webhooks")

        assert seen[-1] == wanted, commands
    as_the_page_says_of_mails_and_ledger(walk)


def heard(walk: Walk, commands: str, wanted: Any, seen: list[Any]) -> bool:
    seen.append(in_any_order(documents(walk.terminal.paste(commands))))
    return bool(seen[-1] == wanted)


def as_the_page_says_of_mails_and_ledger(walk: Walk) -> None:
    mails = httpx.get(f"{state.read(walk.home).mail}/api/mails?to=ada@example.com", timeout=None)
    history = walk.terminal.paste(next(text for text, _ in walk.examples if "history" in text))

    assert [mail["subject"].split()[0] for mail in mails.json()] == [
        "Receipt:",
        "Your",  # plan is now Growth
        "We",  # couldn't charge your card
        "Welcome",
    ]
    assert "120.015" in history


async def test_five_clicks_at_once_are_one_charge(walk: Walk) -> None:
    async with httpx.AsyncClient(base_url=walk.product, timeout=None) as http:
        await http.post("/customers", json={"customer": "bob", "email": "bob@example.com"})
        job = [
            http.post("/customers/bob/summaries?job=a", content="One. Two words.") for _ in range(5)
        ]
        told = [answer.json() for answer in await asyncio.gather(*job)]
        left = (await http.get("/customers/bob")).json()["available"]
        shown = await http.get("/")

    assert told == [told[0]] * 5
    assert left == told[0]["available"]
    assert "<title>Summaries</title>" in shown.text


def test_what_the_page_shows_of_the_product_is_the_product() -> None:
    shown = EXCERPT.findall(PAGE)

    assert len(shown) == 2
    assert [one for one in shown if without_space(one) not in without_space(APP)] == []


def without_space(code: str) -> str:
    return "".join(code.split())


def test_the_example_is_short() -> None:
    files = (ROOT / "examples" / "summaries").glob("*.[ph]*")

    assert sum(len(path.read_text().splitlines()) for path in files) < 250

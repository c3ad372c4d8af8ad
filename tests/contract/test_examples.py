"""The examples of docs/contract.md, sent as they stand there to a live subscription."""

import ast
import asyncio
import json
import re
from pathlib import Path
from typing import Any

from tests.contract.terminal import Ran, Terminal
from tests.fleet import RunningFleet

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"
EXAMPLE = re.compile(r"```sh\n(.*?)```(?:\n```(json|text)\n(.*?)```)?", re.DOTALL)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
# The example reads the status at some moment; its balance is of the same one.
ATTEMPTS = 100


def examples() -> list[tuple[str, str | None]]:
    """Return every line of a shell in the page with the answer that it shows, if it shows one."""
    found: list[tuple[str, str | None]] = []
    for block, kind, shown in EXAMPLE.findall(PAGE.read_text(encoding="utf-8")):
        lines = [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]
        answers = _documents(shown) if kind == "json" else [shown] if kind else []
        assert not answers or len(answers) == len(lines), block
        found += zip(lines, answers or [None] * len(lines), strict=True)
    return found


def _documents(text: str) -> list[str]:
    decoder, documents = json.JSONDecoder(), []
    while text := text.strip():
        _, end = decoder.raw_decode(text)
        documents.append(text[:end])
        text = text[end:]
    return documents


def comparable(value: Any) -> Any:
    """Return an answer with its instants struck out; an empty list may be shown as null."""
    match value:
        case dict():
            return {name: comparable(inner) for name, inner in value.items()}
        case list():
            return [comparable(inner) for inner in value] or None
        case str() if INSTANT.fullmatch(value):
            return "an instant"
        case _:
            return value


def answer_of(ran: Ran) -> Any:
    answer = ran.json()
    return answer["result"] if "result" in answer else answer["queryResult"][0]


async def settled(terminal: Terminal, *, begun: bool) -> None:
    """Wait until the subscription has nothing to do."""
    query = ["workflow", "query", "--workflow-id", "subscription:acme", "--name", "status"]
    for _ in range(ATTEMPTS):
        status = answer_of(await terminal.run([*query, "--output", "json"]))
        if not status["busy"] and (status["status"] != "pending" or not begun):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(status)


async def test_every_example_of_the_contract_is_answered_as_it_says(
    fleet: RunningFleet, terminal: Terminal
) -> None:
    for line, shown in examples():
        ran = await terminal.line(line)
        if shown is None:
            assert ran.code == 0, (line, ran.errors)
            await settled(terminal, begun=True)
        elif shown.startswith("Error"):
            assert (ran.code, ran.errors.strip()) == (1, shown.strip())
        else:
            assert comparable(answer_of(ran)) == comparable(json.loads(shown)), line

    await _the_python_of_the_contract_runs(fleet)


async def _the_python_of_the_contract_runs(fleet: RunningFleet) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    local = '"localhost:7233"'
    address = fleet.client.service_client.config.target_host
    assert local in snippet
    snippet = snippet.replace(local, f"{address!r}, namespace={fleet.client.namespace!r}")
    scope: dict[str, Any] = {}

    code = compile(snippet, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(code, scope)  # noqa: S307  our own page

    assert scope["answer"] == {"status": "debited", "seq": 9, "available": "42987"}


def test_the_page_shows_every_message() -> None:
    lines = " ".join(line for line, _ in examples())

    for name in (
        *("record_usage", "payment_method_updated", "invoice_paid", "balance_crossed"),
        *("consume", "buy_credits", "set_auto_purchase", "change_plan", "cancel"),
        *("pause", "resume", "adjust_credits", "status"),
    ):
        assert f"--name {name} " in f"{lines} "


def test_the_page_can_be_read_at_one_sitting() -> None:
    assert len(PAGE.read_text(encoding="utf-8").splitlines()) <= 350

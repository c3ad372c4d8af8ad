"""The examples of the contract's pages, sent as they stand there to live subscriptions."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client

from local.patience import until
from local.timeline import without_time
from tests.contract.terminal import Ran, Terminal
from tests.fleet import RunningFleet
from workflows.subscription.workflow import Subscription

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "contract.md"
# Each page starts the subscriptions that its examples are about.
PAGES = (PAGE, *(page for page in sorted(DOCS.glob("contract/*.md")) if page.stem != "reasons"))
EXAMPLE = re.compile(r"```sh\n(.*?)```(?:\n```(json|text)\n(.*?)```)?", re.DOTALL)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")
# The example reads the status at some moment; its balance is of the same one.


def examples(page: Path) -> list[tuple[str, str | None]]:
    """Return every line of a shell in a page with the answer that it shows, if it shows one."""
    found: list[tuple[str, str | None]] = []
    for block, kind, shown in EXAMPLE.findall(page.read_text(encoding="utf-8")):
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


async def settled(terminal: Terminal, line: str) -> None:
    """Wait until the subscription that a line was sent to has begun and has nothing to do."""
    (workflow_id,) = re.findall(r"--workflow-id (\S+)", line)
    # Not by the program: it starts anew for each of these looks.
    client = await Client.connect(terminal.address, namespace=terminal.namespace)
    handle = client.get_workflow_handle(workflow_id)

    async def look() -> dict[str, Any]:
        return dict(await handle.query("status"))

    await until(
        look,
        lambda status: not status["busy"] and status["status"] != "pending",
        f"{workflow_id} to rest",
        sign=without_time,
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_every_example_of_the_contract_is_answered_as_it_says(
    fleet: RunningFleet, terminal: Terminal, page: Path
) -> None:
    await answered_as_it_says(terminal, page)

    if page is PAGE:
        await _the_python_of_the_contract_runs(fleet)


async def answered_as_it_says(terminal: Terminal, page: Path) -> None:
    """Send every example of a page, in order, and compare with the answers that it shows."""
    for line, shown in examples(page):
        ran = await terminal.line(line)
        if shown is None:
            assert ran.code == 0, (line, ran.errors)
            await settled(terminal, line)
        elif shown.startswith("Error"):
            assert (ran.code, ran.errors.strip()) == (1, shown.strip())
        else:
            assert comparable(answer_of(ran)) == comparable(json.loads(shown)), line


async def _the_python_of_the_contract_runs(fleet: RunningFleet) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    local = 'os.environ["TEMPORAL_ADDRESS"]'
    address = fleet.client.service_client.config.target_host
    assert local in snippet
    snippet = snippet.replace(local, f"{address!r}, namespace={fleet.client.namespace!r}")
    scope: dict[str, Any] = {}

    code = compile(snippet, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    await eval(code, scope)  # noqa: S307  our own page

    assert scope["answer"] == {
        "status": "debited",
        "seq": 10,
        "available": "42987",
        "charged": {"credits": "1"},
    }


def test_the_pages_show_every_message() -> None:
    lines = " ".join(line for page in PAGES for line, _ in examples(page))
    served = workflow._Definition.must_from_class(Subscription)
    messages = {*served.signals, *served.queries, *served.updates} - {None}

    assert [name for name in messages if f"--name {name} " not in f"{lines} "] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_can_be_read_at_one_sitting(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= 350

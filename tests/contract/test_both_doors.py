"""The contract's examples sent through both doors: to one subscription by the `temporal` program,
to its twin over HTTP. What they are answered is the same.
"""

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from temporalio import workflow

from ledger import api_keys
from local.stripe_standin.process import StandIn
from tests.api.arrangements import api, environment
from tests.contract.doors import OF_SUBSCRIPTION, WITHOUT_TWIN, Said, said, twin
from tests.contract.terminal import Terminal
from tests.contract.test_examples import PAGES, answer_of, comparable, examples, settled
from tests.fleet import RunningFleet
from tests.screenless import screenless
from workflows.subscription.workflow import Subscription

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("contract")]  # one fleet for all

ROOT = Path(__file__).parents[2]
REJECTED = re.compile(r"Error: unable to update workflow: (.*) \(type: (\S+), retryable: false\)")
PROBLEM = ("type", "title", "status", "detail", "request_id", "customer_id", "key")
_keys = count(1)


@pytest.fixture(scope="module")
async def door(
    fleet: RunningFleet, standin: StandIn, servers_folder: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """The door in front of the fleet of these tests."""
    url = fleet.engine.url.render_as_string(hide_password=False)
    with fleet.engine.begin() as connection:
        at = datetime.now(UTC)
        made = api_keys.create(connection, "tests", ["admin"], None, by="tests", at=at)
    variables = environment(url, fleet.client, standin)
    variables["DRAWDOWN_CATALOGS"] = str(ROOT / "catalogs")
    with api(variables, servers_folder) as address:
        headers = {"Authorization": f"Bearer {made.secret}"}
        async with screenless(base_url=f"{address}/v1", headers=headers) as client:
            yield client


def renamed(line: str, ending: str) -> str:
    """Return a line about a twin: a page's subscriptions are named after its first."""
    for name in names_in(line):
        line = re.sub(rf"(?<![\w-]){name}(?![\w-])", f"{name}-{ending}", line)
    return line


def names_in(line: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"--workflow-id \w+:([\w-]+)", line)))


def keyed(line: str) -> str:
    """Return a line with a key where one may be left out: over HTTP there is always one."""
    one = said(line)
    if one.name not in OF_SUBSCRIPTION or "key" in one.content or one.content.get("preview"):
        return line
    content = json.dumps(one.content)
    return line.replace(content, json.dumps({**one.content, "key": f"twin-{next(_keys)}"}))


async def through_temporal(terminal: Terminal, line: str, *, answers: bool) -> Any:
    """Send a line as it stands; return its answer, or the reason why it was rejected."""
    ran = await terminal.line(line)
    rejected = REJECTED.search(ran.errors)
    if rejected is not None:
        return {"status": "refused", "reason": rejected[2], "detail": rejected[1]}
    assert ran.code == 0, (line, ran.errors)
    return answer_of(ran) if answers else None


async def through_http(door: httpx.AsyncClient, one: Said) -> Any:
    """Send the twin of a message; return its answer as the contract words it."""
    request = twin(one)
    assert request is not None
    headers = {"Idempotency-Key": request.key or f"twin-{next(_keys)}"}
    sent = {} if request.method in ("GET", "DELETE") else {"json": request.body}
    answer = await door.request(request.method, request.path, headers=headers, **sent)
    body = answer.json()
    if answer.headers["content-type"] != "application/problem+json":
        return {name: value for name, value in body.items() if name not in request.left_out}
    facts = {name: value for name, value in body.items() if name not in PROBLEM}
    if one.name and facts["reason"] in ("missing_field", "malformed"):
        return {"status": "refused", "reason": facts["reason"], "detail": body["detail"]}
    return {"status": "refused", **facts}


def plain(answer: Any, ending: str) -> Any:
    """Return an answer without its instants, its nulls and the twin's own name."""
    text = json.dumps(comparable(answer)).replace(f"-{ending}", "")
    told = json.loads(text)
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
async def test_every_example_is_answered_alike_through_both_doors(
    fleet: RunningFleet, terminal: Terminal, door: httpx.AsyncClient, page: Path
) -> None:
    for line, shown in examples(page):
        worded = keyed(line)
        here, there = renamed(worded, "t"), renamed(worded, "h")
        told = await through_temporal(terminal, here, answers=shown is not None)
        if twin(said(there)) is None:  # told in the same way, so that both live alike
            await through_temporal(terminal, there, answers=False)
        else:
            answer = await through_http(door, said(there))
            if shown is not None:
                assert alike(said(there), answer, told), (line, answer, told)
        if shown is None:
            await settled(terminal, here)
            await settled(terminal, there)


def alike(one: Said, answer: Any, told: Any) -> bool:
    """Return whether both doors said the same; a start's status is asked for at its own time."""
    if one.kind != "query":
        return plain(answer, "h") == plain(told, "t")
    mine, theirs = plain(answer, "h"), plain(told, "t")
    return {name: mine.get(name) for name in theirs} == theirs


def test_messages_without_a_twin_are_named() -> None:
    served = workflow._Definition.must_from_class(Subscription)
    messages = {*served.signals, *served.updates} - {None}
    every = [said(line) for page in PAGES for line, _ in examples(page)]
    without = {one.name for one in every if one.name in messages and twin(one) is None}

    assert without == set(WITHOUT_TWIN)
    assert {one.name for one in every} >= messages

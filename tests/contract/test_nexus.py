"""The contract's examples of usage and holds, sent through Nexus: answered as the pages say."""

import json
import re
import shlex
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from nexusrpc import HandlerError
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from nexus import endpoint
from tests.contract.conftest import own_fleet
from tests.contract.terminal import Terminal
from tests.contract.test_examples import PAGES, comparable, examples, settled
from tests.nexus.calling import Callers, sample

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("contract")]  # one fleet for all

OPERATIONS = ("consume", "hold", "capture", "extend", "release")
START = re.compile(r'"start": (\{.*?\})\}')
SENT = re.compile(r"--workflow-id subscription:(\S+) --name (\w+)\s+--input '(.*)'")


def message_of(line: str) -> tuple[str, str, dict[str, Any]] | None:
    """Return subscription, operation and message of a line that Nexus has an operation for."""
    found = SENT.search(line)
    if found is None or found[2] not in OPERATIONS or " update " not in line:
        return None
    return found[1], found[2], json.loads(found[3])


def pages() -> list[Path]:
    return [page for page in PAGES if any(message_of(line) for line, _ in examples(page))]


@pytest.fixture(scope="module")
async def world(new_database, temporal_server, standin, mail_catcher, tmp_path_factory):
    """Callers and a terminal beside a fleet that no other example was sent to."""
    folders = [tmp_path_factory.mktemp(name) for name in ("catalogs", "sample")]
    name = f"contract-{uuid4().hex}"
    async with own_fleet(
        new_database(), temporal_server, standin, mail_catcher, folders[0]
    ) as fleet:
        await endpoint.ensure(fleet.client, name)
        with sample(folders[1], name) as module:
            callers = Callers(fleet.client, module)
            async with callers.worker():
                yield callers, Terminal(temporal_server.address, fleet.client.namespace)


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
async def test_every_example_is_answered_alike_through_nexus(world, page) -> None:
    callers, terminal = world
    customers = {}
    sent = 0
    for line, shown in examples(page):
        if start := START.search(line):
            said = json.loads(start[1])
            customers[said["subscription_id"]] = said["customer_id"]
        asked = message_of(line)
        if asked is None:
            ran = await terminal.run([*shlex.split(line)[1:], "--output", "json"])
            if shown is None:
                assert ran.code == 0, (line, ran.errors)
                await settled(terminal, line)
            continue
        subscription, operation, message = asked
        names = {"customer_id": customers[subscription]}
        if shown is None:
            (answer,) = await callers.answers((operation, message | names))
            assert answer["status"] != "refused", line
        elif shown.startswith("Error"):
            assert await reason_of(callers, operation, message | names) in shown
        else:
            (answer,) = await callers.answers((operation, message | names))
            expected = {**json.loads(shown), **names, "key": message["key"]}
            assert comparable(answer) == comparable(expected), line
        sent += 1
    assert sent > 0


async def reason_of(callers: Callers, operation: str, message: dict[str, Any]) -> str:
    """Return the reason for which a message is malformed."""
    with pytest.raises(WorkflowFailureError) as failed:
        await callers.answers((operation, message))
    said = failed.value.cause.__cause__
    assert isinstance(said, HandlerError)
    assert isinstance(said.__cause__, ApplicationError)
    return str(said.__cause__.type)


def test_the_pages_show_every_operation() -> None:
    found = [message_of(line) for page in pages() for line, _ in examples(page)]
    assert {one[1] for one in found if one} == set(OPERATIONS)

"""The sample of docs/nexus.md as a module, and callers that are served by it."""

import importlib
import re
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from nexus import endpoint
from tests.fleet import RunningFleet

PAGE = Path(__file__).parents[2] / "docs/nexus.md"
MODULE = "rendering_sample"
# A caller that sends what it is told to, beside the one of the page.
SCRIPT = '''

@workflow.defn
class Script:
    """Sends messages in turn, each to an operation; returns the answers."""

    @workflow.run
    async def run(self, script: list[list[Any]]) -> list[Message]:
        return [await ask(getattr(Drawdown, name), message) for name, message in script]
'''

Script = list[tuple[str, Any]]


@pytest.fixture(scope="session")
def endpoint_name() -> str:
    return f"drawdown-{uuid4().hex}"


@pytest.fixture(scope="session")
def sample(endpoint_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The page's code as a module: the sandbox of workflows must be able to import it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    named = code.replace('ENDPOINT = "drawdown"', f'ENDPOINT = "{endpoint_name}"')
    assert named != code
    folder = tmp_path_factory.mktemp("sample")
    (folder / f"{MODULE}.py").write_text(named + SCRIPT)
    sys.path.insert(0, str(folder))
    yield importlib.import_module(MODULE)
    sys.path.remove(str(folder))


class Callers:
    """Workflows of another team, on a queue of their own."""

    def __init__(self, client: Client, sample: ModuleType) -> None:
        self.client = client
        self.sample = sample
        self.queue = f"callers-{uuid4()}"

    def worker(self) -> Worker:
        workflows = [self.sample.RenderFilm, self.sample.Script]
        return Worker(self.client, task_queue=self.queue, workflows=workflows)

    async def start(self, script: Script) -> Any:
        return await self.client.start_workflow(
            "Script",
            [list(line) for line in script],
            id=f"script-{uuid4()}",
            task_queue=self.queue,
            result_type=list,
        )

    async def answers(self, *script: tuple[str, Any]) -> list[dict[str, Any]]:
        """Return the answers to messages that one workflow sends in turn."""
        return list(await (await self.start(list(script))).result())

    async def render(self, customer_id: str, key: str, minutes: int) -> dict[str, Any]:
        """Run the page's workflow."""
        film = self.sample.Film(customer_id, key, minutes)
        answer = await self.client.execute_workflow(
            "RenderFilm", film, id=f"render-{uuid4()}", task_queue=self.queue, result_type=dict
        )
        return dict(answer)


@pytest.fixture(scope="session")
async def callers(
    shared_fleet: RunningFleet, sample: ModuleType, endpoint_name: str
) -> AsyncIterator[Callers]:
    assert await endpoint.ensure(shared_fleet.client, endpoint_name)
    calling = Callers(shared_fleet.client, sample)
    async with calling.worker():
        yield calling

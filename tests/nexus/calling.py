"""The sample of docs/nexus.md as a module, and callers that run it."""

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

PAGE = Path(__file__).parents[2] / "docs/nexus.md"
# A caller that sends what it is told to, beside the one of the page.
SCRIPT = '''

@workflow.defn
class Script:
    """Sends messages in turn, each to an operation; returns the answers."""

    @workflow.run
    async def run(self, script: list[list[Any]]) -> list[Message]:
        return [await ask(getattr(Drawdown, name), message) for name, message in script]
'''

Line = tuple[str, Any]  # the name of an operation, and its message


@contextmanager
def sample(folder: Path, endpoint: str) -> Iterator[ModuleType]:
    """Yield the page's code as a module: the sandbox of workflows must be able to import it."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    named = code.replace('ENDPOINT = "drawdown"', f'ENDPOINT = "{endpoint}"')
    assert named != code
    module = f"sample_{uuid4().hex}"
    (folder / f"{module}.py").write_text(named + SCRIPT)
    sys.path.insert(0, str(folder))
    yield importlib.import_module(module)
    sys.path.remove(str(folder))


class Callers:
    """Workflows of another team, on a queue of their own."""

    def __init__(self, client: Client, module: ModuleType) -> None:
        self.client = client
        self.module = module
        self.queue = f"callers-{uuid4()}"

    def worker(self) -> Worker:
        workflows = [self.module.RenderFilm, self.module.Script]
        return Worker(self.client, task_queue=self.queue, workflows=workflows)

    async def start(self, script: Sequence[Line]) -> WorkflowHandle[Any, Any]:
        return await self.client.start_workflow(
            "Script",
            [list(line) for line in script],
            id=f"script-{uuid4()}",
            task_queue=self.queue,
            result_type=list,
        )

    async def answers(self, *script: Line) -> list[dict[str, Any]]:
        """Return the answers to messages that one workflow sends in turn."""
        return list(await (await self.start(script)).result())

    async def render(self, customer_id: str, key: str, minutes: int) -> dict[str, Any]:
        """Run the page's workflow."""
        film = self.module.Film(customer_id, key, minutes)
        answer = await self.client.execute_workflow(
            "RenderFilm", film, id=f"render-{uuid4()}", task_queue=self.queue, result_type=dict
        )
        return dict(answer)

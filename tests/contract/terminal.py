"""The `temporal` CLI as a product team uses it, and the ledger before and after."""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from local.temporal import binary
from tests.fleet import Customer

LEDGER = {
    # A refusal is a decision too: it may move the wallet's clock.
    "wallets": "account_id, seq, state, paused_by, window_start, window_end",
    "grants": "*",
    "entries": "*",
    "charges": "*",
    "postings": "*",
}


@dataclass(frozen=True)
class Ran:
    """What the program did."""

    code: int
    output: str
    errors: str

    def json(self) -> Any:
        assert self.code == 0, self.errors
        return json.loads(self.output)


@dataclass(frozen=True)
class Terminal:
    """Runs the real `temporal` program against one namespace."""

    address: str
    namespace: str

    async def run(self, arguments: Sequence[str]) -> Ran:
        """Run `temporal ...`."""
        process = await asyncio.create_subprocess_exec(
            binary(),
            *arguments,
            env={"TEMPORAL_ADDRESS": self.address, "TEMPORAL_NAMESPACE": self.namespace},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return Ran(process.returncode or 0, output.decode(), errors.decode())

    async def line(self, line: str) -> Ran:
        """Run one line of a shell, as a page shows it."""
        program, *arguments = shlex.split(line)
        assert program == "temporal"
        return await self.run([*arguments, "--output", "json"])

    async def signal(self, workflow_id: str, name: str, *inputs: str) -> Ran:
        return await self.run(["workflow", "signal", *_message(workflow_id, name, inputs)])

    async def update(self, workflow_id: str, name: str, *inputs: str) -> Ran:
        return await self.run(
            ["workflow", "update", "execute", *_message(workflow_id, name, inputs)]
        )


def _message(workflow_id: str, name: str, inputs: Sequence[str]) -> list[str]:
    given = [word for text in inputs for word in ("--input", text)]
    return ["--workflow-id", workflow_id, "--name", name, *given, "--output", "json"]


@asynccontextmanager
async def unharmed(customer: Customer) -> AsyncIterator[None]:
    """Assert that the block leaves the ledger unchanged and the subscription alive."""
    before = dump(customer)
    yield
    await customer.life.settle()
    assert dump(customer) == before
    answer = await customer.use("0.000001")
    assert answer["status"] == "debited"
    customer.check()


def dump(customer: Customer) -> dict[str, list[str]]:
    """Return every row of the customer's ledger."""
    return {
        table: sorted(
            row[0]  # as text: Python has no instant `infinity`
            for row in customer.rows(
                f"SELECT t::text FROM (SELECT {columns} FROM {table} WHERE account_id = %s) t"
            )
        )
        for table, columns in LEDGER.items()
    }

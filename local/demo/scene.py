"""The stack with live workers that the demo and the simulator play on."""

import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from temporalio.client import Client

from domain.subscription import Start
from ledger import accounts
from local.demo.trace import Request
from local.fleet import start_api, start_worker
from local.patience import slowness
from local.processes import stop
from local.stack import Stack, environment
from local.timeline import Json, Timeline
from models.base import connect
from workflows.converter import DATA_CONVERTER


@dataclass(frozen=True)
class Scene:
    """A running stack and the clients that look at it."""

    stack: Stack
    client: Client
    engine: Engine

    async def subscribe(self, start: Start) -> Timeline:
        """Start a subscription; its first period begins automatically."""
        return await Timeline.start(self.client, start)

    def account_of(self, customer_id: str) -> int:
        """Return the account of a customer."""
        with self.engine.connect() as connection:
            return accounts.account_of(connection, customer_id)

    def paid_at_processor(self) -> int:
        """Return all the money that the processor has collected, in minor units."""
        return int(sum(self.stack.standin.get("/_ledger")["paid_total"].values()))


@asynccontextmanager
async def scene(catalogs: Path | None = None, *, api: bool = True) -> AsyncIterator[Scene]:
    """Start servers, a worker and the API in a folder of their own; end all of them.

    `catalogs` is a folder of price lists in place of the usual one.
    """
    async with _stack() as stack:
        home = stack.home
        started: list[subprocess.Popen[bytes]] = []
        engine: Engine | None = None
        try:
            variables = environment(stack) | {"METRICS_ADDRESS": ""}
            if catalogs is not None:
                variables["DRAWDOWN_CATALOGS"] = str(catalogs)
            port, log = stack.ports.api, home / "worker.log"
            jobs = [asyncio.to_thread(start_worker, variables, stack.temporal, log)]
            if api:
                jobs.append(asyncio.to_thread(start_api, variables, port, home / "api.log"))
            begun = await _finished(asyncio.gather(*jobs, return_exceptions=True), started)
            for failure in (one for one in begun if isinstance(one, BaseException)):
                raise failure
            client = await Client.connect(stack.temporal.address, data_converter=DATA_CONVERTER)
            engine = connect(variables["DATABASE_URL"])
            yield Scene(stack, client, engine)
        finally:
            if engine is not None:
                engine.dispose()
            for process in started:
                await asyncio.to_thread(stop, process)


@asynccontextmanager
async def _stack() -> AsyncIterator[Stack]:
    """Start the servers in a folder of their own; cancelled meanwhile, they are stopped as well."""
    with _home() as home:
        starting = asyncio.ensure_future(asyncio.to_thread(Stack.start, home, persistent=False))
        try:
            yield await asyncio.shield(starting)
        finally:
            await asyncio.wait({starting})
            if starting.exception() is None:
                await asyncio.to_thread(starting.result().stop)


Begun = list[subprocess.Popen[bytes] | BaseException]


async def _finished(
    starting: asyncio.Future[Begun], started: list[subprocess.Popen[bytes]]
) -> Begun:
    """Return what threads have begun, put into `started` even if we are cancelled meanwhile."""
    try:
        return await asyncio.shield(starting)
    finally:
        await asyncio.wait({starting})
        started += [one for one in starting.result() if not isinstance(one, BaseException)]


@contextmanager
def _home() -> Iterator[Path]:
    """Make a folder, which is gone afterwards; what fails keeps it, and says where it is."""
    home = Path(tempfile.mkdtemp(prefix="drawdown-"))
    home.chmod(0o755)  # PostgreSQL may run as another account
    try:
        yield home
    except Exception as error:
        error.add_note(f"the logs are kept in {home}{slowness()}")
        raise
    except BaseException:
        shutil.rmtree(home, ignore_errors=True)
        raise
    shutil.rmtree(home, ignore_errors=True)


def usage_event(request: Request, prefix: str, at: str) -> Json:
    """Return a traced request as the JSON of a usage event."""
    return {
        "key": f"{prefix}{request.number}",
        "action": "llm_tokens",
        "quantity": str(request.tokens),
        "event_at": at,
        "tags": {"traced_at": request.traced_at},
    }

"""The fleet that tests of workflows and stories share; the cache size is varied from outside."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.tracing import causes
from ledger import api_keys
from local.mail_catcher.process import MailCatcher
from local.postgres import Database
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from models.base import connect
from settings import Settings
from tests.deployment import LINK_SECRET
from tests.fleet import RunningFleet
from worker import Fleet, connected, start_relays
from workflows import names

# 0 evicts a workflow after every task: each one is then replayed from its whole history.
ROOT = Path(__file__).parents[1]
CACHE = int(os.environ.get("DRAWDOWN_TEST_CACHE", "1000"))


@pytest.fixture(scope="session")
def catalogs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The price lists that are shipped, and those that only tests need."""
    folder = tmp_path_factory.mktemp("catalogs")
    for place in ("catalogs", "catalogs/examples", "tests/catalogs"):
        for path in (ROOT / place).glob("*.yaml"):
            if path.name != "every_key.yaml":  # sold by nobody
                shutil.copy(path, folder)
    make = (ROOT / "catalogs" / "make.yaml").read_text(encoding="utf-8")
    trusting = make.replace("name: make\n", "name: make_trusting\n", 1)
    trusting = trusting.replace("defaults:\n", "defaults:\n  grant_on: processing\n", 1)
    (folder / "make_trusting.yaml").write_text(trusting, encoding="utf-8")
    return folder


class Workers:
    """The workers of every queue, which can be restarted."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._running = AsyncExitStack()

    async def start(self) -> None:
        """Start a worker for each queue; it reads the price lists as they are now."""
        for queue in names.QUEUES:
            executor = self._running.enter_context(ThreadPoolExecutor(20))
            options: dict[str, Any] = {"max_cached_workflows": CACHE}
            if queue == names.STRIPE:  # the stand-in has no limit
                options["max_task_queue_activities_per_second"] = 1_000
            worker = self._fleet.running(queue, executor, **options)
            await self._running.enter_async_context(worker)

    async def stop(self) -> None:
        """Stop the workers."""
        await self._running.aclose()

    async def restart(self) -> None:
        """Stop the workers and start others."""
        await self.stop()
        self._running = AsyncExitStack()
        await self.start()


@pytest.fixture
def fleet(shared_fleet: RunningFleet) -> Iterator[RunningFleet]:
    """The fleet, with a processor that behaves again afterwards."""
    yield shared_fleet
    shared_fleet.standin.behave()


@pytest.fixture(scope="session")
async def shared_fleet(
    catalogs: Path,
    session_database: Database,
    temporal_server: TemporalServer,
    standin: StandIn,
    mail_catcher: MailCatcher,
) -> AsyncIterator[RunningFleet]:
    settings = Settings(
        database_url=session_database.url,
        temporal_address=temporal_server.address,
        stripe_api_key=standin.api_key,
        stripe_api_base=standin.base_url,
        stripe_webhook_secret="whsec_test",
        link_secrets=(LINK_SECRET,),
        smtp_url=mail_catcher.smtp_url,
        mail_from="billing@drawdown.test",
        public_url="http://127.0.0.1:1",
        drawdown_catalogs=catalogs,
        webhook_private_addresses=True,  # receivers of tests are on this machine
    )
    engine = connect(settings.database_url, pool_size=20, request_id=causes.request_id)
    client = await connected(settings)
    workers = Workers(Fleet(settings, engine, client))
    await workers.start()
    await start_relays(client)
    yield RunningFleet(
        client=client,
        engine=engine,
        standin=standin,
        mail_catcher=mail_catcher,
        restart=workers.restart,
    )
    await workers.stop()
    engine.dispose()


@pytest.fixture(scope="session")
def api_key(session_database: Database) -> str:
    """A key of the API that covers everything."""
    engine = connect(session_database.url)
    with engine.begin() as connection:
        at = datetime.now(UTC)
        made = api_keys.create(connection, "tests", ["admin"], None, by="tests", at=at)
    engine.dispose()
    return made.secret

"""A fleet of its own namespace and database, and a terminal with the `temporal` program."""

import os
import shutil
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from local.mail_catcher.process import MailCatcher
from local.postgres import Database
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from models.base import connect
from settings import Settings
from tests.api.arrangements import own_namespace
from tests.contract.terminal import Terminal
from tests.deployment import LINK_SECRET
from tests.fleet import Customer, RunningFleet
from worker import Fleet, start_relays
from workflows import names

ROOT = Path(__file__).parents[2]
# 0 evicts a workflow after every task: each one is then replayed from its whole history.
CACHE = int(os.environ.get("DRAWDOWN_TEST_CACHE", "1000"))


@asynccontextmanager
async def own_fleet(
    database: Database,
    temporal_server: TemporalServer,
    standin: StandIn,
    mail_catcher: MailCatcher,
    catalogs: Path,
) -> AsyncIterator[RunningFleet]:
    """Run a fleet in a namespace of its own."""
    for path in (*ROOT.glob("catalogs/*.yaml"), ROOT / "tests/catalogs/strict.yaml"):
        shutil.copy(path, catalogs)
    client = await own_namespace(temporal_server.address)
    settings = Settings(
        database_url=database.url,
        temporal_address=temporal_server.address,
        temporal_namespace=client.namespace,
        stripe_api_key=standin.api_key,
        stripe_api_base=standin.base_url,
        stripe_webhook_secret="whsec_test",
        link_secrets=(LINK_SECRET,),
        smtp_url=mail_catcher.smtp_url,
        mail_from="billing@drawdown.test",
        public_url="http://127.0.0.1:1",
        drawdown_catalogs=catalogs,
    )
    engine = connect(settings.database_url, pool_size=20)
    shared = Fleet(settings, engine, client)
    async with AsyncExitStack() as stack:
        for queue in names.QUEUES:
            executor = stack.enter_context(ThreadPoolExecutor(20))
            worker = shared.running(queue, executor, max_cached_workflows=CACHE)
            await stack.enter_async_context(worker)
        await start_relays(client)
        yield RunningFleet(client, engine, standin, mail_catcher)
    engine.dispose()


@pytest.fixture(scope="session")
async def fleet(
    new_database: Callable[[], Database],
    temporal_server: TemporalServer,
    standin: StandIn,
    mail_catcher: MailCatcher,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RunningFleet]:
    folder = tmp_path_factory.mktemp("catalogs")
    async with own_fleet(new_database(), temporal_server, standin, mail_catcher, folder) as running:
        yield running


@pytest.fixture(scope="session")
def terminal(fleet: RunningFleet) -> Terminal:
    config = fleet.client.service_client.config
    return Terminal(config.target_host, fleet.client.namespace)


@pytest.fixture(scope="session")
async def customer(fleet: RunningFleet) -> Customer:
    """One subscription that every bad message is sent to, and that outlives them all."""
    return await fleet.subscribe("core_10k")

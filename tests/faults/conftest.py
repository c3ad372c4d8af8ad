"""Fleets that may die: real worker processes, gates between them and their servers."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from local.mail_catcher.process import MailCatcher
from local.postgres import Database
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from tests.faults.mortal import MortalFleet


@pytest.fixture(scope="package")
def own_temporal(servers_folder: Path) -> Iterator[TemporalServer]:
    """A server whose workflows only these fleets run."""
    server = TemporalServer.start(servers_folder / "temporal-of-faults")
    yield server
    server.stop()


@pytest.fixture(scope="package")
async def shared_fleet(
    own_temporal: TemporalServer,
    new_database: Callable[[], Database],
    standin: StandIn,
    mail_catcher: MailCatcher,
    servers_folder: Path,
    catalogs: Path,
) -> AsyncIterator[MortalFleet]:
    servers = (own_temporal, new_database(), standin, mail_catcher)
    async with MortalFleet.on(*servers, servers_folder / "workers") as fleet:
        fleet.environment["DRAWDOWN_CATALOGS"] = str(catalogs)
        yield fleet


@pytest.fixture
async def mortal(shared_fleet: MortalFleet, standin: StandIn) -> AsyncIterator[MortalFleet]:
    """A fleet with a living worker: the survivor of one test is the victim of the next."""
    await shared_fleet.alive()
    yield shared_fleet
    standin.behave()

"""The API as a process on real servers, and what it works with: fixtures."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from temporalio.client import Client

from gateways.stripe import StripePayments
from local.postgres import Database
from local.stripe_standin.process import StandIn
from local.temporal import TemporalServer
from models.base import connect
from tests.api.arrangements import api, environment, own_namespace


@pytest.fixture(scope="session")
async def temporal(temporal_server: TemporalServer) -> Client:
    return await own_namespace(temporal_server.address)


@pytest.fixture(scope="session")
def engine(session_database: Database) -> Iterator[Engine]:
    connected = connect(session_database.url)
    yield connected
    connected.dispose()


@pytest.fixture(scope="session")
def payments(standin: StandIn) -> Iterator[StripePayments]:
    with StripePayments(standin.api_key, base_url=standin.base_url) as connected:
        yield connected


@pytest.fixture(scope="session")
def variables(session_database: Database, temporal: Client, standin: StandIn) -> dict[str, str]:
    return environment(session_database.url, temporal, standin)


@pytest.fixture(scope="session")
def api_url(variables: dict[str, str], servers_folder: Path) -> Iterator[str]:
    with api(variables, servers_folder) as url:
        yield url

"""The API as a process on real servers; each test makes customers of its own."""

from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import Engine
from temporalio.client import Client

from gateways.stripe import StripePayments
from local.stripe_standin.process import StandIn
from tests.api.arrangements import Desk, inbox
from tests.screenless import screenless


@pytest.fixture
def desk(engine: Engine, payments: StripePayments, standin: StandIn) -> Desk:
    return Desk(engine, payments, standin)


@pytest.fixture(scope="session")
async def served(temporal: Client, engine: Engine, payments: StripePayments) -> AsyncIterator[None]:
    """Workers for what the API starts."""
    async with inbox(temporal, engine, payments):
        yield


@pytest.fixture
async def http(api_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with screenless(base_url=api_url) as client:
        yield client

"""Callers in the namespace of the shared fleet, which serves them."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from nexus import endpoint
from tests.fleet import RunningFleet
from tests.nexus.calling import Callers, sample


@pytest.fixture(scope="session")
def endpoint_name() -> str:
    return f"drawdown-{uuid4().hex}"


@pytest.fixture(scope="session")
async def callers(
    shared_fleet: RunningFleet, endpoint_name: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Callers]:
    assert await endpoint.ensure(shared_fleet.client, endpoint_name)
    folder: Path = tmp_path_factory.mktemp("sample")
    with sample(folder, endpoint_name) as module:
        calling = Callers(shared_fleet.client, module)
        async with calling.worker():
            yield calling

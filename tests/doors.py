"""The HTTP door as a process in front of the fleet that all tests of workflows share: fixtures."""

import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger import api_keys
from local.postgres import Database
from local.stripe_standin.process import StandIn
from tests.api.arrangements import api, environment
from tests.fleet import RunningFleet
from tests.screenless import screenless

_numbers = count(1)
SIGNUP = "https://app.zaplify.example/signup?from=friend"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


TEMPORAL_UI = "https://temporal.seller.example/ui"
PRODUCT = f"http://127.0.0.1:{_free_port()}"  # the origin of a product's page
Post = Callable[..., Any]


@pytest.fixture(scope="session")
def door_variables(
    shared_fleet: RunningFleet,
    session_database: Database,
    standin: StandIn,
    catalogs: Path,
) -> dict[str, str]:
    variables = environment(session_database.url, shared_fleet.client, standin)
    return variables | {
        "DRAWDOWN_CATALOGS": str(catalogs),
        "INVITATIONS": f"zaplify/referral={SIGNUP}",
        "EMBED_ORIGINS": PRODUCT,
        "TEMPORAL_UI_URL": TEMPORAL_UI,
    }


@pytest.fixture(scope="session")
def door_url(door_variables: dict[str, str], servers_folder: Path) -> Iterator[str]:
    with api(door_variables, servers_folder) as url:
        yield url


@pytest.fixture
async def door(door_url: str, api_key: str) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {api_key}"}
    async with screenless(base_url=f"{door_url}/v1", headers=headers) as client:
        yield client


@pytest.fixture
def post(door: httpx.AsyncClient) -> Post:
    """A function that sends a body under a key of its own, or under the one named."""

    async def send(
        path: str, body: Any = None, key: str | None = None, method: str = "POST", **more: str
    ) -> httpx.Response:
        headers = {"Idempotency-Key": key or f"request-{next(_numbers)}", **more}
        sent = {} if body is None else body
        return await door.request(method, path, json=sent, headers=headers)

    return send


@pytest.fixture
def bearing(shared_fleet: RunningFleet) -> Callable[..., dict[str, str]]:
    """A function that makes a key of the API and returns the header that carries it."""

    def make(*scopes: str, catalog: str | None = None) -> dict[str, str]:
        at = datetime.now(UTC)
        with shared_fleet.engine.begin() as connection:
            made = api_keys.create(connection, "test", scopes, catalog, by="ann", at=at)
        return {"Authorization": f"Bearer {made.secret}"}

    return make


@pytest.fixture
def beginning() -> Callable[..., dict[str, Any]]:
    """A function that returns the body which starts a subscription of a new customer."""

    def make(**facts: Any) -> dict[str, Any]:
        number = next(_numbers)
        return {
            "subscription_id": f"http-sub-{number}",
            "customer_id": f"http-{number}",
            "name": "Ada Example",
            "email": f"http-{number}@example.com",
            "catalog": "make",
            "plan_id": "core_10k",
            "payment_method": "pm_card_visa",
            **facts,
        }

    return make


def refusals_told(url: str, folder: Path, name: str) -> list[str]:
    """Return what the log of an API process says of the refusals of a named request."""
    log = folder / f"api-{url.rpartition(':')[2]}.log"
    return [line for line in log.read_text().splitlines() if f"request {name}: refused" in line]

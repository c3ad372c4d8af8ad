"""The customer's console as a process in front of the shared fleet."""

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from local.stripe_standin.process import WEBHOOK_SECRET
from tests.fleet import RunningFleet
from tests.screenless import screenless

Link = Callable[..., Any]
_numbers = count(1)


@pytest.fixture
def link(door: httpx.AsyncClient) -> Link:
    """A function that makes a link which opens a customer's console once."""

    async def make(customer: str, **facts: Any) -> str:
        headers = {"Idempotency-Key": f"portal-{next(_numbers)}"}
        path = f"/customers/{customer}/portal_session"
        answer = await door.post(path, json=facts, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["url"])

    return make


@pytest.fixture
async def web(door_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a screen: it keeps cookies, and follows no redirect by itself."""
    async with screenless(base_url=door_url) as client:
        yield client


@pytest.fixture
def told(fleet: RunningFleet, door_url: str) -> Iterator[None]:
    """The processor tells the door what people do on its pages, as long as the test lasts."""
    where = f"{door_url}/webhooks/stripe"
    fleet.standin.post("/_config", webhook_url=where, webhook_secret=WEBHOOK_SECRET)
    yield
    fleet.standin.post("/_config", webhook_url="")

"""The real API, and a door that answers as a test wrote it down or passes on to the real one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from drawdown_client import Drawdown
from sqlalchemy import Engine

from clients.python.tests.door import Door, opened
from tests.api.v1.conftest import put_on
from tests.builders import SubscribedWallet, a_subscribed_wallet, shipped_plan

KEY = "dd_abcdefghijkl_" + "s" * 43


@pytest.fixture
def door() -> Iterator[Door]:
    with opened() as door:
        yield door


@pytest.fixture
def dd(door: Door) -> Iterator[Drawdown]:
    with Drawdown(door.url, KEY) as dd:
        yield dd


@pytest.fixture
def live(api_url: str, api_key: str) -> Iterator[Drawdown]:
    """A client of the real API."""
    with Drawdown(api_url, api_key) as dd:
        yield dd


@pytest.fixture
def new_customer(engine: Engine) -> Callable[..., SubscribedWallet]:
    """A function that makes a customer of the real API whose month began yesterday."""

    def make(credits_: int = 10_000) -> SubscribedWallet:
        begun = datetime.now(UTC) - timedelta(days=1)
        with engine.begin() as connection:
            month = ((begun, begun + timedelta(days=31)),)
            wallet = a_subscribed_wallet(connection, credits_, windows=month)
            put_on(connection, wallet, shipped_plan("make", "core_10k"))
        return wallet

    return make


@pytest.fixture
def acme(new_customer: Callable[..., SubscribedWallet]) -> str:
    """A customer of the real API with 10,000 credits."""
    return new_customer().customer_id

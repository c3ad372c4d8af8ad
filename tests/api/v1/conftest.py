"""The door as a process on a real ledger; each test makes customers of its own."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, update

from domain.pricing.catalog import Plan
from ledger import subscriptions
from ledger.notifications import webhook_endpoints
from ledger.usage import policies
from models.tables import Subscription
from tests.builders import SubscribedWallet, a_subscribed_wallet, shipped_plan
from tests.screenless import screenless

Json = dict[str, Any]
_numbers = count(1)


@pytest.fixture
def customer(engine: Engine) -> Callable[..., SubscribedWallet]:
    """A function that makes a customer of a shipped plan, in January 2027."""

    def make(
        allowance: int | str = 10_000, catalog: str = "make", plan: str = "core_10k"
    ) -> SubscribedWallet:
        with engine.begin() as connection:
            wallet = a_subscribed_wallet(connection, allowance)
            put_on(connection, wallet, shipped_plan(catalog, plan))
        return wallet

    return make


def put_on(connection: Any, wallet: SubscribedWallet, plan: Plan) -> None:
    """Put a plan in force, as a change of plans does."""
    connection.execute(
        update(Subscription)
        .where(Subscription.account_id == wallet.account_id)
        .values(plan=subscriptions.as_json(plan), status="active")
    )
    policies.set_policy(connection, wallet.account_id, plan)


@pytest.fixture(scope="module")
def endpoints_switched_off(engine: Engine) -> Iterator[None]:
    """After the module's tests no endpoint of webhooks is on.

    Their receivers do not exist: the relay of the fleet that later tests share would try one after
    the other without a pause, for every event of every later customer.
    """
    yield
    with engine.begin() as connection:
        for one in webhook_endpoints.listed(connection):
            if one.state == "on":
                webhook_endpoints.switch_off(connection, one.endpoint_id, datetime.now(UTC))


@pytest.fixture
async def door(
    api_url: str, api_key: str, endpoints_switched_off: None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the door with a key that covers everything."""
    headers = {"Authorization": f"Bearer {api_key}"}
    async with screenless(base_url=f"{api_url}/v1", headers=headers) as client:
        yield client


@pytest.fixture
def event(customer: Callable[..., SubscribedWallet]) -> Callable[..., Json]:
    def make(wallet: SubscribedWallet, quantity: str = "1", **facts: Any) -> Json:
        return {
            "customer_id": wallet.customer_id,
            "key": f"event-{next(_numbers)}",
            "action": "operation",
            "quantity": quantity,
            "event_at": "2027-01-01T00:00:00Z",
            **facts,
        }

    return make

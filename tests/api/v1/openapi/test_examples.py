"""Every example of the document is sent, in order, and answered as it is shown."""

import json
import re
from datetime import UTC, datetime
from secrets import token_bytes
from typing import Any

import jsonschema_rs
import pytest
from sqlalchemy import insert, select

from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints import keys, webhooks
from api.v1.endpoints.every import DOCUMENTS, ENDPOINTS
from api.v1.endpoints.webhooks import EVENT_SHOWN
from ledger.notifications import webhook_events
from models.tables import ApiKeyRow, WebhookEndpoint, WebhookEvent
from tests.api.v1.conftest import put_on
from tests.builders import START, a_subscribed_wallet, shipped_plan

OF_A_FLEET = ("/subscriptions", "/customers/")
TOLD = json.loads(DOCUMENTS.json)


def names_in(value: Any) -> Any:
    """Return a JSON value's names: what its values are depends on who asked before."""
    if isinstance(value, dict):
        return {name: names_in(one) for name, one in value.items()}
    return [names_in(one) for one in value] if isinstance(value, list) else None


@pytest.fixture
def acme(engine):
    """The customer whom the examples are about, with 10,000 credits."""
    with engine.begin() as connection:
        wallet = a_subscribed_wallet(connection, customer_id="acme")
        put_on(connection, wallet, shipped_plan("make", "core_10k"))
        of_webhooks(connection)
    while published(engine):
        pass
    with engine.connect() as connection:
        first = select(WebhookEvent.number).filter_by(account_id=wallet.account_id).limit(1)
        return {EVENT_SHOWN: f"evt_{wallet.account_id}_{connection.scalar(first)}"}


def of_webhooks(connection):
    """Make the endpoint and the key that are shown."""
    connection.execute(
        insert(WebhookEndpoint).values(
            endpoint_id=webhooks.SHOWN["endpoint_id"],
            url="https://product.example/hooks",
            secret="whsec_" + "A" * 43 + "=",
            owner_email="ops@product.example",
            created_at=START,
        )
    )
    connection.execute(
        insert(ApiKeyRow).values(
            key_id=keys.SHOWN["key_id"],
            digest=token_bytes(32),
            name="shown",
            scopes=["read"],
            created_at=START,
            created_by="ada",
        )
    )


def published(engine):
    with engine.begin() as connection:
        return webhook_events.publish(connection, datetime.now(UTC))


async def send(door, endpoint: Endpoint, example: Example, others):
    def named(found):
        return others.get(example.path[found[1]], example.path[found[1]])

    path = re.sub(r"\{(\w+)\}", named, endpoint.address)
    headers = {"Content-Type": example.media_type, **example.headers}
    if endpoint.keyed:
        headers.setdefault("Idempotency-Key", f"{endpoint.name}: {example.name}")
    body = None if example.body is None else json.dumps(example.body)
    return await door.request(
        endpoint.method, path, params=dict(example.query), headers=headers, content=body
    )


async def test_every_example_works_as_it_is_shown(door, acme):
    wrong = []
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET" and endpoint.address.startswith(OF_A_FLEET):
            continue  # acts of a subscription: tests/workflows/http sends them to a fleet
        for example in endpoint.examples:
            answer = await send(door, endpoint, example, acme)
            named = f"{endpoint.name}, {example.name}"
            wrong += [f"{named}: {one}" for one in faults(endpoint, example, answer)]
    assert wrong == []


def faults(endpoint, example, answer):
    if answer.status_code != example.status:
        yield f"{answer.status_code} {answer.text}"
        return
    if example.answer is not None and names_in(answer.json()) != names_in(example.answer):
        yield f"answered {answer.text}"
    told = TOLD["paths"][endpoint.address][endpoint.method.lower()]["responses"]
    content = told[str(example.status)]["content"]["application/json"]
    whole = {**content["schema"], "components": TOLD["components"]}
    for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(answer.json()):
        yield error.message

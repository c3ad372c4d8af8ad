"""The client, the real API and a real subscription that was cancelled."""

from datetime import UTC, datetime

import pytest
from drawdown_client import AsyncDrawdown, Conflict, NotFound

from local.patience import until
from tests.screenless import screenless


@pytest.fixture
async def post(door_url, api_key):
    """A function that posts what this client has no call for."""
    headers = {"Authorization": f"Bearer {api_key}"}
    async with screenless(base_url=f"{door_url}/v1", headers=headers) as web:

        async def send(path, body):
            answer = await web.post(path, json=body, headers={"Idempotency-Key": path})
            assert answer.is_success, answer.text
            if path == "/subscriptions":
                await until(
                    lambda: web.get(f"{path}/{body['subscription_id']}"),
                    lambda seen: seen.json()["status"] == "active",
                    "the first period",
                )

        yield send


async def test_who_cancelled_stays_after_all(door_url, api_key, fleet, post, beginning):
    begun = beginning(plan_id="core_10k")
    subscription = begun["subscription_id"]
    await post("/subscriptions", begun)
    async with AsyncDrawdown(door_url, api_key) as dd:
        with pytest.raises(Conflict) as raised:
            await dd.uncancel(subscription, key="stays-1")
        assert raised.value.reason == "not_canceled"
        await post(f"/subscriptions/{subscription}/cancel", {"when": "period_end"})

        preview = await dd.uncancel(subscription, key="stays-1", preview=True)
        renewal = await dd.uncancel(subscription, key="stays-1")
        assert (preview.status, renewal.status) == ("preview", "uncanceled")
        assert (renewal.plan, renewal.amount_minor, renewal.currency) == ("core_10k", 900, "USD")
        assert preview.renews_at == renewal.renews_at > datetime.now(UTC)
        assert await dd.uncancel(subscription, key="stays-1") == renewal
        with pytest.raises(Conflict):
            await dd.uncancel(subscription, key="stays-2")
        with pytest.raises(NotFound):
            await dd.uncancel("nobody", key="stays-3")

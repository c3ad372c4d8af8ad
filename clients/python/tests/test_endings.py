"""The client, the real API and real subscriptions that end, or go on after all."""

import asyncio
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from drawdown_client import AsyncDrawdown, Conflict, Drawdown, NotFound

from local.patience import until
from tests.screenless import screenless

README = Path(__file__).parents[1] / "README.md"
EXAMPLE = re.compile(r"^```py\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
async def subscription(door_url, api_key, fleet, beginning):
    """The id of a subscription whose first period is paid."""
    begun = beginning(plan_id="core_10k")
    named = begun["subscription_id"]
    headers = {"Authorization": f"Bearer {api_key}"}
    async with screenless(base_url=f"{door_url}/v1", headers=headers) as web:
        answer = await web.post("/subscriptions", json=begun, headers={"Idempotency-Key": named})
        assert answer.is_success, answer.text
        await until(
            lambda: web.get(f"/subscriptions/{named}"),
            lambda seen: seen.json()["status"] == "active",
            "the first period",
        )
        yield named


async def test_who_cancelled_stays_after_all(door_url, api_key, subscription):
    async with AsyncDrawdown(door_url, api_key) as dd:
        with pytest.raises(Conflict) as raised:
            await dd.uncancel(subscription, key=f"{subscription}:stays-1")
        assert raised.value.reason == "not_canceled"
        ending = await dd.cancel(subscription, "period_end", key=f"{subscription}:leaves-1")
        assert (ending.status, ending.lost_credits) == ("canceled", {"credits": Decimal(10_000)})
        assert await dd.cancel(subscription, "period_end", key=f"{subscription}:leaves-1") == ending
        with pytest.raises(Conflict) as raised:
            await dd.cancel(subscription, "period_end", key=f"{subscription}:leaves-2")
        assert raised.value.reason == "already_canceled"

        preview = await dd.uncancel(subscription, key=f"{subscription}:stays-1", preview=True)
        renewal = await dd.uncancel(subscription, key=f"{subscription}:stays-1")
        assert (preview.status, renewal.status) == ("preview", "uncanceled")
        assert (renewal.plan, renewal.amount_minor, renewal.currency) == ("core_10k", 900, "USD")
        assert preview.renews_at == renewal.renews_at == ending.effective_at > datetime.now(UTC)
        assert await dd.uncancel(subscription, key=f"{subscription}:stays-1") == renewal
        with pytest.raises(Conflict):
            await dd.uncancel(subscription, key=f"{subscription}:stays-2")
        with pytest.raises(NotFound):
            await dd.uncancel("nobody", key=f"{subscription}:stays-3")


async def test_who_leaves_now_has_left_and_a_preview_before_it_moved_nothing(
    door_url, api_key, subscription
):
    async with AsyncDrawdown(door_url, api_key) as dd:
        preview = await dd.cancel(subscription, "now", key=f"{subscription}:leaves-1", preview=True)
        ending = await dd.cancel(subscription, "now", key=f"{subscription}:leaves-1")
        assert (preview.status, ending.status) == ("preview", "ended")
        assert preview.lost_credits == ending.lost_credits == {"credits": Decimal(10_000)}
        assert preview.effective_at <= ending.effective_at <= datetime.now(UTC)
        assert await dd.cancel(subscription, "now", key=f"{subscription}:leaves-1") == ending
        with pytest.raises(Conflict) as raised:
            await dd.uncancel(subscription, key=f"{subscription}:stays-1")
        assert raised.value.reason == "subscription_ended"


async def test_the_readmes_example_runs(door_url, api_key, subscription):
    (example,) = EXAMPLE.findall(README.read_text())
    names = {}
    with Drawdown(door_url, api_key) as names["dd"]:
        text = example.replace("acme-sub", subscription)
        code = compile(text, README.name, "exec")
        await asyncio.to_thread(exec, code, names)
    assert names["ending"].effective_at == names["renewal"].renews_at

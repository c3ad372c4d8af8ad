"""The customers of the demo whose product uses the HTTP door instead of messages to workflows."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from ledger import accounts
from local.demo.scene import Scene
from local.demo.telling import StoryError
from local.timeline import Json

PATIENCE = {"Prefer": "wait=30"}  # as long as a purchase may take beside everything else
HAIR = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Product:
    """A product's backend: one key, one customer."""

    scene: Scene
    customer_id: str

    async def use(
        self, action: str, quantity: str, status: str = "debited", **more: object
    ) -> Json:
        """Perform one action now and expect what becomes of it; `key` and tags may be given."""
        at = (await self._now()).isoformat()
        event = {"key": f"{action}-{at}", "action": action, "quantity": quantity, "event_at": at}
        return await self.expect("/usage", {**event, **more}, status)

    async def report(self, events: list[Json]) -> None:
        """Report many events at once, each of which must be debited."""
        at = (await self._now()).isoformat()
        sent = [{"customer_id": self.customer_id, "event_at": at, **event} for event in events]
        answer = await self._post("/usage", {"events": sent})
        refused = [one for one in answer["outcomes"] if one["status"] != "debited"]
        if refused:
            raise StoryError(f"{self.customer_id} was refused {refused[0]}")

    async def reads(self, what: str) -> Json:
        """Return what the door says of the customer, such as `balance`."""
        state = self.scene.stack.state()
        url = f"{state.api}/v1/customers/{self.customer_id}/{what}"
        async with httpx.AsyncClient(timeout=None) as http:
            answer = await http.get(url, headers={"Authorization": f"Bearer {state.api_key}"})
        found: dict[str, Any] = answer.json()
        return found

    async def expect(self, path: str, message: Json, status: str) -> Json:
        """Send what must be answered with a status, or refused for a reason."""
        return self._is(
            status, path, await self._post(path, {"customer_id": self.customer_id, **message})
        )

    async def asks(self, what: str, message: Json, status: str, key: str = "") -> Json:
        """Send a request of the customer's own, such as `purchases`, and expect its status."""
        path = f"/customers/{self.customer_id}/{what}"
        return self._is(status, path, await self._post(path, message, key))

    def _is(self, status: str, path: str, answer: Json) -> Json:
        found = (answer.get("reason"), answer.get("status"), answer.get("allowed"))
        if status not in found:
            raise StoryError(f"{self.customer_id} {path} should be {status}: {answer}")
        return answer

    async def _post(self, path: str, body: Json, key: str = "") -> Json:
        state = self.scene.stack.state()
        headers = {"Authorization": f"Bearer {state.api_key}", **PATIENCE}
        if key:
            headers["Idempotency-Key"] = key
        async with httpx.AsyncClient(timeout=None) as http:
            answer = await http.post(f"{state.api}/v1{path}", json=body, headers=headers)
        found: dict[str, Any] = answer.json()
        return found

    async def _now(self) -> datetime:
        """Return the time of the wallet where that is ahead: the API's clock is never turned."""
        return await asyncio.to_thread(self._read_now)

    def _read_now(self) -> datetime:
        account = self.scene.account_of(self.customer_id)
        with self.scene.engine.connect() as connection:
            return accounts.not_before(connection, account, datetime.now(UTC)) + HAIR

"""Events and their signed delivery: https://docs.stripe.com/webhooks.

Modelled: signature `t=…,v1=…` made anew for every delivery, at least once, retries with growing
pauses (Stripe: for up to three days; here compressed), any 2xx is success, no order guaranteed.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from local.stripe_standin.store import Json, Store

log = logging.getLogger(__name__)

API_VERSION = "2026-10-28.endive"
PAUSES = (0.2, 0.5, 1, 2, 5, 10, 20, 30, 30, 30, 60, 60, 60, 120, 300)  # seconds
TOGETHER = 0.1  # seconds of events that `reorder` turns around
TIMEOUT = 10.0
SUBSCRIBED = frozenset(
    {
        "charge.dispute.closed",
        "charge.dispute.created",
        "charge.dispute.funds_reinstated",
        "charge.refunded",
        "customer.deleted",
        "checkout.session.completed",
        "customer.updated",
        "invoice.marked_uncollectible",
        "invoice.paid",
        "invoice.payment_action_required",
        "invoice.payment_failed",
        "invoice.voided",
        "payment_intent.payment_failed",
        "payment_intent.processing",
        "payment_method.attached",
        "payment_method.automatically_updated",
        "payment_method.detached",
        "refund.created",
        "refund.failed",
        "setup_intent.succeeded",
    }
)


class Maker(Protocol):
    """Whoever makes objects (the world)."""

    def new(self, kind: str, **fields: object) -> Json:
        """Make and keep an object."""
        ...


@dataclass(slots=True)
class Endpoint:
    """Where events go, and how badly."""

    url: str = ""
    secret: str = ""
    duplicate: bool = False
    reorder: bool = False


def sign(payload: bytes, secret: str, at: int) -> str:
    """Make the `Stripe-Signature` header for a delivery at `at` (seconds since 1970)."""
    digest = hmac.new(secret.encode(), b"%d." % at + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclass(slots=True)
class Webhooks:
    """The events made so far and the deliveries under way."""

    store: Store
    endpoint: Endpoint = field(default_factory=Endpoint)
    delivered: int = 0
    failed: int = 0
    _together: list[Json] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    def record(self, maker: Maker, type_: str, thing: Json) -> Json:
        """Make the event and start to deliver it, if anybody subscribed to it."""
        copy = json.loads(json.dumps(thing))
        event = maker.new(
            "event", type=type_, data={"object": copy}, api_version=API_VERSION, pending_webhooks=0
        )
        if self.endpoint.url and type_ in SUBSCRIBED:
            event["pending_webhooks"] = 1
            self.send(event)
        return event

    def resume(self) -> None:
        """Deliver what a previous run of this stand-in had not delivered."""
        for event in self.store.every("event"):
            if event["pending_webhooks"] and self.endpoint.url:
                self.send(event)

    def send(self, event: Json) -> None:
        """Start delivering an event: once, twice or after its successors, as configured."""
        if not self.endpoint.reorder:
            self._start(event)
            return
        if not self._together:
            asyncio.get_running_loop().call_later(TOGETHER, self._turn_around)
        self._together.append(event)

    def log_violations(self, type_: str, found: list[str]) -> None:
        """Say loudly that an event would not be one of Stripe's."""
        for violation in found:
            log.error(
                "STAND-IN BUG: event %s breaks the published description: %s", type_, violation
            )

    def _turn_around(self) -> None:
        events, self._together = self._together[::-1], []
        for event in events:
            self._start(event)

    def _start(self, event: Json) -> None:
        for _ in range(2 if self.endpoint.duplicate else 1):
            task = asyncio.get_running_loop().create_task(self._deliver(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _deliver(self, event: Json) -> None:
        for pause in (*PAUSES, None):
            async with self._one_at_a_time:
                if await asyncio.to_thread(_post_for(self.endpoint, event)):
                    event["pending_webhooks"] = 0
                    self.store.put(event)
                    self.delivered += 1
                    return
            self.failed += 1
            if pause is not None:
                await asyncio.sleep(pause)
        log.warning("gave up delivering %s %s", event["type"], event["id"])


def _post_for(endpoint: Endpoint, event: Json) -> Callable[[], bool]:
    payload = json.dumps(event).encode()

    def post() -> bool:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": sign(payload, endpoint.secret, int(time.time())),
            "User-Agent": "Stripe stand-in (not Stripe)",
        }
        request = urllib.request.Request(endpoint.url, payload, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310
                return True
        except (OSError, urllib.error.HTTPError) as error:
            log.info("webhook not accepted: %s", error)
            return False

    return post

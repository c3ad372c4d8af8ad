"""The processor's webhook: events are verified, made durable and acknowledged, nothing more."""

import asyncio
import logging
import re
from typing import Annotated

from fastapi import APIRouter, Header
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from api.bodies import RawBody
from api.errors import UnavailableError
from api.services import Shared
from domain.errors import InvalidInput
from domain.payments.charges import ProcessorEvent
from gateways.webhooks.received import verify_event
from workflows import names
from workflows.stripe_event import HANDLED, StripeEvent

log = logging.getLogger(__name__)

PATIENCE = 5  # seconds; Stripe waits ten or more for an answer
IDENTIFIER = re.compile(r"[A-Za-z0-9_]{1,255}")  # https://docs.stripe.com/upgrades

router = APIRouter()


@router.post("/webhooks/stripe")
async def receive(
    services: Shared, body: RawBody, stripe_signature: Annotated[str, Header()] = ""
) -> dict[str, str]:
    """Start one workflow per event, however often it is sent; 503 makes Stripe send it again."""
    # The library's constant-time comparison accepts only ASCII.
    signature = stripe_signature if stripe_signature.isascii() else ""
    event = verify_event(body, signature, services.webhook_secret)
    for identifier in (event.event_id, event.object_id or "none"):
        if not IDENTIFIER.fullmatch(identifier):
            raise InvalidInput("malformed_event", f"{identifier!r:.100} is not an id of Stripe")
    if event.type not in HANDLED:
        return {"status": "ignored", "event": event.event_id}
    return {"status": await _start(services.temporal, event), "event": event.event_id}


async def _start(client: Client, event: ProcessorEvent) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await client.start_workflow(
                StripeEvent.run,
                event,
                id=names.stripe_event_workflow(event.event_id),
                task_queue=names.BILLING,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                static_summary=f"{event.type} {event.object_id}",
            )
    except WorkflowAlreadyStartedError:
        return "repeated"
    except (RPCError, RuntimeError, TimeoutError) as error:  # RuntimeError: no connection at all
        log.warning("event %s was not accepted, Temporal is unreachable: %s", event.event_id, error)
        raise UnavailableError("temporal_unavailable", "the event was not accepted") from error
    return "accepted"

"""Verify Stripe's webhook events: https://docs.stripe.com/webhooks#verify-manually."""

import json
from datetime import datetime, timedelta
from typing import Any

import stripe

from domain.errors import InvalidInput
from domain.messages.fields import once_each
from domain.payments.charges import ProcessorEvent

TOLERANCE = timedelta(minutes=5)  # Stripe's own libraries allow this between sending and arrival


def verify_event(
    payload: bytes, signature: str, secret: str, now: datetime | None = None
) -> ProcessorEvent:
    """Return the event in the raw body `payload` after verifying its `Stripe-Signature`.

    `now` (aware) replaces the machine's clock. Raises InvalidInput with reason `bad_signature`
    (also for a body that is not UTF-8, or signed more than five minutes ago) or `malformed_event`.
    """
    tolerance = int(TOLERANCE.total_seconds()) if now is None else None
    try:
        stripe.WebhookSignature.verify_header(payload, signature, secret, tolerance)
    except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
        message = "the signature does not match the body and the endpoint's secret, or is too old"
        raise InvalidInput("bad_signature", message) from error
    if now is not None and now.timestamp() - _signed_at(signature) > TOLERANCE.total_seconds():
        raise InvalidInput("bad_signature", "the message was signed more than five minutes ago")
    return _event(payload)


def _signed_at(signature: str) -> int:
    """Return the seconds since 1970 in an already verified header."""
    parts = dict(part.split("=", 1) for part in signature.split(","))
    return int(parts["t"])


def _event(payload: bytes) -> ProcessorEvent:
    try:
        event = json.loads(payload, object_pairs_hook=once_each)
        _require(event["object"] == "event")  # thin events are `v2.core.event`
        thing = event["data"]["object"]
        name = thing.get("id", "")  # a few objects, such as an upcoming invoice, have no id
        found = ProcessorEvent(event["id"], event["type"], name)
        _require(all(isinstance(text, str) for text in (found.event_id, found.type, name)))
        _require(bool(found.event_id and found.type))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        message = "the body is not a snapshot event: make the endpoint send snapshot payloads"
        raise InvalidInput("malformed_event", message) from error
    return found


def _require(condition: Any) -> None:
    if not condition:
        raise ValueError

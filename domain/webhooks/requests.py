"""What is sent: the body and its signed headers (Standard Webhooks)."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

PREFIX = "whsec_"
ORDER = ("type", "timestamp", "customer_id", "subscription_id", "seq", "balance", "data")


def body(event_id: str, payload: Mapping[str, Any]) -> bytes:
    """Return the JSON of an event, the same bytes for every attempt."""
    told = {"id": event_id} | {name: payload[name] for name in ORDER}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def headers(
    event_id: str, body: bytes, secrets: Sequence[str], sent_at: datetime
) -> dict[str, str]:
    """Return the headers of one attempt; every secret signs, so that receivers may know either.

    `sent_at` is the attempt's, not the event's: receivers refuse what is older than five minutes.
    """
    timestamp = str(int(sent_at.timestamp()))
    content = b".".join((event_id.encode(), timestamp.encode(), body))
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_signature(one, content)}" for one in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()

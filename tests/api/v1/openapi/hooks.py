"""For schemathesis: half of what it makes up is about a customer and an action that exist.

Loaded by its command, so that all it imports is schemathesis.
"""

from typing import Any
from uuid import uuid4

import schemathesis

# By which a request is refused before anybody looks at whom or what it is about.
UNREAD = {
    "malformed",
    "missing_field",
    "unknown_field",
    "unknown_parameter",
    "invalid_parameter",
    "invalid_key",
    "invalid_id",
    "invalid_quantity",
    "invalid_time",
    "invalid_tags",
}
known = {"customer_id": "acme", "action": "operation", "event_at": "2027-01-01T00:00:00Z"}


def _is_even(body: dict[str, Any]) -> bool:
    return len(str(body.get("key", ""))) % 2 == 0


@schemathesis.hook
def map_body(ctx: Any, body: Any) -> Any:
    """Name what exists in every other body that is an object."""
    if isinstance(body, dict) and _is_even(body) and not ctx.operation.path.startswith("/keys"):
        return {name: known.get(name, value) for name, value in body.items()}
    return body


@schemathesis.hook
def map_headers(ctx: Any, headers: Any) -> Any:
    """Give each request a key of its own: short ones would only meet each other's conflicts."""
    if isinstance(headers, dict) and "Idempotency-Key" in headers and not _is_broken(headers):
        return {**headers, "Idempotency-Key": str(uuid4())}
    return headers


def _is_broken(headers: dict[str, Any]) -> bool:
    return not str(headers["Idempotency-Key"]).strip().isascii()


@schemathesis.check
def what_the_schema_allows_is_read(ctx: Any, response: Any, case: Any) -> None:
    """The schemas say what the parsers do: nothing that fits is refused for how it is written."""
    generation = case.meta.generation if case.meta is not None else None
    if generation is None or generation.mode.value != "positive" or response.status_code < 400:
        return
    reason = response.json().get("reason")
    assert reason not in UNREAD, f"{reason}: {response.json().get('detail')}"

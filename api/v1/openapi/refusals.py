"""What an operation refuses, by status: its own reasons, and those of how it is asked."""

from collections import defaultdict
from typing import Any

from api.v1.endpoint import Endpoint
from api.v1.problems import MEDIA_TYPE, WAITS, cure_of, status_of

Json = dict[str, Any]

ANY = ("internal_error", "ledger_busy")
WITH_KEY = ("unauthorized", "scope_missing", "too_many_requests")
WITH_KEY_AWAY = ("database_unavailable",)
WITH_BODY = (
    "malformed",
    "missing_field",
    "unknown_field",
    "unsupported_media_type",
    "payload_too_large",
    "payload_too_slow",
)
KEYED = ("idempotency_key_missing", "idempotency_conflict", "request_under_way", "invalid_key")
QUERIED = ("unknown_parameter", "invalid_parameter")


def reasons_of(endpoint: Endpoint) -> list[str]:
    """Return every reason that an operation refuses by, each once."""
    found = [*endpoint.reasons, *ANY]
    if endpoint.scope is not None:
        found += [*WITH_KEY, *WITH_KEY_AWAY]
    if endpoint.request is not None:
        found += WITH_BODY
    if endpoint.keyed:
        found += KEYED
    if endpoint.method == "GET":
        found += QUERIED
    return list(dict.fromkeys(found))


def refusals(endpoint: Endpoint) -> dict[str, Json]:
    """Return an operation's answers that are problems, by status."""
    by_status: dict[int, list[str]] = defaultdict(list)
    for reason in reasons_of(endpoint):
        by_status[status_of(reason)].append(reason)
    return {str(status): _refusal(status, by_status[status]) for status in sorted(by_status)}


def _refusal(status: int, reasons: list[str]) -> Json:
    told = "\n".join(f"- `{reason}`: {cure_of(reason)}" for reason in sorted(reasons))
    headers = ["X-Request-Id"]
    if status in WAITS:
        headers.append("Retry-After")
    if status == 401:  # noqa: PLR2004
        headers.append("WWW-Authenticate")
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": {"reason": {"enum": sorted(reasons)}},
    }
    return {
        "description": told,
        "headers": named(headers),
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


def named(headers: list[str]) -> Json:
    """Return references to headers of the components."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}

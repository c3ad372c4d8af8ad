"""For schemathesis: half of what it makes up is about a customer and an action that exist.

Loaded by its command, so that all it imports is schemathesis.
"""

import os
import re
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
# Who exists, and whose subscription; and values that fit together, for acts to reach workflows.
CUSTOMER = os.environ.get("MADE_UP_CUSTOMER", "acme")
SUBSCRIPTION = os.environ.get("MADE_UP_SUBSCRIPTION", "acme")
known = {
    "customer_id": CUSTOMER,
    "action": "operation",
    "event_at": "2027-01-01T00:00:00Z",
    "catalog": "make",
    "plan_id": "core_10k",
    "plan": "core_40k",
    "payment_method": "pm_card_visa",
    "time_zone": "UTC",
    "locale": "en_US",
    "begins_at": "2027-01-02T00:00:00Z",
    "bonus": "feedback",
}
REPORTS = ("usage", "usage-by-day", "events", "prices", "liability", "movement", "charges", "debts")


def _is_even(body: dict[str, Any]) -> bool:
    return len(str(body.get("key", ""))) % 2 == 0


@schemathesis.hook
def map_body(ctx: Any, body: Any) -> Any:
    """Name what exists in every other body that is an object."""
    body = _whole(body)
    if isinstance(body, dict) and _is_even(body) and not ctx.operation.path.startswith("/keys"):
        return {
            name: known[name] if name in known and _is_read(name, value) else value
            for name, value in body.items()
        }
    return body


def _is_read(name: str, value: Any) -> bool:
    """Return whether a value may be replaced: what breaks the schema on purpose is to be sent."""
    if not isinstance(value, str) or not re.fullmatch(r"[!-~]{1,64}", value):
        return False
    return not name.endswith("_at") or value[:1].isdigit()


def _whole(value: Any) -> Any:
    """Write whole numbers as clients do: JSON Schema knows no other, our parsers take no 7.0."""
    if isinstance(value, dict):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def map_query(ctx: Any, query: Any) -> Any:
    """Say in a query what no schema can: each of several names once, a tag with its value."""
    if not isinstance(query, dict):
        return query
    found = dict(query)
    if isinstance(found.get("group_by"), str):
        found["group_by"] = ",".join(dict.fromkeys(found["group_by"].split(",")))
    return found


@schemathesis.hook
def map_path_parameters(ctx: Any, path_parameters: Any) -> Any:
    """Name who exists in every other path, and reports and price lists that there are."""
    if not isinstance(path_parameters, dict):
        return path_parameters
    where = ctx.operation.path
    mine = {"/customers/{id}": CUSTOMER, "/subscriptions/{id}": SUBSCRIPTION}
    known_ids = [one for prefix, one in mine.items() if where.startswith(prefix)]
    found = dict(path_parameters)
    if known_ids and len(str(found.get("id", ""))) % 2 == 0:
        found["id"] = known_ids[0]
    if where == "/reports/{name}":
        found["name"] = REPORTS[len(str(found.get("name", ""))) % len(REPORTS)]
    return found


@schemathesis.hook
def map_headers(ctx: Any, headers: Any) -> Any:
    """Give each request a key of its own: short ones would only meet each other's conflicts."""
    if isinstance(headers, dict) and "Idempotency-Key" in headers and not _is_broken(headers):
        return {**headers, "Idempotency-Key": str(uuid4())}
    return headers


def _is_broken(headers: dict[str, Any]) -> bool:
    return not str(headers["Idempotency-Key"]).strip().isascii()


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    """Let no request revoke the key that all others carry: the list of keys names it."""
    named = (case.path_parameters or {}).get("key_id")
    if named and named == os.environ.get("MADE_UP_WITH_KEY"):
        case.path_parameters["key_id"] = "000000000000"


@schemathesis.check
def what_the_schema_allows_is_read(ctx: Any, response: Any, case: Any) -> None:
    """The schemas say what the parsers do: nothing that fits is refused for how it is written."""
    generation = case.meta.generation if case.meta is not None else None
    if generation is None or generation.mode.value != "positive" or response.status_code < 400:
        return
    reason = response.json().get("reason")
    assert reason not in UNREAD, f"{reason}: {response.json().get('detail')}"

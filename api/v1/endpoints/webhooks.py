"""Webhooks out: who hears, what was sent, and sending it again."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from api.v1.call import Call, Reply, reply
from api.v1.changing import changed
from api.v1.endpoint import Endpoint, Example, Parameter
from api.v1.endpoints import schemas
from api.v1.endpoints.schemas import INSTANT, Schema, closed, titled
from api.v1.problems import Problem
from api.v1.reads.parameters import LIMIT, limit_of
from domain.api_keys import Scope
from domain.errors import InvalidInput
from domain.messages import fields
from domain.webhooks.events import TYPES
from ledger.notifications import webhook_endpoints, webhook_events
from ledger.notifications.webhook_endpoints import NewSecret

T = TypeVar("T")
# What the document's examples are about.
SHOWN, EVENT_SHOWN = {"endpoint_id": "we_4k2m9x7q1c8d5e3f"}, "evt_7_1"


async def create(call: Call) -> Reply:
    """Register an address that hears of what happens from now on."""
    raw = fields.only(
        fields.parse_object(call.body), "url", "owner_email", optional=("types", "catalog")
    )
    types = raw.get("types")
    if types is not None and not _texts(types):
        raise InvalidInput("invalid_types", "`types` must be a list of texts")
    catalog = call.own_catalog(raw.get("catalog"))
    email = fields.email({"email": raw["owner_email"]})
    url = fields.text(raw, "url", "invalid_url")

    def make(connection: Connection, at: datetime) -> NewSecret:
        return webhook_endpoints.create(
            connection,
            url,
            email,
            at=at,
            types=types,
            catalog=catalog,
            anywhere=call.services.webhook_private_addresses,
        )

    return await changed(call, make, partial(_shown_once, 201))


async def listed(call: Call) -> Reply:
    """List endpoints, the oldest first."""
    call.known()
    found = await read_through(call, partial(own, call))
    return reply({"data": [asdict(one) for one in found], "has_more": False})


async def rotate(call: Call) -> Reply:
    """Replace an endpoint's secret; the old one signs as well for a day."""
    fields.only(fields.parse_object(call.body))

    def change(connection: Connection, at: datetime) -> NewSecret:
        require_own(call, connection)
        return webhook_endpoints.rotate_secret(connection, call.path["endpoint_id"], at)

    return await changed(call, change, partial(_shown_once, 200))


async def switch(call: Call) -> Reply:
    """Switch an endpoint on or off."""
    on = fields.flag(fields.only(fields.parse_object(call.body), "on"), "on")

    def change(connection: Connection, at: datetime) -> None:
        require_own(call, connection)
        if on:
            webhook_endpoints.switch_on(connection, call.path["endpoint_id"])
        else:
            webhook_endpoints.switch_off(connection, call.path["endpoint_id"], at)

    told = {"endpoint_id": call.path["endpoint_id"], "state": "on" if on else "off"}
    return await changed(call, change, lambda _: reply(told))


async def delete(call: Call) -> Reply:
    """Delete an endpoint: nothing more is sent to it, what was sent stays listed."""

    def change(connection: Connection, at: datetime) -> None:
        require_own(call, connection, deleted=True)
        webhook_endpoints.delete(connection, call.path["endpoint_id"], at)

    told = {"endpoint_id": call.path["endpoint_id"], "state": "deleted"}
    return await changed(call, change, lambda _: reply(told))


async def events(call: Call) -> Reply:
    """List events in the order in which they are sent: go on after the last one that you have."""
    query = call.known("limit", "starting_after", "types")
    limit = limit_of(query)
    types = tuple(query["types"].split(",")) if "types" in query else ()
    if unknown := sorted(set(types) - set(TYPES)):
        raise Problem("invalid_parameter", f"{unknown[0]!a:.60} is no type of events")

    def read(connection: Connection) -> webhook_events.Page:
        return webhook_events.after(
            connection,
            query.get("starting_after"),
            limit=limit,
            types=types,
            catalog=call.key.catalog,
        )

    try:
        page = await read_through(call, read)
    except InvalidInput as error:
        raise Problem("invalid_cursor", str(error)) from error
    told = [{"id": one.event_id, **one.payload} for one in page.events]
    return reply({"data": told, "has_more": page.has_more})


async def redeliver(call: Call) -> Reply:
    """Send an event to an endpoint once more."""
    raw = fields.only(fields.parse_object(call.body), "endpoint_id")
    endpoint = fields.text(raw, "endpoint_id", "unknown_endpoint")

    def change(connection: Connection, at: datetime) -> None:
        if all(one.endpoint_id != endpoint for one in own(call, connection)):
            raise InvalidInput("unknown_endpoint", f"there is no endpoint {endpoint!a:.60}")
        webhook_events.redeliver(connection, call.path["event_id"], endpoint, at)

    told = {"event_id": call.path["event_id"], "endpoint_id": endpoint, "status": "waiting"}
    return await changed(call, change, lambda _: reply(told))


def own(
    call: Call, connection: Connection, *, deleted: bool = False
) -> list[webhook_endpoints.Endpoint]:
    """Return the endpoints that a key may see: all, or those of its price list."""
    found = webhook_endpoints.listed(connection, deleted=deleted)
    return [one for one in found if call.key.catalog in (None, one.catalog)]


def require_own(call: Call, connection: Connection, *, deleted: bool = False) -> None:
    """Require that a key may see the path's endpoint. Raises `InvalidInput`: `unknown_endpoint`."""
    wanted = call.path["endpoint_id"]
    if all(one.endpoint_id != wanted for one in own(call, connection, deleted=deleted)):
        raise InvalidInput("unknown_endpoint", f"there is no endpoint {wanted!a:.60}")


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _shown_once(status: int, made: NewSecret) -> Reply:
    told = {"endpoint_id": made.endpoint_id}
    return reply({**told, "secret": made.secret}, status).keeping({**told, "secret": None})


async def read_through(call: Call, read: Callable[[Connection], T]) -> T:
    """Return what a function reads from the ledger."""

    def run() -> T:
        with call.services.engine.connect() as connection:
            return read(connection)

    return await asyncio.to_thread(run)


_TYPES: Schema = {"type": "array", "minItems": 1, "uniqueItems": True, "items": {"enum": [*TYPES]}}
_LISTED = "^({0})(,({0}))*$".format("|".join(one.replace(".", r"\.") for one in TYPES))
MAYBE: Schema = {"type": ["string", "null"]}
_ENDPOINT: Schema = titled(
    "WebhookEndpoint",
    {
        "type": "object",
        "required": ["endpoint_id", "url", "state"],
        "properties": {
            "endpoint_id": {"type": "string"},
            "url": {"type": "string"},
            "types": {"anyOf": [_TYPES, {"type": "null"}]},
            "catalog": MAYBE,
            "owner_email": {"type": "string"},
            "state": {"enum": ["on", "off"]},
            "off_because": MAYBE,
            "created_at": INSTANT,
        },
    },
)
_SECRET: Schema = titled(
    "WebhookSecret",
    {
        "type": "object",
        "required": ["endpoint_id", "secret"],
        "properties": {
            "endpoint_id": {"type": "string"},
            "secret": {**MAYBE, "description": "Shown once: a repeat answers null."},
        },
    },
)
_EVENT: Schema = titled(
    "WebhookEvent",
    {
        "type": "object",
        "required": ["id", "type", "timestamp", "data"],
        "properties": {
            "id": {"type": "string"},
            "type": {"enum": [*TYPES]},
            "timestamp": INSTANT,
            "data": {"type": "object"},
        },
    },
)
_STATE: Schema = {"type": "object", "properties": {"state": {"enum": ["on", "off"]}}}
_post = partial(Endpoint, "POST", keyed=True)

WEBHOOKS = (
    _post(
        "/webhook_endpoints",
        scope=Scope.ADMIN,
        summary="Register an address that hears of what happens from now on.",
        handle=create,
        request=closed(
            {
                "url": {"type": "string", "pattern": "^https://[!-~]{1,180}$"},
                "owner_email": {"type": "string", "format": "email"},
            },
            types=_TYPES,
            catalog={"type": ["string", "null"], "pattern": "^[!-~]{1,64}$"},
        ),
        answer=_SECRET,
        statuses=(201,),
        reasons=("invalid_url", "invalid_types", "invalid_email", "unknown_catalog"),
        examples=(
            Example(
                "All that concerns credits",
                {
                    "url": "https://product.example/hooks",
                    "owner_email": "ops@product.example",
                    "types": ["balance.low", "balance.exhausted", "credits.granted"],
                },
                status=201,
            ),
        ),
    ),
    Endpoint(
        "GET",
        "/webhook_endpoints",
        Scope.ADMIN,
        summary="List the addresses that hear.",
        handle=listed,
        answer=schemas.page("WebhookEndpoints", _ENDPOINT),
    ),
    _post(
        "/webhook_endpoints/{endpoint_id}/rotate",
        scope=Scope.ADMIN,
        summary="Replace the secret; the old one signs as well for a day.",
        handle=rotate,
        request=closed({}),
        answer=_SECRET,
        reasons=("unknown_endpoint",),
        examples=(Example("A new secret", {}, path=SHOWN),),
    ),
    _post(
        "/webhook_endpoints/{endpoint_id}/switch",
        scope=Scope.ADMIN,
        summary="Switch an endpoint on or off.",
        handle=switch,
        request=closed({"on": {"type": "boolean"}}),
        answer=_STATE,
        reasons=("unknown_endpoint",),
        examples=(Example("Nothing more for now", {"on": False}, path=SHOWN),),
    ),
    Endpoint(
        "DELETE",
        "/webhook_endpoints/{endpoint_id}",
        Scope.ADMIN,
        summary="Delete an endpoint: what waits for it ends, what was sent stays listed.",
        handle=delete,
        answer={"type": "object", "properties": {"state": {"const": "deleted"}}},
        reasons=("unknown_endpoint",),
    ),
    Endpoint(
        "GET",
        "/events",
        Scope.READ,
        summary="List events in the order in which they are sent.",
        handle=events,
        answer=schemas.page("WebhookEvents", _EVENT),
        parameters=(
            LIMIT,
            Parameter("starting_after", {"type": "string"}, "The last event that you have."),
            Parameter(
                "types",
                {"type": "string", "pattern": _LISTED},
                "Types, separated by commas; all without it.",
            ),
        ),
        reasons=("invalid_cursor",),
    ),
    _post(
        "/events/{event_id}/redeliver",
        scope=Scope.OPERATOR,
        summary="Send an event to an endpoint once more.",
        handle=redeliver,
        request=closed({"endpoint_id": {"type": "string", "minLength": 1, "maxLength": 200}}),
        answer={"type": "object"},
        reasons=("unknown_endpoint", "unknown_webhook_event"),
        examples=(Example("Once more", SHOWN, path={"event_id": EVENT_SHOWN}),),
    ),
)

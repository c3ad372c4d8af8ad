"""Keys of the door, made and ended through it: a key of one price list rules only its own."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from api.v1.call import Call, Reply, reply
from api.v1.changing import changed
from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints import schemas
from api.v1.endpoints.schemas import INSTANT, Schema, closed, titled
from domain.api_keys import MOST_HOURS, Scope
from domain.errors import InvalidInput
from domain.messages import fields
from ledger import api_keys
from ledger.api_keys import ListedKey, NewKey

HOURS = 24  # that a replaced key works on, unless said otherwise
SHOWN = {"key_id": "4k2m9x7q1c8d"}  # which the document's examples are about


async def create(call: Call) -> Reply:
    """Make a key; its secret is in this answer alone."""
    raw = fields.only(fields.parse_object(call.body), "name", "scopes", "by", optional=("catalog",))
    scopes = raw["scopes"]
    if not isinstance(scopes, list) or not all(isinstance(one, str) for one in scopes):
        raise InvalidInput("unknown_scope", "`scopes` must be a list of texts")
    catalog = call.own_catalog(raw.get("catalog"))
    name, by = _text(raw, "name"), _text(raw, "by")

    def make(connection: Connection, at: datetime) -> NewKey:
        return api_keys.create(connection, name, scopes, catalog, by=by, at=at)

    return await changed(call, make, partial(_shown_once, 201))


async def listed(call: Call) -> Reply:
    """List keys, the oldest first, with when each was used last."""
    call.known()

    def read() -> list[ListedKey]:
        with call.services.engine.connect() as connection:
            return [one for one in api_keys.listed(connection) if _is_own(call, one)]

    now = datetime.now(UTC)
    found = await asyncio.to_thread(read)
    return reply({"data": [_told(one, now) for one in found], "has_more": False})


async def rotate(call: Call) -> Reply:
    """Replace a key; the old one works on for some hours."""
    raw = fields.only(fields.parse_object(call.body), "by", optional=("hours",))
    hours = raw.get("hours", HOURS)
    if isinstance(hours, bool) or not isinstance(hours, int):
        raise InvalidInput("invalid_value", f"`hours` is a whole number up to {MOST_HOURS}")
    by = _text(raw, "by")

    def change(connection: Connection, at: datetime) -> NewKey:
        _require_own(call, connection)
        return api_keys.rotate(connection, call.path["key_id"], hours, by=by, at=at)

    return await changed(call, change, partial(_shown_once, 200))


async def revoke(call: Call) -> Reply:
    """End a key for good; within seconds no process takes it any more."""
    by = _text(fields.only(fields.parse_object(call.body), "by"), "by")

    def change(connection: Connection, at: datetime) -> ListedKey:
        _require_own(call, connection)
        return api_keys.revoke(connection, call.path["key_id"], by, at)

    return await changed(call, change, lambda one: reply(_told(one, datetime.now(UTC))))


def _is_own(call: Call, one: ListedKey) -> bool:
    return call.key.catalog in (None, one.key.catalog)


def _require_own(call: Call, connection: Connection) -> None:
    """Raise `unknown_key` for a key of another seller, as for one that never was."""
    wanted = call.path["key_id"]
    own = (one for one in api_keys.listed(connection) if _is_own(call, one))
    if all(one.key.key_id != wanted for one in own):
        raise InvalidInput("unknown_key", f"there is no key {wanted!a:.60}")


def _text(raw: dict[str, Any], name: str) -> str:
    return fields.text(raw, name, "invalid_value")


def _shown_once(status: int, made: NewKey) -> Reply:
    """Return the answer with the secret; what is kept for a repeat is without it."""
    told: dict[str, Any] = {
        "key_id": made.key.key_id,
        "scopes": sorted(made.key.scopes),
        "catalog": made.key.catalog,
    }
    return reply({**told, "secret": made.secret}, status).keeping({**told, "secret": None})


def _told(one: ListedKey, now: datetime) -> dict[str, Any]:
    return {
        "key_id": one.key.key_id,
        "name": one.name,
        "scopes": sorted(one.key.scopes),
        "catalog": one.key.catalog,
        "live": one.works(now),
        "created_at": one.created_at,
        "created_by": one.created_by,
        "last_used_at": one.last_used_at,
        "expires_at": one.expires_at,
        "replaced_by": one.replaced_by,
        "revoked_at": one.revoked_at,
        "revoked_by": one.revoked_by,
    }


_NAME: Schema = {"type": "string", "pattern": r"^[!-~]([ -~]{0,98}[!-~])?$"}
_MAYBE_INSTANT: Schema = {"anyOf": [INSTANT, {"type": "null"}]}
_KEY: Schema = titled(
    "ApiKey",
    {
        "type": "object",
        "required": ["key_id", "scopes", "live"],
        "properties": {
            "key_id": {"type": "string"},
            "name": {"type": "string"},
            "scopes": {"type": "array", "items": {"enum": list(Scope)}},
            "catalog": {"type": ["string", "null"]},
            "live": {"type": "boolean"},
            "created_at": INSTANT,
            "created_by": {"type": "string"},
            "last_used_at": _MAYBE_INSTANT,
            "expires_at": _MAYBE_INSTANT,
            "replaced_by": {"type": ["string", "null"]},
            "revoked_at": _MAYBE_INSTANT,
            "revoked_by": {"type": ["string", "null"]},
        },
    },
)
_NEW_KEY: Schema = titled(
    "NewApiKey",
    {
        "type": "object",
        "required": ["key_id", "scopes", "secret"],
        "properties": {
            "key_id": {"type": "string"},
            "scopes": {"type": "array", "items": {"enum": list(Scope)}},
            "catalog": {"type": ["string", "null"]},
            "secret": {
                "type": ["string", "null"],
                "description": "The whole key, shown once: a repeat answers null.",
            },
        },
    },
)
_BY = {"by": _NAME}
_post = partial(Endpoint, "POST", scope=Scope.ADMIN, keyed=True)

KEYS = (
    _post(
        "/keys",
        summary="Make a key; its secret is shown once.",
        handle=create,
        request=closed(
            {
                "name": _NAME,
                "scopes": {
                    "type": "array",
                    "minItems": 1,
                    "uniqueItems": True,
                    "items": {"enum": list(Scope)},
                },
                **_BY,
            },
            catalog={"type": ["string", "null"], "pattern": "^[!-~]{1,64}$"},
        ),
        answer=_NEW_KEY,
        statuses=(201,),
        reasons=("unknown_scope", "unknown_catalog", "invalid_value"),
        examples=(
            Example(
                "For a product's backend",
                {"name": "backend", "scopes": ["usage", "read"], "by": "ada"},
                status=201,
            ),
        ),
    ),
    Endpoint(
        "GET",
        "/keys",
        Scope.ADMIN,
        summary="List keys, with when each was used last.",
        handle=listed,
        answer=schemas.page("ApiKeys", _KEY),
    ),
    _post(
        "/keys/{key_id}/rotate",
        summary="Replace a key; the old one works on for some hours.",
        handle=rotate,
        request=closed(_BY, hours={"type": "integer", "minimum": 0, "maximum": MOST_HOURS}),
        answer=_NEW_KEY,
        reasons=("unknown_key", "key_revoked", "key_replaced", "invalid_value"),
        examples=(Example("Within two days", {"by": "ada", "hours": 48}, path=SHOWN),),
    ),
    _post(
        "/keys/{key_id}/revoke",
        summary="End a key for good.",
        handle=revoke,
        request=closed(_BY),
        answer=_KEY,
        reasons=("unknown_key", "invalid_value"),
        examples=(Example("It was lost", {"by": "ada"}, path=SHOWN),),
    ),
)

"""What the document's operations share: headers, parameters, the problem, named schemas."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from api.v1.endpoints import schemas

Json = dict[str, Any]

PROBLEM: Json = {
    "type": "object",
    "description": "Problem details (RFC 9457). New members may come.",
    "required": ["type", "title", "status", "reason", "detail", "cure", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "A page about it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "reason": {"type": "string", "description": "What to branch on; it stays the same."},
        "detail": {"type": "string"},
        "cure": {"type": "string", "description": "What would make it succeed."},
        "request_id": {"type": "string"},
        "missing": {**schemas.CREDITS, "description": "Credits that are not there."},
        "asked": schemas.ASKED,
    },
}
TEXT: Json = {"type": "string"}
HEADERS: Json = {
    "X-Request-Id": {"description": "Yours if it is fit for logs, else ours.", "schema": TEXT},
    "Retry-After": {
        "description": "Seconds after which the same request may be sent again.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Idempotent-Replayed": {
        "description": "`true`: this is the first answer to the same request, given again.",
        "schema": {"enum": ["true"]},
    },
    "WWW-Authenticate": {"description": "How to send a key.", "schema": TEXT},
    "RateLimit": {
        "description": "Requests left to the key and seconds until there are more, where it has a "
        'limit: `"key";r=49;t=1`.',
        "schema": TEXT,
    },
    "RateLimit-Policy": {
        "description": 'Requests in a window of seconds, where there is a limit: `"key";q=50;w=1`.',
        "schema": TEXT,
    },
}
PARAMETERS: Json = {
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Your id of this attempt, for our logs: up to 64 letters, digits, `.`, `_`, "
        "`:`, `-`; another text is replaced.",
        "schema": TEXT,
    },
}
SECURITY: Json = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "dd_<id>_<secret>",
        "description": "A key of `cli.py keys create`. Its scopes and its price list bound it.",
    }
}
# Schemas of what a path names, by the name there.
IN_PATHS: dict[str, Json] = {
    "id": schemas.CUSTOMER,
    "member": schemas.CUSTOMER,
    "key": {**schemas.KEY, "description": "The key it was asked for by."},
}

_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_OF_SCHEMAS = ("properties", "patternProperties", "$defs")
_SCHEMA = ("items", "additionalProperties", "propertyNames", "not")
_LISTS = ("oneOf", "anyOf", "allOf")


def in_path(name: str) -> Json:
    """Return the schema of a path's parameter."""
    return IN_PATHS.get(name, schemas.TEXT)


class NamedSchemas:
    """Schemas with a title, each of which becomes one component."""

    def __init__(self) -> None:
        self.found: dict[str, Json] = {"Problem": PROBLEM}

    def referred(self, schema: Json) -> Json:
        """Return a schema in which those with a name are references.

        Raises `ValueError` if one name means two schemas.
        """
        inner = {name: _inside(name, value, self.referred) for name, value in schema.items()}
        title = schema.get("title")
        if not isinstance(title, str) or not _NAME.fullmatch(title):
            return inner
        if self.found.setdefault(title, inner) != inner:
            raise ValueError(f"two schemas are called {title}")
        return {"$ref": f"#/components/schemas/{title}"}


def _inside(name: str, value: Any, referred: Callable[[Json], Json]) -> Any:
    if name in _OF_SCHEMAS and isinstance(value, Mapping):
        return {key: referred(one) for key, one in value.items()}
    if name in _SCHEMA and isinstance(value, dict):
        return referred(value)
    if name in _LISTS:
        return [referred(one) for one in value]
    return value

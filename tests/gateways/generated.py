"""Stripe as its description alone knows it: any valid object, served to the library itself."""

import gzip
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import stripe

from gateways.stripe import StripePayments
from local.stripe_spec.checker import SPEC as SOURCE
from local.stripe_spec.checker import Spec

Json = dict[str, Any]
SPEC = Spec()
SCHEMAS: dict[str, Json] = json.loads(gzip.decompress(SOURCE.read_bytes()))["components"]["schemas"]
DEEPEST = 2
BRANCHES = ("anyOf", "oneOf")


def states(kind: str, field: str = "status") -> list[str]:
    """Return every value that the description allows for a field."""
    return list(SCHEMAS[kind]["properties"][field]["enum"])


def full(kind: str, **fields: Any) -> Json:
    """Make an object in which every key of its kind is there, then `fields`."""
    thing = dict(_full({"$ref": f"#/components/schemas/{kind}"}, 0)) | fields
    assert SPEC.answers.violations(SPEC.answers.named(kind), thing) == []
    return thing


def variations(kind: str, thing: Json) -> Iterator[tuple[str, Json]]:
    """Yield the object without each optional key, and with null where that is allowed."""
    schema = SCHEMAS[kind]
    for name, field in schema["properties"].items():
        if name not in schema.get("required", ()) and name in thing:
            yield f"without {name}", {key: value for key, value in thing.items() if key != name}
        if field.get("nullable"):
            yield f"{name} is null", thing | {name: None}


def _full(schema: Json, depth: int) -> Any:
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]
    if depth > DEEPEST and schema.get("nullable"):
        return None
    for branch in BRANCHES:
        if branch in schema:
            return _full(schema[branch][0], depth)
    kind = schema.get("type", "object")
    if kind == "object":
        return _object(schema, depth)
    if kind == "string":
        return schema.get("enum", ["0" if schema.get("format") == "decimal" else "text"])[0]
    return {"integer": 7, "number": 7, "boolean": True}.get(kind, [])


def _object(schema: Json, depth: int) -> Json:
    needed = schema.get("required", ())
    return {
        name: _full(field, depth + 1)
        for name, field in schema.get("properties", {}).items()
        if name in needed or depth < DEEPEST
    }


class Served(stripe.HTTPClient):
    """The objects of one processor, by their paths; a POST answers the object as it stands."""

    name = "generated"

    def __init__(self, things: dict[str, Json]) -> None:
        super().__init__()
        self._things = things

    def request(self, method: str, url: str, headers: Any, post_data: Any = None, **_: Any) -> Any:
        """Answer from the objects; what is not there is missing."""
        path = urlsplit(url).path.removeprefix("/v1/")
        for action in ("/pay", "/void"):
            path = path.removesuffix(action)
        found = self._things.get(path)
        status = 200 if found is not None else 404
        error = {"error": {"type": "invalid_request_error", "code": "resource_missing"}}
        return json.dumps(found if found is not None else error), status, {}

    def close(self) -> None:
        """Nothing is open."""


def listed(*things: Json) -> Json:
    """Make a list of objects."""
    return {"object": "list", "url": "/v1/things", "has_more": False, "data": list(things)}


def processor(things: dict[str, Json]) -> StripePayments:
    """Return our gateway in front of these objects."""
    return StripePayments("sk_test_generated", http=Served(things))

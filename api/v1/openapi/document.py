"""The OpenAPI document, made from the list of endpoints: what is not there is not in it either."""

import re
from collections.abc import Iterator, Sequence
from operator import attrgetter

from api.v1.endpoint import JSON, Endpoint, Example, Parameter, Theme
from api.v1.endpoints import schemas
from api.v1.openapi.components import (
    HEADERS,
    PARAMETERS,
    SECURITY,
    Json,
    NamedSchemas,
    in_path,
)
from api.v1.openapi.refusals import named, refusals
from domain.api_keys import Scope

PENDING = 202
ABOUT = """\
Credits, holds and subscriptions. Ids and keys are your own; credits are decimal texts, money is
minor units with a currency, instants are RFC 3339. Unknown fields are refused by name. Every POST
may be repeated: the same key and content get the first answer again. Answers may gain members.
"""

_NAMES = re.compile(r"\{(\w+)\}")


def document(endpoints: Sequence[Endpoint], themes: Sequence[Theme] = ()) -> Json:
    """Return the document of a list of endpoints, and of the themes they are told under."""
    known = NamedSchemas()
    paths: Json = {}
    for endpoint in endpoints:
        operations = paths.setdefault(endpoint.address, {})
        operations[endpoint.method.lower()] = _operation(endpoint, known)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Drawdown",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/v1"}],
        "security": [{"key": []}],
        "tags": [{"name": one.name, "description": one.title} for one in themes],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(known.found.items())),
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "securitySchemes": SECURITY,
        },
    }


def _operation(endpoint: Endpoint, known: NamedSchemas) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.theme],
        "parameters": _parameters(endpoint),
        "responses": {**_successes(endpoint, known), **refusals(endpoint)},
    }
    if endpoint.scope is None:
        operation["security"] = []
    else:
        operation["description"] = " ".join(_about(endpoint, endpoint.scope))
    if endpoint.request is not None:
        operation["requestBody"] = {"required": True, "content": _contents(endpoint, known)}
    return operation


def _about(endpoint: Endpoint, scope: Scope) -> Iterator[str]:
    yield f"Scope `{scope.value}`."
    if endpoint.messages:
        sent = " or ".join(f"`{name}`" for name in endpoint.messages)
        yield f"Sends the contract's {sent}."


def _parameters(endpoint: Endpoint) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": in_path(name)}
        for name in _NAMES.findall(endpoint.address)
    ]
    found += map(_parameter, endpoint.parameters)
    if endpoint.keyed:
        found.append(_idempotency_key(endpoint))
    shown = [_with_examples(one, endpoint.examples) for one in found]
    return [{"$ref": "#/components/parameters/RequestId"}, *shown]


def _with_examples(parameter: Json, examples: Sequence[Example]) -> Json:
    """Return a parameter with its values in the examples, by their names."""
    name = parameter["name"]
    kinds = {"path": attrgetter("path"), "query": attrgetter("query")}
    given = kinds.get(parameter["in"], attrgetter("headers"))
    shown = {one.name: {"value": given(one)[name]} for one in examples if name in given(one)}
    return {**parameter, "examples": shown} if shown else parameter


def _parameter(one: Parameter) -> Json:
    return {"name": one.name, "in": one.place, "description": one.description, "schema": one.schema}


def _idempotency_key(endpoint: Endpoint) -> Json:
    told = "Your own name of this request, for ever: a repeat gets the first answer."
    request = endpoint.request or {}
    forms = request.get("oneOf", [request])
    previews = any("preview" in one.get("properties", {}) for one in forms)
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": not previews,
        "description": f"{told} A preview needs none." if previews else told,
        "schema": schemas.KEY_HEADER,
    }


def _contents(endpoint: Endpoint, known: NamedSchemas) -> Json:
    return {
        kind: _content(
            known.referred(schemas.BY_MEDIA_TYPE.get(kind, endpoint.request or {})),
            {
                one.name: {"summary": one.name, "value": one.body}
                for one in endpoint.examples
                if one.body is not None and one.media_type == kind
            },
        )
        for kind in endpoint.media_types
    }


def _successes(endpoint: Endpoint, known: NamedSchemas) -> Json:
    answers: Json = {}
    for status in endpoint.statuses:
        schema = schemas.PENDING if status == PENDING else endpoint.answer
        shown = {one.name: {"value": one.answer} for one in _shown(endpoint, status)}
        answers[str(status)] = {
            "description": "Under way: send the same again, with the same key."
            if status == PENDING
            else "Done.",
            "headers": named(_headers(endpoint, status)),
            "content": {
                kind: _content(known.referred(schema), shown)
                if kind == JSON
                else {"schema": {"type": "string"}}
                for kind in endpoint.answers_as
            },
        }
        if endpoint.links and status != PENDING:
            answers[str(status)]["links"] = _links(endpoint)
    return answers


def _shown(endpoint: Endpoint, status: int) -> list[Example]:
    return [one for one in endpoint.examples if one.status == status and one.answer is not None]


def _headers(endpoint: Endpoint, status: int) -> list[str]:
    headers = ["X-Request-Id"]
    if endpoint.scope is not None:
        headers += ["RateLimit", "RateLimit-Policy"]
    if status == PENDING:
        headers.append("Retry-After")
    elif endpoint.method == "POST":
        headers.append("Idempotent-Replayed")
    return headers


def _content(schema: Json, examples: Json) -> Json:
    return {"schema": schema, "examples": examples} if examples else {"schema": schema}


def _links(endpoint: Endpoint) -> Json:
    links: Json = {}
    for one in endpoint.links:
        links[one.name] = {"operationId": one.to, "parameters": dict(one.path)}
        if one.body is not None:
            links[one.name]["requestBody"] = dict(one.body)
    return links

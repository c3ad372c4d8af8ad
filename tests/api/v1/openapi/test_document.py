"""The document is whole, says what is so, and is the one that is committed."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from api.v1.endpoints.every import DOCUMENTS, ENDPOINTS
from api.v1.openapi.document import document
from api.v1.openapi.refusals import reasons_of
from api.v1.problems import OWN, STATUSES
from api.v1.serving import AWAY
from domain.reasons import CURES
from local.openapi.__main__ import DOCUMENT
from local.openapi.breaking import breaking

TOLD = json.loads(DOCUMENTS.json)
OPERATIONS = [
    (path, method, operation)
    for path, methods in TOLD["paths"].items()
    for method, operation in methods.items()
]


def walk(value: Any) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from walk(one)


def test_the_committed_document_is_the_one_that_is_served():
    committed = DOCUMENT.read_bytes()
    assert committed == DOCUMENTS.json, (
        f"run `make openapi`; it breaks: {breaking(json.loads(committed), TOLD)}"
    )


def test_every_reference_leads_somewhere_and_every_component_is_used():
    used = {one["$ref"] for one in walk(TOLD) if isinstance(one.get("$ref"), str)}
    there = {
        f"#/components/{kind}/{name}"
        for kind, parts in TOLD["components"].items()
        if kind != "securitySchemes"
        for name in parts
    }
    assert used == there


def test_operations_have_names_of_their_own():
    named = Counter(operation["operationId"] for _, _, operation in OPERATIONS)
    assert set(named.values()) == {1}
    answers = [one for _, _, operation in OPERATIONS for one in operation["responses"].values()]
    linked = {link["operationId"] for one in answers for link in one.get("links", {}).values()}
    assert linked
    assert linked <= set(named)


def test_every_schema_is_one():
    found = [one["schema"] for one in walk(TOLD) if isinstance(one.get("schema"), dict)]
    found += TOLD["components"]["schemas"].values()
    assert len(found) > len(ENDPOINTS)
    assert [one for one in found if not jsonschema_rs.meta.is_valid(one)] == []


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_every_reason_is_known_and_every_body_has_an_example(endpoint):
    assert [one for one in reasons_of(endpoint) if one not in CURES and one not in OWN] == []
    assert endpoint.request is None or endpoint.examples
    assert {one.status for one in endpoint.examples} <= set(endpoint.statuses)
    assert {one.media_type for one in endpoint.examples} <= set(endpoint.media_types)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.name)
def test_examples_are_what_their_schemas_say(endpoint):
    operation = TOLD["paths"][endpoint.address][endpoint.method.lower()]
    for content in [
        *operation.get("requestBody", {}).get("content", {}).values(),
        *(kind for a in operation["responses"].values() for kind in a["content"].values()),
    ]:
        for name, example in content.get("examples", {}).items():
            whole = {**content["schema"], "components": TOLD["components"]}
            found = jsonschema_rs.Draft202012Validator(whole).iter_errors(example["value"])
            assert [f"{name}: {error.message}" for error in found] == []


def test_what_a_server_that_is_away_is_told_as_is_in_the_document():
    told = {reason for one in ENDPOINTS for reason in reasons_of(one)}
    assert set(AWAY.values()) <= told
    assert all("ledger_busy" in reasons_of(one) for one in ENDPOINTS)  # no room: before all else


def test_a_key_is_needed_but_where_a_preview_needs_none():
    for path, method, operation in OPERATIONS:
        keys = [one for one in operation["parameters"] if one.get("name") == "Idempotency-Key"]
        previews = any(
            "preview" in one for one in walk(operation.get("requestBody", {})) if "type" not in one
        )
        assert [one["required"] for one in keys] in ([], [not previews]), (method, path)


def test_statuses_come_from_the_reasons():
    (usage,) = [one for one in ENDPOINTS if one.name == "post_usage"]
    answers = TOLD["paths"]["/usage"]["post"]["responses"]
    for reason in reasons_of(usage):
        assert f"`{reason}`" in answers[str(STATUSES.get(reason, 422))]["description"]


def test_one_name_never_means_two_schemas():
    (usage,) = [one for one in ENDPOINTS if one.name == "post_usage"]
    other = type(usage)(
        "GET", "/x", None, "Other.", usage.handle, answer={"title": "Outcome", "type": "string"}
    )
    with pytest.raises(ValueError, match="Outcome"):
        document((usage, other))


async def test_anybody_may_read_it(api_url, http):
    answer = await http.get("/v1/openapi.json")
    assert (answer.status_code, answer.content) == (200, DOCUMENTS.json)
    page = await http.get("/v1/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert all(f'id="{op["operationId"]}"' in page.text for _, _, op in OPERATIONS)
    assert "http://" not in page.text.replace(api_url, "")


async def test_the_type_of_a_problem_leads_to_its_reason(http):
    refused = (await http.post("/v1/usage")).json()
    told = await http.get(refused["type"])
    assert told.json() == {
        "reason": "unauthorized",
        "status": 401,
        "title": "unauthorized",
        "cure": refused["cure"],
    }
    page = await http.get(refused["type"], headers={"Accept": "text/html,*/*"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<code>unauthorized</code>" in page.text
    every = (await http.get("/v1/reasons")).json()["reasons"]
    assert {one["reason"] for one in every} == {*OWN, *CURES}
    none = await http.get("/v1/reasons/never")
    assert (none.status_code, none.json()["reason"]) == (404, "not_found")


async def test_unknown_parameters_are_refused(http):
    for path in ("openapi.json", "docs", "reasons", "reasons/unauthorized"):
        answer = await http.get(f"/v1/{path}?more=1")
        assert (answer.status_code, answer.json()["reason"]) == (422, "unknown_parameter")

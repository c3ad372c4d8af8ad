"""What a new document takes away has a name; what it adds is nobody's trouble."""

import copy
import json

import pytest

from api.v1.endpoints.every import DOCUMENTS
from local.openapi.__main__ import unsaid
from local.openapi.breaking import breaking

OLD = json.loads(DOCUMENTS.json)
USAGE = ("paths", "/usage", "post")
EVENT = ("components", "schemas", "Event")
OUTCOME = ("components", "schemas", "Outcome")


def changed(change, *path):
    """Return the document with one place changed; all others it shares with the old one."""
    new = place = copy.copy(OLD)
    for name in path:
        place[name] = copy.copy(place[name])
        place = place[name]
    change(place)
    return new


def forget(name):
    return lambda place: place.pop(name)


def put(**members):
    return lambda place: place.update(members)


def test_the_same_document_breaks_nothing():
    assert breaking(OLD, copy.deepcopy(OLD)) == []


@pytest.mark.parametrize(
    ("new", "name"),
    [
        (changed(forget("/check"), "paths"), "POST /check"),
        (changed(forget("post"), "paths", "/usage"), "POST /usage"),
        (changed(put(operationId="x"), *USAGE), "POST /usage operationId"),
        (changed(forget("202"), *USAGE, "responses"), "POST /usage 202"),
        (
            changed(forget("Retry-After"), *USAGE, "responses", "202", "headers"),
            "POST /usage 202 header Retry-After",
        ),
        (
            changed(
                forget("application/json"), *USAGE, "responses", "200", "content"
            ),
            "POST /usage 200 application/json",
        ),
        (changed(forget("tags"), *EVENT, "properties"), "POST /usage request Event tags"),
        (
            changed(lambda needed: needed.append("tags"), *EVENT, "required"),
            "POST /usage request Event tags required",
        ),
        (
            changed(put(pattern="^a$"), *EVENT, "properties", "key"),
            "POST /usage request Event key pattern",
        ),
        (
            changed(put(type="integer"), *EVENT, "properties", "confirmed"),
            "POST /usage request Event confirmed type",
        ),
        (
            changed(put(maxProperties=3), *EVENT, "properties", "tags"),
            "POST /usage request Event tags maxProperties",
        ),
        (
            changed(put(maxItems=3), "components", "schemas", "Events", "properties", "events"),
            "POST /usage request Events events maxItems",
        ),
        (changed(forget("seq"), *OUTCOME, "properties"), "POST /usage 200 Outcome seq"),
        (changed(put(required=[]), *OUTCOME), "POST /usage 200 Outcome key not always"),
        (
            changed(put(enum=["debited"]), *OUTCOME, "properties", "status"),
            "POST /usage 200 Outcome status 'repeated'",
        ),
        (
            changed(put(type=["string", "null", "integer"]), *OUTCOME, "properties", "key"),
            "POST /usage 200 Outcome key type",
        ),
        (
            changed(put(required=True), *USAGE, "parameters", 1),
            "POST /usage parameter header Prefer required",
        ),
        (
            changed(lambda parts: parts.pop(1), *USAGE, "parameters"),
            "POST /usage parameter header Prefer",
        ),
        (
            changed(lambda parts: parts.pop(0), *USAGE, "requestBody", "content",
                    "application/json", "schema", "oneOf"),
            "POST /usage request Event",
        ),
        (changed(forget("security"), "paths", "/reasons", "get"), "GET /reasons open to all"),
    ],
)  # fmt: skip
def test_what_is_removed_or_narrowed_has_a_name(new, name):
    assert name in breaking(OLD, new)


@pytest.mark.parametrize(
    "new",
    [
        changed(put(more={"get": {}}), "paths"),
        changed(put(more={"type": "string"}), *EVENT, "properties"),
        changed(put(more={"type": "string"}), *OUTCOME, "properties"),
        changed(put(maxItems=2000), "components", "schemas", "Events", "properties", "events"),
        changed(put(required=["customer_id"]), *EVENT),
        changed(put(description="in other words"), *OUTCOME),
        changed(put(**{"418": {"description": "tea"}}), *USAGE, "responses"),
    ],
)
def test_what_is_added_or_widened_breaks_nothing(new):
    assert breaking(OLD, new) == []


def test_what_many_operations_share_is_named_once():
    new = changed(forget("seq"), "components", "schemas", "HoldAnswer", "properties")
    assert len(breaking(OLD, new)) > 1
    said = "# Changelog\n## [2]\n- gone: `200 seq`\n"
    assert unsaid(DOCUMENTS.json, json.dumps(new).encode(), said) == []


def test_what_breaks_must_be_named_in_the_newest_section_of_the_changelog():
    new = json.dumps(changed(forget("/check"), "paths")).encode()
    said = "# Changelog\n## [2]\n- gone: `POST /check`\n## [1]\n"
    before = "# Changelog\n## [2]\n- nothing\n## [1]\n- gone: `POST /check`\n"
    assert unsaid(DOCUMENTS.json, new, said) == []
    assert unsaid(DOCUMENTS.json, new, said.replace("POST /check", "x POST /check")) != []
    assert unsaid(DOCUMENTS.json, new, said.replace("POST /check", "/check")) != []
    assert unsaid(DOCUMENTS.json, new, before) == ["POST /check"]

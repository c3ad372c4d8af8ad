"""Every example of the document is sent, in order, and answered as it is shown."""

import json
import re
from typing import Any

import jsonschema_rs

from api.v1.endpoint import Endpoint, Example
from api.v1.endpoints.every import DOCUMENTS, ENDPOINTS

OF_A_FLEET = ("/subscriptions", "/customers/", "/invitations/")
TOLD = json.loads(DOCUMENTS.json)


def names_in(value: Any) -> Any:
    """Return a JSON value's names: what its values are depends on who asked before."""
    if isinstance(value, dict):
        return {name: names_in(one) for name, one in value.items()}
    return [names_in(one) for one in value] if isinstance(value, list) else None


async def send(door, endpoint: Endpoint, example: Example, others):
    def named(found):
        return others.get(example.path[found[1]], example.path[found[1]])

    path = re.sub(r"\{(\w+)\}", named, endpoint.address)
    headers = {"Content-Type": example.media_type, **example.headers}
    if endpoint.keyed:
        headers.setdefault("Idempotency-Key", f"{endpoint.name}: {example.name}")
    body = None if example.body is None else json.dumps(example.body)
    return await door.request(
        endpoint.method, path, params=dict(example.query), headers=headers, content=body
    )


async def test_every_example_works_as_it_is_shown(door, acme):
    wrong = []
    for endpoint in ENDPOINTS:
        if endpoint.method != "GET" and endpoint.address.startswith(OF_A_FLEET):
            continue  # acts of a subscription: tests/workflows/http sends them to a fleet
        for example in endpoint.examples:
            answer = await send(door, endpoint, example, acme)
            named = f"{endpoint.name}, {example.name}"
            wrong += [f"{named}: {one}" for one in faults(endpoint, example, answer)]
    assert wrong == []


def faults(endpoint, example, answer):
    if answer.status_code != example.status:
        yield f"{answer.status_code} {answer.text}"
        return
    if example.answer is not None and names_in(answer.json()) != names_in(example.answer):
        yield f"answered {answer.text}"
    told = TOLD["paths"][endpoint.address][endpoint.method.lower()]["responses"]
    content = told[str(example.status)]["content"]["application/json"]
    whole = {**content["schema"], "components": TOLD["components"]}
    for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(answer.json()):
        yield error.message

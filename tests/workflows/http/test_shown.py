"""Every example of an act in the OpenAPI document is sent to a subscription that lives."""

import json
import re

import jsonschema_rs

from api.v1.endpoints.every import DOCUMENTS, ENDPOINTS
from tests.workflows.http.test_starting import begun

TOLD = json.loads(DOCUMENTS.json)
OF_A_FLEET = ("/subscriptions", "/customers/", "/invitations/")
ACTS = [one for one in ENDPOINTS if one.method != "GET" and one.address.startswith(OF_A_FLEET)]
# What only a life in trouble, an id of the processor or a token of ours, can be asked.
REFUSED = {
    "post_customers_id_retry_payment": "nothing_declined",
    "post_customers_id_invoices_invoice_mail": "unknown_invoice",
    "post_invitations_token_accept": "unknown_invitation",
}
JOB = {
    "customer_id": "acme-http",
    "key": "job-20",
    "action": "operation",
    "quantity": "20",
    "event_at": "2026-07-01T12:00:00Z",
}


OURS = re.compile(r"(?<=[\"/])(acme|initech)(?=[\":/]|$)")


def addressed(endpoint, example):
    """Return path and body of an example, about customers that only this test has."""
    path = re.sub(r"\{(\w+)\}", lambda found: example.path[found[1]], endpoint.address)
    body = OURS.sub(r"\1-http", json.dumps(example.body))
    return OURS.sub(r"\1-http", path), json.loads(body)


def faults(endpoint, example, answer):
    if endpoint.name in REFUSED:
        if answer.json()["reason"] != REFUSED[endpoint.name]:
            yield answer.text
        return
    if answer.status_code != example.status:
        yield f"{answer.status_code} {answer.text}"
        return
    told = TOLD["paths"][endpoint.address][endpoint.method.lower()]["responses"]
    schema = told[str(example.status)]["content"]["application/json"]["schema"]
    whole = {**schema, "components": TOLD["components"]}
    for error in jsonschema_rs.Draft202012Validator(whole).iter_errors(answer.json()):
        yield error.message


async def test_every_example_of_an_act_works(fleet, door, post):
    wrong = []
    for endpoint in ACTS:
        for example in endpoint.examples:
            path, body = addressed(endpoint, example)
            key = example.headers.get("Idempotency-Key")
            answer = await post(path, body, key, method=endpoint.method)
            named = f"{endpoint.name}, {example.name}"
            wrong += [f"{named}: {one}" for one in faults(endpoint, example, answer)]
            if endpoint.name == "post_subscriptions" and "preview" not in body:
                await begun(door, body)
        if endpoint.name == "post_subscriptions" and "preview" not in body:
            assert (await door.post("/usage", json=JOB)).status_code == 200
    assert wrong == []

"""The id of a request goes with it through workflow and activities to what they write."""

import asyncio
import json

import pytest

import cli
from ledger import balances
from ledger.reads import requests
from tests.doors import refusals_told
from tests.workflows.http.test_starting import begun

pytestmark = pytest.mark.long


@pytest.fixture
def database_of_commands(door_variables, monkeypatch):
    for name, value in door_variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:1")


async def test_a_purchase_is_found_by_its_request_and_nothing_else_is(fleet, post):
    customer = await fleet.subscribe("core_10k")
    name = f"shop-{customer.name}"
    path = f"/customers/{customer.name}/purchases"
    bought = await post(path, {"credits": "3000"}, **{"X-Request-Id": name})
    assert bought.json()["status"] == "paid"

    with fleet.engine.connect() as connection:
        did = requests.did(connection, name)
        (act,), (charge,) = did.acts, did.charges
        history = balances.history(connection, customer.account_id)
    assert (act.address, act.status) == (f"POST /v1{path}", 200)
    assert (charge.charge_id, charge.state) == (bought.json()["charge_id"], "paid")
    assert {one.kind for one in did.lines} == {"grant"}
    assert 3_000_000_000 in [one.change_micro for one in did.lines]
    told = {one.seq: one.request_id for one in history}
    assert {seq for seq, by in told.items() if by == name} == {one.seq for one in did.lines}
    assert None in told.values()  # the first period
    customer.check()


async def test_a_declined_purchase_is_found_with_its_charge(fleet, post, door_url, servers_folder):
    customer = await fleet.subscribe("core_10k")
    await customer.update_card("tok_chargeCustomerFail")
    name = f"poor-{customer.name}"
    path = f"/customers/{customer.name}/purchases"
    for _ in range(2):  # the first answer, and that one again
        declined = await post(path, {"credits": "1000"}, name, **{"X-Request-Id": name})
        assert declined.status_code == 402
    told = refusals_told(door_url, servers_folder, name)
    assert [one.partition("refused: ")[2] for one in told] == [
        f"declined: customer '{customer.name}', key '{name}'"
    ] * 2

    with fleet.engine.connect() as connection:
        did = requests.did(connection, name)
    assert [one.status for one in did.acts] == [402]
    assert [one.decline_code for one in did.charges] != [None]
    assert did.lines == ()


async def test_a_start_is_found_by_what_its_first_run_did(fleet, door, post, beginning):
    body = beginning()
    name = f"start-{body['customer_id']}"
    answer = await post("/subscriptions", body, **{"X-Request-Id": name})
    assert answer.is_success
    await begun(door, body)

    with fleet.engine.connect() as connection:
        did = requests.did(connection, name)
    assert [one.kind for one in did.charges] == ["period"]
    assert {one.customer_id for one in did.charges} == {body["customer_id"]}


@pytest.mark.usefixtures("database_of_commands")
async def test_operators_see_what_a_request_did(fleet, post, capsys):
    customer = await fleet.subscribe("core_10k")
    name = f"seen-{customer.name}"
    path = f"/customers/{customer.name}/purchases"
    assert (await post(path, {"credits": "1000"}, **{"X-Request-Id": name})).is_success

    assert await asyncio.to_thread(cli.main, ["request", name]) == 0
    told = json.loads(capsys.readouterr().out)
    (act,), (charge,) = told["acts"], told["charges"]
    assert (act["address"], act["answer"]) == (f"POST /v1{path}", {"status": "paid"})
    assert (charge["kind"], charge["state"]) == ("manual_purchase", "paid")
    assert {line["kind"] for line in told["lines"]} == {"grant"}
    assert await asyncio.to_thread(cli.main, ["history", customer.name]) == 0
    assert "request" in capsys.readouterr().out
    assert await asyncio.to_thread(cli.main, ["request", "nobody-asked"]) == 2

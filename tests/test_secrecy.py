"""Nothing secret is in logs and histories, and personal things are only where they came in.

One life with a decline, mailed links, a team's request and both doors, in processes that log all
that any library says at DEBUG. docs/decisions/0054 says what may be where.
"""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from temporalio.client import Client

from local.credentials import OPERATOR, Credentials
from local.demo.scene import Scene, scene
from local.fleet import SERVED
from local.patience import until
from local.stripe_standin.process import WEBHOOK_SECRET, StandIn
from tests.fleet import Customer, Json, RunningFleet
from tests.overheard import Heard, holding, listened

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("secrecy")]  # one life for all

# Python imports a module of this name as it starts, so that every logger is heard.
LOUD = "import logging\nlogging.basicConfig(level=logging.DEBUG)\n"
PERSON = {"name": "Zoe Unmistakable", "email": "zoe@unmistakable.example"}
SECRET = slice(len("dd_abcdefghijkl_"), None)  # of a key, after its id
HIDDEN = "known-to-the-receiver-alone"
UNUSABLE = "ada(at)unmistakable.example"
CARD = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}(?![\w.-])")
# Where a history may have people: where they come in, on the way to the ledger, the processor and
# the next run, and in the answer to whoever named an address.
PEOPLE = {
    "started Subscription",
    "continued as new",
    "asked set_member",
    "calls begin_subscription",
    "calls register_payer",
    "calls set_member",
}
ADDRESSES = PEOPLE | {
    "asked mail_invoice",
    "asked set_finance_email",
    "calls mail_invoice",
    "calls set_finance_address",
    "answer to mail_invoice",
    "answer to set_finance_email",
}


@pytest.fixture(scope="module")
async def heard(servers_folder: Path) -> AsyncIterator[Heard]:
    folder = servers_folder / "loud"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(LOUD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        # Whoever turns the server's log of requests on must be safe too.
        logged = tuple(one for one in SERVED if one != "--no-access-log")
        patch.setattr("local.fleet.SERVED", logged)
        async with scene() as playing:
            secrets = await a_life(playing)
            yield await listened(playing, secrets)


async def a_life(playing: Scene) -> dict[str, str]:
    """Live; return what is secret, by what it is called."""
    stack = playing.stack
    fleet = RunningFleet(playing.client, playing.engine, stack.standin, stack.mail)
    key = stack.credentials.api_key
    wrong = key[:-8] + "unknown_"
    async with httpx.AsyncClient(base_url=stack.state().api, timeout=None) as http:
        customer = await fleet.subscribe("core_10k", auto=True)
        await through_http(http, customer, key, wrong)
        account, billing = await declined(customer)
        for link in (account, billing):
            assert (await http.get(link)).status_code in (200, 303)
        await invoices_by_mail(customer)
        approval = await asked_by_a_member(fleet)
        assert (await http.get(approval)).status_code == 200
        forged = {"Stripe-Signature": f"t=1,v1={WEBHOOK_SECRET}"}
        await http.post("/webhooks/stripe", json=PERSON, headers=forged)
        hooks = await webhooks(http, key, customer)
        opened = await consoles(http, key, customer, stack.credentials)
    await refused_at_its_start(playing.client)
    return {
        "an API key": key[SECRET],
        "a wrong API key": wrong[SECRET],
        "what signs links": stack.credentials.link_secret,
        "what signs webhooks": WEBHOOK_SECRET,
        "the processor's key": StandIn.api_key,
        "a link's token": urlsplit(account).path.rpartition("/")[2],
        "a request's token": approval.rpartition("token=")[2],
        **hooks,
        **opened,
    }


async def webhooks(http: httpx.AsyncClient, key: str, customer: Customer) -> dict[str, str]:
    """Let a receiver hear of a purchase; return what signs its events, before and after."""
    bearer = {"Authorization": f"Bearer {key}"}
    path, hook = "/v1/webhook_endpoints", f"https://127.0.0.1:8443/{HIDDEN}?token={HIDDEN}"
    body = {"url": hook, "owner_email": "ops@hooks.example"}
    made = await http.post(path, json=body, headers=bearer | {"Idempotency-Key": "hook"})
    own = f"{path}/{made.json()['endpoint_id']}"
    new = await http.post(f"{own}/rotate", json={}, headers=bearer | {"Idempotency-Key": "new"})
    await customer.update_card()

    async def look() -> list[Json]:
        return list((await http.get(f"{own}/deliveries", headers=bearer)).json()["data"])

    await until(look, lambda found: any(one["attempts"] for one in found), "a delivery")
    return {
        "a webhook's secret": made.json()["secret"],
        "a webhook's new secret": new.json()["secret"],
        "a receiver's address": HIDDEN,
    }


async def consoles(
    http: httpx.AsyncClient, key: str, customer: Customer, made: Credentials
) -> dict[str, str]:
    """Open both consoles; return what lets people in."""
    bearer = {"Authorization": f"Bearer {key}", "Idempotency-Key": "portal"}
    path = f"/v1/customers/{customer.name}/portal_session"
    link = (await http.post(path, json={"page": "credits"}, headers=bearer)).json()["url"]
    assert (await http.get(link)).status_code == 303
    assert (await http.get("/console/credits")).status_code == 200
    asked = await http.get("/operator/sign_in")
    (token,) = re.findall(r'name="csrf" value="([^"]+)"', asked.text)
    form = {"csrf": token, "email": OPERATOR, "password": made.password}
    assert (await http.post("/operator/sign_in", data=form)).status_code == 303
    assert (await http.get("/operator/customers")).status_code == 200
    return {
        "a console link's token": link.rpartition("/")[2],
        "a customer's session": str(http.cookies["drawdown_console"]),
        "an operator's session": str(http.cookies["drawdown_operator"]),
        "an operator's password": made.password,
    }


async def through_http(http: httpx.AsyncClient, customer: Customer, *keys: str) -> None:
    """Send usage with a key that works and with one that does not, and unreadable bodies."""
    event = await customer.event("1") | {"customer_id": customer.name}
    statuses = []
    for key in keys:
        headers = {"Authorization": f"Bearer {key}"}
        sent = await http.post("/v1/usage", json=event, headers=headers)
        statuses.append(sent.status_code)
        await http.post("/v1/usage", json=event | PERSON, headers=headers)
        await http.post("/v1/check", content=key.encode(), headers=headers)
    assert statuses == [200, 401]


async def declined(customer: Customer) -> tuple[str, str]:
    """Let a card be declined; return the mailed links to the account and to the card page."""
    card = customer.new_card("tok_chargeCustomerFail")
    await customer.life.signal("payment_method_updated", {"payment_method": card})
    await customer.life.settle()
    await customer.report(["10000"])
    assert (await customer.life.settle())["paused_by"] == ["payment_failed"]
    return await mailed(customer, "/account/"), await mailed(customer, "/billing/")


async def invoices_by_mail(customer: Customer) -> None:
    """Have receipts copied to one address and an invoice mailed to another."""
    (paid,) = customer.rows("SELECT invoice FROM charges WHERE account_id = %s AND state = 'paid'")
    finance = {"email": "finance@unmistakable.example"}
    assert (await customer.life.ask("set_finance_email", finance))["status"] == "done"
    sent = {"key": "mail", "invoice": paid[0], "email": "auditor@unmistakable.example"}
    assert (await customer.life.ask("mail_invoice", sent))["status"] == "done"


async def asked_by_a_member(fleet: RunningFleet) -> str:
    """Let a member ask for an approval; return the link that an admin was mailed."""
    team = await fleet.subscribe("starter", catalog="salestools")
    for member, role, email in (("zoe", "member", PERSON["email"]), ("grace", "admin", "")):
        person = {"name": PERSON["name"], "email": email or f"grace@{team.name}.example"}
        await team.life.ask("set_member", person | {"member": member, "role": role})
    event = await team.event("80", "job", "ai_email")
    await team.life.ask("request_approval", event | {"member": "zoe"})
    return await mailed(team, "/approvals")


async def mailed(customer: Customer, place: str) -> str:
    """Wait for a mailed link to a place; return it."""
    query = "SELECT payload FROM outbox WHERE account_id = %s AND topic = 'mail'"

    async def look() -> list[str]:
        text = json.dumps([row[0] for row in customer.rows(query)])
        return re.findall(rf'https?://[^"/]+{place}[^"]+', text)

    return (await until(look, bool, f"a mail that leads to {place}"))[-1]


async def refused_at_its_start(client: Client) -> None:
    """Start a subscription with an address that is none."""
    sent: Json = {
        "subscription_id": "refused",
        "customer_id": "refused",
        "name": PERSON["name"],
        "email": UNUSABLE,
        "catalog": "make",
        "plan_id": "core_10k",
    }
    handle = await client.start_workflow(
        "Subscription", sent, id="subscription:refused", task_queue="billing"
    )
    with pytest.raises(Exception, match="Workflow execution failed"):
        await handle.result()


async def test_the_life_was_loud_enough_to_be_heard(heard: Heard) -> None:
    assert set(heard.logs) >= {"api.log", "worker.log"}
    assert "DEBUG:" in heard.logs["api.log"] + heard.logs["worker.log"]
    assert "relay_mails" in heard.logs["worker.log"]
    assert "/account/sub-" in heard.logs["api.log"]
    assert all(len(secret) >= 12 for secret in heard.secrets.values())
    assert PERSON["email"] in heard.addresses


async def test_no_secret_is_in_a_log(heard: Heard) -> None:
    found = {
        (name, secret)
        for name, text in heard.logs.items()
        for secret, value in heard.secrets.items()
        if value in text
    }
    assert found == set()


async def test_no_secret_is_in_a_history(heard: Heard) -> None:
    found = {name: holding(heard, {value}) for name, value in heard.secrets.items()}

    assert {name: where for name, where in found.items() if where} == {}


async def test_nobodys_name_or_address_is_in_a_log(heard: Heard) -> None:
    words = heard.addresses | heard.names | {UNUSABLE}
    found = {(name, word) for name, text in heard.logs.items() for word in words if word in text}

    assert found == set()


async def test_no_card_number_is_anywhere(heard: Heard) -> None:
    assert CARD.search("card 4242 4242 4242 4242 was")
    everything = [*heard.logs.values(), *(one.text for one in heard.events), heard.lists]

    assert [found[0] for text in everything for found in CARD.finditer(text)] == []


async def test_addresses_are_in_histories_only_where_they_came_in(heard: Heard) -> None:
    found = holding(heard, heard.addresses | {UNUSABLE})

    assert found == {("subscription", kind) for kind in ADDRESSES}


async def test_names_are_there_and_where_admins_are_asked(heard: Heard) -> None:
    found = holding(heard, heard.names)

    assert found == {("subscription", kind) for kind in PEOPLE} | {
        ("approval", "answer to read_approval")
    }


async def test_lists_of_workflows_show_nobodys_name_or_address(heard: Heard) -> None:
    assert [word for word in heard.addresses | heard.names if word in heard.lists] == []

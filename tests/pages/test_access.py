"""What admins make in the console: endpoints, keys and accounts; nobody else can."""

from datetime import UTC, datetime
from itertools import count

import pytest
from sqlalchemy import text

from api.pages.operator import sessions
from domain.access.operators import OperatorRole
from ledger.notifications import webhook_events
from tests.pages.forms import forms_of, sent
from tests.pages.operators import PASSWORD, entered
from tests.screenless import screenless

WEBHOOKS, KEYS, OPERATORS = (f"/operator/{one}" for one in ("webhooks", "keys", "operators"))
SCRIPT = "<script>alert(1)</script>"
_numbers = count(1)


def secret_in(page):
    return page.text.partition("shown only now")[2] or page.text.partition("Shown only now")[2]


def place(page, action, field, value):
    return [one[field] for one in forms_of(page, action)].index(value)


async def test_a_key_is_shown_once_and_works_until_it_is_ended(fleet, web, door_url):
    olga = await entered(fleet, web)
    name = f"crm {next(_numbers)}"
    fields = forms_of(await web.get(KEYS), f"{KEYS}/make")[0] | {"name": name, "scope:read": "on"}
    made = await web.post(f"{KEYS}/make", data=fields)
    token = secret_in(made).partition("<code>")[2].partition("</code>")[0]
    again = await web.post(f"{KEYS}/make", data=fields)
    assert token.startswith("dd_")
    assert token not in again.text
    assert token not in (await web.get(KEYS)).text

    async with screenless(base_url=f"{door_url}/v1") as program:
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await program.get("/events", headers=bearer)).status_code == 200
    key_id = token.split("_")[1]
    page = await web.get(KEYS)
    assert page.text.count(f"<strong>{name}</strong>") == 1  # the repeat made nothing
    at = place(page, f"{KEYS}/revoke", "of", key_id)
    assert (await sent(web, KEYS, f"{KEYS}/revoke", at)).status_code == 303
    with fleet.engine.connect() as connection:
        row = text("SELECT created_by, revoked_by FROM api_keys WHERE key_id = :key")
        assert connection.execute(row, {"key": key_id}).one() == (olga.email, olga.email)


async def test_a_replaced_key_is_shown_once(fleet, web):
    await entered(fleet, web)
    typed = {"name": f"erp {next(_numbers)}", "scope:usage": "on"}
    made = await sent(web, KEYS, f"{KEYS}/make", **typed)
    key_id = secret_in(made).partition("<code>dd_")[2].partition("_")[0]
    at = place(await web.get(KEYS), f"{KEYS}/rotate", "of", key_id)
    wrong = await sent(web, KEYS, f"{KEYS}/rotate", at, hours="1e3")
    assert wrong.status_code == 422
    new = await sent(web, KEYS, f"{KEYS}/rotate", at, hours="0")
    assert secret_in(new).partition("<code>dd_")[2].partition("_")[0] != key_id


async def test_an_endpoint_is_made_switched_off_and_its_secret_replaced(fleet, web):
    await entered(fleet, web)
    url = f"https://hooks.example/{next(_numbers)}?a=%3Cscript%3E"
    typed = {"url": url, "owner_email": "ops@seller.example", "type:balance.low": "on"}
    made = await sent(web, WEBHOOKS, f"{WEBHOOKS}/make", **typed)
    assert "whsec_" in secret_in(made)
    page = await web.get(WEBHOOKS)
    assert "whsec_" not in page.text
    with fleet.engine.connect() as connection:
        row = text("SELECT endpoint_id, types FROM webhook_endpoints WHERE url = :url")
        endpoint, types = connection.execute(row, {"url": url}).one()
    assert types == ["balance.low"]
    for action, status in (("switch", 303), ("rotate", 200)):
        at = place(page, f"{WEBHOOKS}/{action}", "endpoint", endpoint)
        assert (await sent(web, WEBHOOKS, f"{WEBHOOKS}/{action}", at)).status_code == status
    assert "off: by hand" in (await web.get(WEBHOOKS)).text
    listed = await web.get(WEBHOOKS, params={"endpoint": endpoint})
    assert "Nothing was sent yet." in listed.text
    refused = await sent(web, WEBHOOKS, f"{WEBHOOKS}/make", url=SCRIPT, owner_email="a@b.example")
    assert refused.status_code == 422
    assert SCRIPT not in refused.text


async def test_what_failed_is_sent_again(fleet, web):
    await entered(fleet, web)
    url = f"https://hooks.example/{next(_numbers)}"
    await sent(web, WEBHOOKS, f"{WEBHOOKS}/make", url=url, owner_email="ops@seller.example")
    acme = await fleet.subscribe("core_10k")
    with fleet.engine.begin() as connection:
        found = text("SELECT endpoint_id FROM webhook_endpoints WHERE url = :url")
        endpoint = connection.scalar(found, {"url": url})
        off = text("""
            UPDATE webhook_endpoints SET state = 'off', off_because = 'by_hand', off_at = now()
            WHERE endpoint_id = :endpoint
        """)
        connection.execute(off, {"endpoint": endpoint})  # or the relay would send them itself
    with fleet.engine.begin() as connection:
        while webhook_events.publish(connection, datetime.now(UTC)):
            pass
    # One row a transaction: the relay may be at them, and whoever holds some would wait for others.
    autocommit = fleet.engine.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection:
        mine = text("""
            SELECT account_id, number FROM webhook_events
            JOIN customers USING (account_id) WHERE customer_id = :customer
        """)
        failed = text("""
            INSERT INTO webhook_deliveries (account_id, number, endpoint_id, next_at)
            VALUES (:account_id, :number, :endpoint, now()) ON CONFLICT DO NOTHING
        """)
        for row in connection.execute(mine, {"customer": acme.name}).mappings().all():
            connection.execute(failed, {**row, "endpoint": endpoint})
        given_up = text("UPDATE webhook_deliveries SET state = 'failed' WHERE endpoint_id = :it")
        connection.execute(given_up, {"it": endpoint})
    page = f"{WEBHOOKS}?endpoint={endpoint}"
    forms = forms_of(await web.get(page), f"{WEBHOOKS}/redeliver")
    assert forms
    again = await web.post(f"{WEBHOOKS}/redeliver", data=forms[0])
    assert again.status_code == 303, again.text
    shown = await web.get(again.headers["location"])
    assert forms[0]["event"] in shown.text
    assert len(forms_of(shown, f"{WEBHOOKS}/redeliver")) == len(forms) - 1


async def test_an_account_is_added_changed_and_ended(fleet, web, door_url):
    olga = await entered(fleet, web)
    email = f"bob-{next(_numbers)}@seller.example"
    typed = {"name": SCRIPT, "email": email, "role": "support", "password": PASSWORD}
    assert (await sent(web, OPERATORS, f"{OPERATORS}/add", **typed)).status_code == 303
    page = await web.get(OPERATORS)
    assert email in page.text
    assert SCRIPT not in page.text

    async with screenless(base_url=door_url) as bob:
        token = forms_of(await bob.get("/operator/sign_in"), "/operator/sign_in")[0]
        await bob.post("/operator/sign_in", data={"csrf": token["csrf"], "email": email,
                                                  "password": PASSWORD})  # fmt: skip
        assert (await bob.get("/operator/finance")).status_code == 404
        at = place(page, f"{OPERATORS}/role", "email", email)
        await sent(web, OPERATORS, f"{OPERATORS}/role", at, role="finance")
        assert (await bob.get("/operator/finance")).status_code == 200
        at = place(page, f"{OPERATORS}/disable", "email", email)
        await sent(web, OPERATORS, f"{OPERATORS}/disable", at)
        assert (await bob.get("/operator/customers")).status_code == 303

    for action in ("role", "disable"):
        own = await sent(web, OPERATORS, f"{OPERATORS}/{action}", email=olga.email, role="support")
        assert own.status_code == 422, action
    short = await sent(web, OPERATORS, f"{OPERATORS}/add", **typed | {"password": "short"})
    assert short.status_code == 422


@pytest.mark.parametrize("role", [OperatorRole.SUPPORT, OperatorRole.FINANCE])
async def test_nobody_but_admins_sees_or_sends(fleet, web, role):
    await entered(fleet, web, role)
    assert sessions.COOKIE.name in web.cookies
    csrf = forms_of(await web.get("/operator/health"), "/operator/health/settle")
    token = csrf[0]["csrf"] if csrf else ""
    for page, acts in (
        (WEBHOOKS, ("make", "rotate", "switch", "redeliver")),
        (KEYS, ("make", "rotate", "revoke")),
        (OPERATORS, ("add", "role", "password", "disable")),
    ):
        assert (await web.get(page)).status_code == 404
        for act in acts:
            answer = await web.post(f"{page}/{act}", data={"csrf": token, "key": "k"})
            assert answer.status_code == 404, (page, act)

"""A member who is no admin neither sees what costs money nor can send its forms."""

import json

import pytest

from api.pages.customer import sessions
from api.pages.forms import token_of
from domain.access.sealed import Seal, unseal
from tests.deployment import LINK_SECRET
from tests.pages.forms import forms_of

SECRETS = (LINK_SECRET,)

PAGES = {
    "/console/buy?credits=1000": ("/console/buy/confirm",),
    "/console/auto_purchase": ("/console/auto_purchase/switch",),
    "/console/payment": ("/console/payment/use", "/console/payment/retry"),
    "/console/invoices": ("/console/invoices/mail", "/console/invoices/finance"),
}
FILES = ("/console/payment/card", "/console/invoices/pdf", "/console/buy/bank")


@pytest.fixture
async def acme(fleet):
    made = await fleet.subscribe("core_10k")
    await made.life.ask("set_member", {"member": "ada", "name": "Ada", "email": "ada@x.example"})
    return made


async def test_a_member_is_shown_nothing_and_sends_nothing(acme, link, web):
    await web.get(await link(acme.name))
    shown = await web.get("/console/buy?credits=1000")
    bought = forms_of(shown, "/console/buy/confirm")[0]
    web.cookies.clear()
    await web.get(await link(acme.name, member="ada"))
    sealed = unseal(SECRETS, Seal.CUSTOMER, web.cookies[sessions.COOKIE.name])
    bought["csrf"] = token_of(SECRETS, json.loads(sealed)["id"])  # of the member's own session
    menu = (await web.get("/console/credits")).text
    for page, acts in PAGES.items():
        assert page.partition("?")[0] not in menu
        assert (await web.get(page)).status_code == 404, page
        for act in acts:
            assert (await web.post(act, data=bought)).status_code == 404, act
    for file in FILES:
        assert (await web.get(file, params={"invoice": acme.invoice_of("paid")})).status_code == 404
    assert acme.charges() == [("period", "paid", 900)]

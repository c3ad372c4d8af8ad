"""The link behind most mails' buttons opens the console, for its own reader alone."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from activities.context import BillingContext
from activities.notifications.mails import Desk as MailDesk
from domain.mails.links import account_link, invoices_link
from domain.mails.money import InvoiceCopy
from ledger import accounts
from tests.api.v1.conftest import put_on
from tests.builders import shipped_plan
from tests.deployment import LINK_SECRET
from tests.mail.samples import every_mail


def link(subscription_id):
    return account_link("", (LINK_SECRET,), subscription_id, datetime.now(UTC))


async def test_the_link_opens_the_first_page(http, desk):
    wallet, _ = desk.customer()
    answer = await http.get(link(wallet.subscription_id))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/credits")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_link_that_we_did_not_sign_shows_nothing(http, desk):
    wallet, _ = desk.customer()
    other, _ = desk.customer()
    token = link(other.subscription_id).rpartition("/")[2]
    answer = await http.get(f"/account/{wallet.subscription_id}/{token}")
    assert answer.status_code == 404
    assert "Use the button in the newest mail" in answer.text


@pytest.mark.parametrize("name", ["a/b", "Zoë & Søn"])
async def test_the_link_works_for_every_name(http, desk, name):
    wallet, _ = desk.customer(f"{name}-{uuid4()}")
    assert (await http.get(link(wallet.subscription_id))).status_code == 303


async def test_a_subscription_that_is_gone_has_no_page(http):
    answer = await http.get(link(f"gone-{uuid4()}"))
    assert answer.status_code == 404
    assert "Use the button in the newest mail" in answer.text


async def test_a_mail_leads_to_the_page_that_answers_it_and_to_no_other_site(http, desk):
    wallet, _ = desk.customer()
    for page, leads in (("invoices", "invoices"), ("//evil.example", "credits"), ("", "credits")):
        answer = await http.get(link(wallet.subscription_id), params={"page": page})
        assert answer.headers["Location"] == f"/console/{leads}"


async def test_who_is_not_the_customer_gets_at_invoices_alone(http, desk, engine):
    wallet, _ = desk.customer()
    with engine.begin() as connection:
        put_on(connection, wallet, shipped_plan("make", "core_10k"))
    mailed = invoices_link("", (LINK_SECRET,), wallet.subscription_id, datetime.now(UTC))
    answer = await http.get(mailed)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/invoices")
    shown = await http.get("/console/invoices")
    assert shown.status_code == 200
    assert "<form" not in shown.text
    for page in ("credits", "buy", "payment", "auto_purchase"):
        assert (await http.get(f"/console/{page}")).status_code == 404
    assert (await http.get(mailed.replace("/invoices/", "/account/"))).status_code == 404
    http.cookies.clear()


@pytest.mark.parametrize(
    ("to", "path"), [(None, "/account/"), ("audit@other.example", "/invoices/")]
)
def test_a_receipt_that_goes_elsewhere_leads_to_invoices(engine, desk, to, path):
    wallet, _ = desk.customer()
    context = BillingContext(engine, {}, "https://billing.example", (LINK_SECRET,))
    with engine.begin() as connection:
        letters = MailDesk(context, connection, wallet.account_id, wallet.subscription_id)
        copied = next(one for one in every_mail().values() if isinstance(one, InvoiceCopy))
        button = replace(
            copied.reader,
            action_url=context.account_link(wallet.subscription_id, datetime.now(UTC)),
        )
        own = accounts.details_of(connection, wallet.account_id).email
        letters.send(to or own, "copy", replace(copied, reader=button))
        sent = letters.sent("copy")
    assert path in sent["mail"]["reader"]["action_url"]

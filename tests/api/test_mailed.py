"""A mailed link opens for as long as it should; a new one goes to the address on file alone."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from sqlalchemy import text

from activities.context import BillingContext
from activities.notifications.mails import Desk as MailDesk
from catalogs.reader import read_catalog
from domain.access.sealed import Seal, seal
from domain.mails.links import Opens, account_link, billing_link, invoices_link, undated_token
from domain.mails.notices import FreshLink
from ledger import accounts
from ledger.notifications import outbox
from settings import CATALOGS
from tests.api.v1.conftest import put_on
from tests.builders import shipped_plan
from tests.deployment import LINK_SECRET

SECRETS = (LINK_SECRET,)
LIFE = timedelta(days=90)
A_MOMENT = timedelta(minutes=5)
LINKS = (account_link, billing_link, invoices_link)
FRESH = "/links/fresh"


@pytest.fixture
def wallet(desk, engine):
    made, _ = desk.customer()
    with engine.begin() as connection:
        put_on(connection, made, shipped_plan("make", "core_10k"))
    return made


def queued(engine, wallet):
    """Return the new links that were queued for a customer."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT payload FROM outbox WHERE account_id = :it AND topic = 'mail'"),
            {"it": wallet.account_id},
        )
        return [one for (one,) in rows if one["mail"]["kind"] == "fresh_link"]


def button(page):
    return unescape(re.search(r'name="link" value="([^"]+)"', page.text)[1])


@pytest.mark.parametrize("link", LINKS)
async def test_a_link_opens_until_its_life_is_over(http, wallet, link):
    now = datetime.now(UTC)
    for age, status in ((A_MOMENT, 303), (LIFE - A_MOMENT, 303), (LIFE, 410), (LIFE * 9, 410)):
        answer = await http.get(link("", SECRETS, wallet.subscription_id, now - age))
        assert answer.status_code == status, age
        assert ("set-cookie" in answer.headers) == (status == 303 and link is not billing_link)
    http.cookies.clear()


async def test_an_expired_link_has_a_new_one_mailed_once_an_hour(http, wallet, engine):
    old = account_link("", SECRETS, wallet.subscription_id, datetime.now(UTC) - LIFE)
    page = await http.get(old)
    assert "This link has expired" in page.text
    assert "90 days" in page.text
    assert wallet.customer_id not in page.text
    for _ in range(3):
        asked = await http.post(FRESH, data={"link": button(page)})
        assert asked.status_code == 200
    mails = queued(engine, wallet)
    assert 1 <= len(mails) <= 2  # an hour may have ended between
    with engine.connect() as connection:
        email = accounts.details_of(connection, wallet.account_id).email
    assert {one["to"] for one in mails} == {email}
    where = mails[0]["mail"]["reader"]["action_url"]
    opened = await http.get(urlsplit(where).path)
    assert opened.status_code == 303
    http.cookies.clear()


async def test_who_asks_is_told_the_same_whoever_it_is_about(http, wallet, engine):
    told = set()
    now = datetime.now(UTC).isoformat()
    for opens, name in (
        (Opens.CONSOLE, wallet.subscription_id),
        (Opens.CONSOLE, f"gone-{uuid4()}"),
        (Opens.INVOICES, wallet.subscription_id),  # nobody is on file for these
    ):
        sealed = seal(SECRETS, Seal.FRESH_LINK, json.dumps([opens, name, now]))
        asked = await http.post(FRESH, data={"link": sealed})
        told.add((asked.status_code, asked.text))
    assert len(told) == 1
    assert [one["mail"]["is_of_invoices"] for one in queued(engine, wallet)] == [False]


async def test_who_has_invoices_alone_gets_no_more_and_only_at_finance(http, wallet, engine):
    with engine.begin() as connection:
        finance = text("UPDATE customers SET finance_email = :it WHERE account_id = :account")
        values = {"it": "books@acme.example", "account": wallet.account_id}
        connection.execute(finance, values)
    old = invoices_link("", SECRETS, wallet.subscription_id, datetime.now(UTC) - LIFE)
    await http.post(FRESH, data={"link": button(await http.get(old))})
    (mail,) = queued(engine, wallet)
    assert mail["to"] == "books@acme.example"
    assert "/invoices/" in mail["mail"]["reader"]["action_url"]


async def test_a_button_that_is_old_edited_or_of_another_page_sends_nothing(http, wallet, engine):
    day = timedelta(days=1)
    facts = [Opens.CONSOLE, wallet.subscription_id]
    old = json.dumps([*facts, (datetime.now(UTC) - day).isoformat()])
    new = json.dumps([*facts, datetime.now(UTC).isoformat()])
    for sent in (
        seal(SECRETS, Seal.FRESH_LINK, old),
        seal(SECRETS, Seal.CUSTOMER, new),
        seal(("another secret of thirty-two characters",), Seal.FRESH_LINK, new),
        seal(SECRETS, Seal.FRESH_LINK, new)[:-1],
        "",
        "\x00",
    ):
        answer = await http.post(FRESH, data={"link": sent})
        assert answer.status_code == 404, sent
        assert answer.headers["content-type"].startswith("text/html")
    assert queued(engine, wallet) == []


async def test_a_link_of_before_opens_for_the_life_of_its_mail(http, wallet, engine):
    token = undated_token(LINK_SECRET, Opens.CONSOLE, wallet.subscription_id)
    link = f"/account/{wallet.subscription_id}/{token}"
    assert (await http.get(link)).status_code == 410  # no mail is known
    row = text("""
        INSERT INTO outbox (account_id, message_key, topic, payload, recorded_at)
        VALUES (:it, :key, 'mail', CAST(:payload AS jsonb), :at)
    """)
    payload = json.dumps({"mail": {"reader": {"action_url": f"https://drawdown.example{link}"}}})
    for age, status in ((LIFE + A_MOMENT, 410), (LIFE - A_MOMENT, 303)):
        key, at = f"before-{age}", datetime.now(UTC) - age
        with engine.begin() as connection:
            values = {"it": wallet.account_id, "key": key, "payload": payload, "at": at}
            connection.execute(row, values)
        assert (await http.get(link)).status_code == status
    http.cookies.clear()


def test_a_mail_that_is_queued_again_keeps_its_link(wallet, engine):
    catalogs = {"make": read_catalog(CATALOGS / "make.yaml")}
    context = BillingContext(engine, catalogs, "https://billing.example", SECRETS)
    first = {"mail": {"reader": {"action_url": "https://billing.example/account/of/an-older-day"}}}
    with engine.begin() as connection:
        letters = MailDesk(context, connection, wallet.account_id, wallet.subscription_id)
        key = f"{wallet.subscription_id}:twice"
        outbox.put(connection, wallet.account_id, key, "mail", first)
        mail = FreshLink(reader=letters.reader_of("Core", "make"), days=90, is_of_invoices=False)
        letters.post("twice", mail)
        letters.post("once", mail)
        assert letters.sent("twice") == first
        link = letters.sent("once")["mail"]["reader"]["action_url"]
        at = outbox.instant(connection)
    assert link == account_link("https://billing.example", SECRETS, wallet.subscription_id, at)

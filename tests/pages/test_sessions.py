"""Who gets into the customer's console, for how long, and as whom."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from api.pages.customer import sessions
from domain.access.sealed import Seal, seal, unseal
from domain.mails.links import account_link
from models.tables import PortalSession
from tests.deployment import LINK_SECRET

SECRETS = (LINK_SECRET,)
OTHER = "another-secret-of-at-least-so-many-characters"


@pytest.fixture
async def acme(fleet):
    return await fleet.subscribe("core_10k")


def cookie_of(answer):
    return answer.cookies[sessions.COOKIE.name]


async def test_a_link_opens_its_page_once(acme, link, web):
    opened = await link(acme.name, page="buy")
    first = await web.get(opened)
    assert (first.status_code, first.headers["location"]) == (303, "/console/buy")
    shown = await web.get("/console/buy")
    assert shown.status_code == 200
    assert "Core 10,000" in shown.text

    web.cookies.clear()
    again = await web.get(opened)
    assert again.status_code == 404
    assert sessions.COOKIE.name not in again.cookies


async def test_whoever_only_looks_whether_there_is_a_page_does_not_use_its_link_up(acme, link, web):
    opened = await link(acme.name)
    looked = await web.head(opened)
    assert sessions.COOKIE.name not in looked.cookies
    assert (await web.get(opened)).status_code == 303


async def test_a_processor_that_is_away_is_told_on_a_page(acme, link, web, fleet):
    await web.get(await link(acme.name, page="payment"))
    acme.fault("429", method="GET", count=50)
    answer = await web.get("/console/payment")
    fleet.standin.behave()
    assert answer.status_code == 503
    assert answer.headers["content-type"].startswith("text/html")
    assert "The payment processor does not answer" in answer.text


async def test_an_expired_or_edited_link_opens_nothing(acme, link, web, fleet):
    expired = await link(acme.name)
    with fleet.engine.begin() as connection:
        past = datetime.now(UTC) - timedelta(seconds=1)
        connection.execute(
            update(PortalSession)
            .where(PortalSession.account_id == acme.account_id)
            .values(opened_at=past)
        )
    edited = (await link(acme.name))[:-1] + "_"
    for dead in (expired, edited):
        answer = await web.get(dead)
        assert answer.status_code == 404
        assert acme.name not in answer.text


async def test_a_mailed_link_opens_the_console_and_only_its_own(acme, web):
    mine = account_link(
        "", SECRETS, acme.life.handle.id.removeprefix("subscription:"), datetime.now(UTC)
    )
    opened = await web.get(mine)
    assert (opened.status_code, opened.headers["location"]) == (303, "/console/credits")
    assert (await web.get("/console/credits")).status_code == 200
    assert (await web.get(mine[:-1] + "x")).status_code == 404


async def test_a_cookie_can_be_neither_made_nor_changed(acme, link, web):
    content = unseal(SECRETS, Seal.CUSTOMER, cookie_of(await web.get(await link(acme.name))))
    kept = json.loads(content)
    old = datetime.now(UTC) - sessions.LASTS
    for forged in (
        seal((OTHER,), Seal.CUSTOMER, content),  # by another secret
        seal(SECRETS, Seal.FORM, content),  # ours, for another purpose
        seal(SECRETS, Seal.CUSTOMER, content)[:-2],
        seal(SECRETS, Seal.CUSTOMER, json.dumps(kept | {"used": old.isoformat()})),  # rested
        "", "x.y", "\u00e9.\u00e9",
    ):  # fmt: skip
        web.cookies.clear()
        headers = {"Cookie": f"{sessions.COOKIE.name}={forged}".encode("latin-1")}
        answer = await web.get("/console/credits", headers=headers)
        assert answer.status_code == 404, forged
        assert acme.name not in answer.text


async def test_half_an_hour_is_counted_from_the_last_use_and_ends_after_twelve_hours():
    at = datetime(2027, 1, 1, tzinfo=UTC)
    session = sessions.begin(1, "", "", at)
    assert not session.is_over(at + sessions.LASTS - timedelta(seconds=1))
    assert session.is_over(at + sessions.LASTS)
    used = sessions.Session(session.session_id, 1, "", "", at, at + sessions.LONGEST)
    assert used.is_over(at + sessions.LONGEST)


async def test_what_protects_every_page(acme, link, web):
    opened = await web.get(await link(acme.name))
    flags = opened.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=lax" in flags
    answer = await web.get("/console/credits")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    inline = re.findall(r"<script(?![^>]*src=)|\son\w+=|style=", answer.text)
    assert inline == []
    for asset in re.findall(r'(?:href|src)="(/assets/[^"]+)"', answer.text):
        served = await web.get(asset)
        assert served.status_code == 200
        assert "immutable" in served.headers["cache-control"]


async def test_a_form_of_another_page_does_nothing(acme, link, web):
    await web.get(await link(acme.name, page="buy"))
    shown = await web.get("/console/buy?credits=1000")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.text))
    for forged, headers in (
        ({**fields, "csrf": ""}, {}),
        ({**fields, "csrf": seal(SECRETS, Seal.FORM, "another session")}, {}),
        (fields, {"Sec-Fetch-Site": "cross-site"}),
    ):
        answer = await web.post("/console/buy/confirm", data=forged, headers=headers)
        assert answer.status_code == 404
    assert acme.charges() == [("period", "paid", 900)]
    bought = await web.post("/console/buy/confirm", data=fields)
    assert bought.status_code == 303
    again = await web.post("/console/buy/confirm", data=fields)  # a double click
    assert again.headers["location"] == bought.headers["location"]
    assert acme.charges() == [("period", "paid", 900), ("manual_purchase", "paid", 90)]

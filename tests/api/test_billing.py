"""A mail's button opens the card page of its own customer and no other."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.mails.links import Opens, billing_link, link_token
from tests.api.arrangements import NOWHERE, api
from tests.deployment import LINK_SECRET
from tests.screenless import screenless


def link(subscription_id, base=""):
    return billing_link(base, (LINK_SECRET,), subscription_id, datetime.now(UTC))


async def test_a_mailed_link_leads_to_the_processors_card_page(http, desk, standin):
    wallet, _ = desk.customer()
    answer = await http.get(link(wallet.subscription_id))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"{standin.base_url}/portal/")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_every_click_opens_a_page_of_its_own(http, desk):
    wallet, _ = desk.customer()
    clicks = [await http.get(link(wallet.subscription_id)) for _ in range(2)]
    assert len({click.headers["Location"] for click in clicks}) == 2


@pytest.mark.parametrize("name", ["a/b", "a b?c#d", "Zoë & Søn", "%2e%2e", "..", "a/../b"])
async def test_a_link_works_for_every_name(http, desk, name):
    wallet, _ = desk.customer(f"{name}-{uuid4()}")
    assert (await http.get(link(wallet.subscription_id))).status_code == 303


async def test_after_the_card_page_the_person_is_told_what_comes_next(http, desk):
    wallet, _ = desk.customer()
    page = (await http.get(link(wallet.subscription_id))).headers["Location"]
    async with screenless() as browser:
        saved = await browser.post(page, data={"card": "pm_card_visa"}, follow_redirects=True)
    assert saved.status_code == 200
    assert "close this page" in saved.text


async def test_a_link_that_we_did_not_sign_leads_nowhere(http, desk):
    wallet, _ = desk.customer()
    other, _ = desk.customer()
    at = datetime.now(UTC)
    good = link_token((LINK_SECRET,), Opens.CONSOLE, wallet.subscription_id, at)
    for token in (
        link_token((LINK_SECRET,), Opens.CONSOLE, other.subscription_id, at),
        link_token(("another secret",), Opens.CONSOLE, wallet.subscription_id, at),
        good[:-1],
        good + "0",
        good.upper() + "A",
        "é",
        "%00",
    ):
        answer = await http.get(f"/billing/{wallet.subscription_id}/{token}")
        assert answer.status_code == 404
        assert "Use the button in the newest mail" in answer.text


async def test_a_link_to_a_subscription_that_is_gone_leads_nowhere(http):
    answer = await http.get(link(f"gone-{uuid4()}"))
    assert answer.status_code == 404
    assert "Use the button in the newest mail" in answer.text


async def test_a_fault_of_ours_tells_nothing_about_us(http):
    answer = await http.get(link("the database takes no \0"))
    assert answer.status_code == 500
    assert "Something went wrong here" in answer.text
    assert "psycopg" not in answer.text


@pytest.mark.parametrize(
    ("variable", "address", "told"),
    [
        ("STRIPE_API_BASE", f"http://{NOWHERE}", "The payment processor does not answer"),
        (
            "DATABASE_URL",
            f"postgresql://nobody@{NOWHERE}/nothing",
            "The books of credits do not answer",
        ),
    ],
)
async def test_while_a_server_is_away_the_person_is_told_to_come_again(
    variables, servers_folder, desk, variable, address, told
):
    wallet, _ = desk.customer()
    with api(variables | {variable: address}, servers_folder) as url:
        async with screenless() as http:
            answer = await http.get(link(wallet.subscription_id, url))
    assert answer.status_code == 503
    assert answer.headers["Content-Type"].startswith("text/html")
    assert told in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert "127.0.0.1" not in answer.text  # where our servers are is nobody's business

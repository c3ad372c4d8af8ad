"""The link behind most mails' buttons opens the console, for its own reader alone."""

from uuid import uuid4

import pytest

from domain.mails.links import account_link, link_token
from tests.deployment import LINK_SECRET


def link(subscription_id):
    return account_link("", (LINK_SECRET,), subscription_id)


async def test_the_link_opens_the_first_page(http, desk):
    wallet, _ = desk.customer()
    answer = await http.get(link(wallet.subscription_id))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/console/credits")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_link_that_we_did_not_sign_shows_nothing(http, desk):
    wallet, _ = desk.customer()
    other, _ = desk.customer()
    answer = await http.get(
        f"/account/{wallet.subscription_id}/{link_token((LINK_SECRET,), other.subscription_id)}"
    )
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_link")


@pytest.mark.parametrize("name", ["a/b", "Zoë & Søn"])
async def test_the_link_works_for_every_name(http, desk, name):
    wallet, _ = desk.customer(f"{name}-{uuid4()}")
    assert (await http.get(link(wallet.subscription_id))).status_code == 303


async def test_a_subscription_that_is_gone_has_no_page(http):
    answer = await http.get(link(f"gone-{uuid4()}"))
    assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_link")

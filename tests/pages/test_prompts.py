"""A product asks a person by a link: the price shown is what is agreed to, once a window."""

import html
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.access.prompts import opened_prompt, sealed_prompt
from domain.access.sealed import Seal, seal
from local.patience import until
from tests.deployment import LINK_SECRET
from tests.doors import PRODUCT

SECRETS = (LINK_SECRET,)
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')


@pytest.fixture
async def writer(fleet):
    """A customer of Scalenut with ten dollars, whose documents are used up."""
    writer = await fleet.subscribe("growth", catalog="scalenut")
    assert (await writer.buy("10"))["status"] == "paid"
    assert (await writer.use("30", action="seo_doc"))["status"] == "debited"
    return writer


@pytest.fixture
def prompt(door):
    async def make(customer, **facts):
        body = {"action": "seo_doc", "quantity": "1", **facts}
        answer = await door.post(f"/customers/{customer.name}/prompts", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return make


def path_of(made):
    return "/prompts/" + made["url"].rpartition("/")[2]


def fields_of(text):
    return {name: html.unescape(value) for name, value in HIDDEN.findall(text)}


async def test_what_is_confirmed_goes_through_in_this_window_and_for_this_action_alone(
    writer, prompt, web
):
    refused = await writer.use("1", action="seo_doc")
    assert refused["reason"] == "confirmation_required"
    made = await prompt(writer, return_url="http://127.0.0.1/done")
    assert made["asked"] == {"credits": {"usd_wallet": "2"}}

    shown = await web.get(path_of(made))
    assert shown.status_code == 200
    assert re.search(r"SaaS credits in US dollars</dt><dd>2<", shown.text)
    assert f"frame-ancestors {PRODUCT}" in shown.headers["content-security-policy"]
    still = await writer.use("1", action="seo_doc")
    assert still["reason"] == "confirmation_required"  # opening agrees to nothing

    agreed = await web.post(path_of(made), data=fields_of(shown.text))
    assert agreed.status_code == 303
    assert "Confirmed" in (await web.get(agreed.headers["location"])).text
    again = await web.post(path_of(made), data=fields_of(shown.text))
    assert again.status_code == 303
    done = await writer.use("1", action="seo_doc")
    assert (done["status"], done["charged"]) == ("debited", {"usd_wallet": "2"})
    other = await writer.use("200001", action="ai_words")
    assert other["reason"] == "confirmation_required"
    assert (await prompt(writer))["url"] is None

    await writer.pass_until(datetime(2027, 2, 2, tzinfo=UTC))
    over = await web.get(path_of(made))
    assert over.status_code == 404, over.text  # its window is over
    await writer.use("30", action="seo_doc")
    anew = await writer.use("1", action="seo_doc")
    assert anew["reason"] == "confirmation_required"


async def test_a_prompt_that_was_edited_or_has_expired_or_is_none_does_not_open(
    writer, prompt, web, fleet
):
    token = path_of(await prompt(writer)).rpartition("/")[2]
    kept = opened_prompt(SECRETS, token, datetime.now(UTC))
    other = await fleet.subscribe("growth", catalog="scalenut")
    old = replace(kept, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    stolen = replace(kept, account_id=other.account_id)
    for dead in (
        token[:-2],
        "x" + token,
        sealed_prompt(SECRETS, old),
        sealed_prompt(("another secret that nobody gave to us",), stolen),
        seal(SECRETS, Seal.INVITATION, json.dumps({})),
        "x.y",
    ):
        assert (await web.get(f"/prompts/{dead}")).status_code == 404, dead
        assert (await web.post(f"/prompts/{dead}", data={})).status_code == 404


async def test_another_price_than_was_shown_is_shown_first(writer, prompt, web):
    path = path_of(await prompt(writer))
    fields = fields_of((await web.get(path)).text)
    cheaper = fields["asked"].replace("2000000", "1")
    assert cheaper != fields["asked"]
    shown = await web.post(path, data={**fields, "asked": cheaper})
    assert "The price has changed" in shown.text
    assert (await web.post(path, data={**fields, "csrf": "x"})).status_code == 404
    refused = await writer.use("1", action="seo_doc")
    assert refused["reason"] == "confirmation_required"


async def test_what_confirming_would_not_help_is_refused_at_once(writer, door):
    for quantity, action, status in (("6", "seo_doc", 402), ("1", "no_such_action", 422)):
        body = {"action": action, "quantity": quantity}
        answer = await door.post(f"/customers/{writer.name}/prompts", json=body)
        assert answer.status_code == status, answer.text
    unknown = await door.post("/customers/nobody/prompts", json={"action": "a", "quantity": "1"})
    assert unknown.status_code == 404


async def test_what_is_confirmed_to_be_bought_is_bought_once_for_the_price_shown(
    fleet, prompt, web
):
    buyer = await fleet.subscribe("plain", catalog="dear")
    assert (await buyer.use("1"))["status"] == "debited"
    made = await prompt(buyer, action="view")
    bought = made["asked"]["purchase"]
    assert (bought["credits"], bought["amount_minor"]) == ("1", 50_000_000)
    shown = await web.get(path_of(made))
    assert "Confirm: pay $500,000.00" in shown.text
    agreed = await web.post(path_of(made), data=fields_of(shown.text))
    assert agreed.status_code == 303
    await web.post(path_of(made), data=fields_of(shown.text))  # a double click

    async def paid():
        return [state for kind, state, _ in buyer.charges() if kind == "auto_purchase"]

    await until(paid, lambda states: "paid" in states, "the purchase")
    assert buyer.charges()[1:] == [("auto_purchase", "paid", 50_000_000)]
    assert "Confirmed" in (await web.get(agreed.headers["location"])).text
    assert (await buyer.use("1", action="view"))["status"] == "debited"

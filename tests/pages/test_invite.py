"""Invitations: one link for each customer, and one bonus for each person who came by it."""

import html
import re

import pytest

from domain.access.invitations import Inviter, invitation_token
from domain.access.sealed import Seal, seal
from tests.deployment import LINK_SECRET
from tests.doors import SIGNUP

SECRETS = (LINK_SECRET,)


@pytest.fixture
async def team(fleet):
    return await fleet.subscribe("team_500", catalog="zaplify")


async def invited_by(customer, link, web):
    """Return the token of the link that the customer's page shows."""
    web.cookies.clear()
    await web.get(await link(customer.name, page="invite"))
    shown = (await web.get("/console/invite")).text
    return re.search(r'<pre id="link"[^>]*>[^<]*/invite/([^<]+)</pre>', shown)[1]


@pytest.fixture
def accept(door):
    async def tell(token, invitee):
        return await door.post(f"/invitations/{token}/accept", json={"invitee": invitee})

    return tell


async def test_a_sign_up_by_the_link_brings_the_bonus_once(team, link, web, accept):
    token = await invited_by(team, link, web)
    landed = await web.get(f"/invite/{token}")
    assert landed.status_code == 200
    led = html.unescape(re.search(r'class="button" href="([^"]+)"', landed.text)[1])
    assert led == f"{SIGNUP}&invitation={token}"

    first = await accept(token, "friend-7")
    assert (first.status_code, first.json()["status"]) == (200, "given")
    assert first.json()["credits"] == "20"
    again = await accept(token, "friend-7")
    assert (again.json(), again.headers["idempotent-replayed"]) == (first.json(), "true")
    assert len(team.grants("bonus")) == 1
    shown = (await web.get("/console/invite")).text
    assert re.search(r"<td>friend-7</td><td>January 1, 2027</td>", shown)


async def test_nobody_invites_oneself_and_nobody_is_invited_twice(team, fleet, link, web, accept):
    token = await invited_by(team, link, web)
    own = await accept(token, team.name)
    assert (own.status_code, own.json()["reason"]) == (403, "own_referral")
    assert (await accept(token, "friend-8")).status_code == 200
    other = await fleet.subscribe("team_500", catalog="zaplify")
    theirs = await invited_by(other, link, web)
    taken = await accept(theirs, "friend-8")
    assert (taken.status_code, taken.json()["reason"]) == (409, "already_invited")
    assert other.grants("bonus") == []


async def test_an_edited_token_leads_nowhere_and_brings_nothing(
    team, fleet, link, web, accept, bearing, door
):
    token = await invited_by(team, link, web)
    inviter = Inviter(team.account_id, team.name, "referral")
    other = await fleet.subscribe("core_10k")
    for dead in (
        token[:-2],
        invitation_token(("another secret that nobody gave to us",), inviter),
        invitation_token(SECRETS, Inviter(team.account_id, other.name, "referral")),
        seal(SECRETS, Seal.PROMPT, "[]"),
    ):
        answer = await accept(dead, "friend-9")
        assert (answer.status_code, answer.json()["reason"]) == (404, "unknown_invitation")
    assert (await web.get(f"/invite/{token[:-2]}")).status_code == 404
    strange = await door.post(
        f"/invitations/{token}/accept",
        json={"invitee": "friend-9"},
        headers=bearing("customer", catalog="make"),
    )
    assert strange.status_code == 404
    assert team.grants("bonus") == []


async def test_a_seller_without_invitations_has_no_such_page_in_the_menu(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    assert "/console/invite" not in (await web.get("/console/credits")).text
    assert "has no invitations" in (await web.get("/console/invite")).text
    forged = invitation_token(SECRETS, Inviter(acme.account_id, acme.name, "referral"))
    assert (await web.get(f"/invite/{forged}")).status_code == 404

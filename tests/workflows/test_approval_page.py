"""The page behind a request's mail: an admin's two buttons, and nobody else's."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from domain.mails.links import approval_token
from tests.deployment import LINK_SECRET
from tests.fleet import Customer, RunningFleet
from tests.screenless import screenless
from tests.workflows.test_approvals import a_team, ask, leave, request_of


@pytest.fixture
async def http(door_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with screenless(base_url=door_url) as client:
        yield client


def link(customer: Customer, member: str = "grace", key: str = "job") -> dict[str, str]:
    subscription = customer.life.handle.id.removeprefix("subscription:")
    token = approval_token((LINK_SECRET,), subscription, key, member)
    return {"subscription": subscription, "key": key, "member": member, "token": token}


async def press(http: httpx.AsyncClient, fields: dict[str, str], **more: Any) -> str:
    answer = await http.post("/approvals", data=fields | more)
    assert answer.status_code == 200
    return answer.text


async def test_an_admin_approves_on_the_page(fleet: RunningFleet, http: httpx.AsyncClient) -> None:
    customer = await a_team(fleet)
    await ask(customer, note="<b>Monday</b>")

    seen = await http.get("/approvals", params=link(customer))

    assert "Ada asks for 80" in seen.text
    assert "&lt;b&gt;Monday" in seen.text
    assert seen.headers["Cache-Control"] == "no-store"
    assert (await request_of(customer).status())["request"] == "waiting"
    done = await press(http, link(customer), decision="approve")
    assert "was approved" in done
    assert "Decided by</dt><dd>Grace" in done
    assert (await request_of(customer).end())["request"] == "approved"
    again = await press(http, link(customer, "hedy"), decision="refuse", reason="late")
    assert "was approved" in again


async def test_an_admin_refuses_with_a_reason(fleet: RunningFleet, http: httpx.AsyncClient) -> None:
    customer = await a_team(fleet)
    await ask(customer)

    assert "write a reason" in await press(http, link(customer), decision="refuse")
    assert "too dear" in await press(http, link(customer), decision="refuse", reason="too dear")
    assert (await request_of(customer).end())["request"] == "refused"


async def test_what_cannot_be_held_goes_on_waiting_and_the_page_says_why(
    fleet: RunningFleet, http: httpx.AsyncClient
) -> None:
    customer = await a_team(fleet)
    await leave(customer, 50)
    await ask(customer)

    told = await press(http, link(customer), decision="approve")

    assert "insufficient_credits" in told
    assert 'value="approve"' in told


async def test_who_asked_sees_the_request_and_no_button(
    fleet: RunningFleet, http: httpx.AsyncClient
) -> None:
    customer = await a_team(fleet)
    await ask(customer)

    seen = await http.get("/approvals", params=link(customer, "ada"))

    assert seen.status_code == 200
    assert "<button" not in seen.text
    assert "own_request" in await press(http, link(customer, "ada"), decision="approve")


async def test_a_link_that_we_did_not_sign_leads_nowhere(
    fleet: RunningFleet, http: httpx.AsyncClient
) -> None:
    customer = await a_team(fleet)
    await ask(customer)
    good = link(customer)

    for change in ({"member": "hedy"}, {"key": "other"}, {"token": "é"}, {"token": ""}):
        assert (await http.get("/approvals", params=good | change)).status_code == 404
        posted = await http.post("/approvals", data=good | change | {"decision": "approve"})
        assert posted.status_code == 404
    assert (await http.get("/approvals", params=link(customer, key="unasked"))).status_code == 404
    assert (await request_of(customer).status())["request"] == "waiting"

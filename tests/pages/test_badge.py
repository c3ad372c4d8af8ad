"""A badge shows a balance inside a product's page for half an hour, and does nothing else."""

from datetime import UTC, datetime

import pytest

from domain.access.badges import LASTS, Badge, badge_token
from domain.access.sealed import Seal, seal
from tests.deployment import LINK_SECRET
from tests.doors import PRODUCT

SECRETS = (LINK_SECRET,)


@pytest.fixture
async def acme(fleet):
    return await fleet.subscribe("core_10k")


def path_of(url):
    return "/embed/" + url.rpartition("/")[2]


async def test_a_badge_says_what_can_be_used_to_the_products_page_alone(acme, link, web):
    path = path_of(await link(acme.name, embed=True, return_url="http://127.0.0.1/buy"))
    shown = await web.get(path)
    assert shown.status_code == 200
    assert ">10,000</b>" in shown.text
    assert 'href="http://127.0.0.1/buy"' in shown.text
    assert f"frame-ancestors {PRODUCT}" in shown.headers["content-security-policy"]
    assert "x-frame-options" not in shown.headers
    assert "set-cookie" not in shown.headers
    assert len(shown.content) < 4_000
    assert (await web.get("/console/credits")).status_code == 404  # it opens no console


async def test_a_badge_that_is_over_or_edited_or_of_nobody_shows_nothing(acme, link, web):
    token = path_of(await link(acme.name, embed=True)).rpartition("/")[2]
    now = datetime.now(UTC)
    for dead in (
        token[:-2],
        badge_token(SECRETS, Badge(acme.account_id, "", "", now - LASTS)),
        badge_token(
            ("another secret that nobody gave to us",), Badge(acme.account_id, "", "", now)
        ),
        badge_token(SECRETS, Badge(acme.account_id, "nobody", "", now)),
        seal(SECRETS, Seal.CUSTOMER, "[]"),
    ):
        answer = await web.get(f"/embed/{dead}")
        assert answer.status_code == 404
        assert "10,000" not in answer.text
        assert (await web.get(f"/embed/{dead}/live")).status_code == 204


async def test_a_member_who_may_not_buy_has_no_button(acme, link, web):
    person = {"member": "ada", "name": "Ada", "email": "ada@acme.example"}
    await acme.life.ask("set_member", person)
    shown = await web.get(path_of(await link(acme.name, embed=True, member="ada")))
    assert ">10,000</b>" in shown.text
    assert "Buy" not in shown.text


async def test_the_script_that_products_name_keeps_its_address(web):
    served = await web.get("/assets/embed.js")
    assert served.status_code == 200
    assert "immutable" not in served.headers["cache-control"]
    assert served.headers["cross-origin-resource-policy"] == "cross-origin"

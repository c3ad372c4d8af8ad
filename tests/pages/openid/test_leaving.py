"""Who signs out is signed out at the provider too, and nobody else signs anybody out there."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from api.pages.operator import openid, sessions
from domain.access.operators import OperatorRole
from domain.access.sealed import Seal, seal
from tests.deployment import LINK_SECRET
from tests.identity_provider import CLIENT, SECRET
from tests.pages.openid.signing_in import SIGN_IN, is_in, signed_in
from tests.pages.operators import an_operator
from tests.screenless import screenless


async def left(web):
    """Sign out; return where the browser is led."""
    answer = await web.get("/operator/sign_out")
    assert answer.status_code == 303
    assert answer.headers["cache-control"] == "no-store"
    assert sessions.COOKIE.name not in web.cookies
    assert openid.TOKEN.name not in web.cookies
    assert not await is_in(web)
    return answer.headers["location"]


async def test_who_signs_out_is_signed_out_at_the_provider_too_and_comes_back(
    openid_url, provider, web, ann
):
    provider.describes = {"end_session_endpoint": f"{provider.issuer}/leave?kind=all#here"}
    await signed_in(web)
    where = await left(web)
    assert where.startswith(f"{provider.issuer}/leave?kind=all&client_id={CLIENT}&")
    async with screenless() as elsewhere:
        assert (await elsewhere.get(where)).headers["location"] == f"{openid_url}{SIGN_IN}"
    assert provider.left[-1] == {"who": ann["sub"], "back": f"{openid_url}{SIGN_IN}"}
    assert await left(web) == SIGN_IN  # nobody is in any more: there is nothing to end


@pytest.mark.parametrize(
    "named",
    [None, 7, "", "javascript:alert(1)", "data:text/html,x", "https://[", "//evil.example/out"],
)
async def test_who_signs_out_is_led_nowhere_but_to_an_address_as_safe_as_the_issuer(
    provider, web, ann, named
):
    provider.describes = {"end_session_endpoint": named}
    await signed_in(web)
    assert await is_in(web)
    assert await left(web) == SIGN_IN


async def test_who_signs_out_is_out_here_also_while_the_provider_is_away(provider, web, ann):
    await signed_in(web)
    for broken in ({"status": 500}, {"packs": True}, {"describes": {"issuer": "https://other"}}):
        for name, value in broken.items():
            setattr(provider, name, value)
        assert await left(web) == SIGN_IN
        provider.behave()
        await signed_in(web)


async def test_no_other_site_and_no_password_signs_anybody_out_at_the_provider(
    fleet, provider, web, ann
):
    provider.describes = {"end_session_endpoint": f"{provider.issuer}/leave"}
    await signed_in(web)
    (token,) = [one for one in web.cookies.jar if one.name == openid.TOKEN.name]
    del web.cookies[sessions.COOKIE.name]  # as a browser does that comes from another site
    assert await left(web) == SIGN_IN
    account = an_operator(fleet, OperatorRole.ADMIN)
    at = datetime.now(UTC).isoformat()
    facts = {"id": "x", "email": account.email, "epoch": account.epoch, "begun": at, "used": at}
    kept = seal((LINK_SECRET,), Seal.OPERATOR, json.dumps(facts | {"way": "password"}))
    web.cookies.set(sessions.COOKIE.name, kept, path="/operator", domain=token.domain)
    web.cookies.jar.set_cookie(token)
    assert await left(web) == SIGN_IN


async def test_a_token_that_no_cookie_holds_is_left_out(provider, web, ann):
    provider.describes = {"end_session_endpoint": f"{provider.issuer}/leave"}
    await signed_in(web)
    provider.twist = lambda one: one | {"photo": "x" * openid.LONGEST_TOKEN}
    await signed_in(web)
    where = await left(web)
    assert where.startswith(f"{provider.issuer}/leave?client_id=")
    assert "id_token_hint" not in where


async def test_a_token_goes_back_to_the_provider_alone(provider, web, ann):
    await signed_in(web)
    (kept,) = [one for one in web.cookies.jar if one.name == openid.TOKEN.name]
    assert (kept.path, kept.has_nonstandard_attr("HttpOnly")) == ("/operator/sign_out", True)
    assert openid.TOKEN.name not in (await web.get("/operator/customers")).request.headers["cookie"]
    edited = web.cookies[openid.TOKEN.name][:-2]
    web.cookies.set(openid.TOKEN.name, edited, path="/operator/sign_out", domain=kept.domain)
    provider.describes = {"end_session_endpoint": f"{provider.issuer}/leave"}
    assert "id_token_hint" not in await left(web)


async def test_what_is_secret_is_in_no_log(provider, web, ann, servers_folder: Path):
    provider.seen.clear()
    await signed_in(web)
    provider.twist = lambda one: one | {"nonce": "wrong"}
    web.cookies.clear()
    await signed_in(web)
    assert len(provider.seen) >= 4
    provider.twist = dict
    provider.describes = {"end_session_endpoint": f"{provider.issuer}/leave"}
    await signed_in(web)
    await left(web)
    kept = [SECRET, ann["email"], *provider.seen]
    port = urlsplit(str(web.base_url)).port
    log = (servers_folder / f"api-{port}.log").read_text()
    assert "id_token_refused: the ID token fails the check of: nonce" in log
    for secret in kept:
        assert secret not in log

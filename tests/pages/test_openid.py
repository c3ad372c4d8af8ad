"""Signing in by an identity provider: who it names gets in, and whatever is wrong, nobody does."""

import base64
import hmac
import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from joserfc import jwt
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from api.pages.operator import openid, sessions
from domain.access.identities import Identity, SignInRefused
from domain.access.operators import Operator, OperatorRole
from domain.access.sealed import Seal, seal, unseal
from gateways.identity.provider import MOST
from ledger.access import operators
from models.tables import OperatorRow
from tests.api.arrangements import api
from tests.deployment import LINK_SECRET
from tests.identity_provider import CLIENT, SECRET, new_key, part, providing, signed
from tests.pages.operators import PASSWORD, an_operator
from tests.screenless import screenless

SIGN_IN = "/operator/sign_in"
CALLBACK = f"{SIGN_IN}/callback"
ROLES = "support=helpers,finance=books%2C eu,admin=owners,admin=root"
NO_COOKIE = "begun more than ten minutes ago"
_numbers = count(1)


@pytest.fixture(scope="module")
def provider():
    with providing() as found:
        yield found


@pytest.fixture(autouse=True)
def _behaving(provider):
    yield
    provider.behave()


@pytest.fixture(scope="module")
def settings_of(provider):
    return {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_ROLES": ROLES,
    }


@pytest.fixture(scope="module")
def openid_url(door_variables, settings_of, servers_folder):
    with api(door_variables | settings_of, servers_folder) as url:
        yield url


@pytest.fixture
async def web(openid_url):
    async with screenless(base_url=openid_url) as client:
        yield client


@pytest.fixture
def ann(provider):
    """Somebody new whom the provider would sign in now, of support."""
    number = next(_numbers)
    provider.person = {
        "sub": f"subject-{number}",
        "email": f"OpenID-{number}@Seller.example",
        "name": "Ann",
        "groups": ["staff", "helpers"],
    }
    return provider.person


async def begun(web):
    """Begin; return the provider's address."""
    answer = await web.get(f"{SIGN_IN}/begin")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def answered(web):
    """Begin, and return the address that the provider sends the browser back to."""
    async with screenless() as elsewhere:
        return (await elsewhere.get(await begun(web))).headers["location"]


async def signed_in(web):
    return await web.get(await answered(web))


async def is_in(web):
    return (await web.get("/operator/customers")).status_code == 200


async def nobody_is_in(web, answer, told, status=403):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert told in answer.text
    assert f'href="{SIGN_IN}"' in answer.text
    assert sessions.COOKIE.name not in web.cookies
    assert not await is_in(web)


async def test_who_the_provider_names_acts_under_that_address_and_role(fleet, web, ann):
    answer = await signed_in(web)
    assert answer.status_code == 200
    assert 'content="0;url=/operator/customers"' in answer.text
    assert await is_in(web)
    shown = await web.get("/operator/customers")
    assert "Ann<br><small>support" in shown.text
    assert openid.COOKIE.name not in web.cookies
    with fleet.engine.connect() as connection:
        listed = {one.operator.email: one for one in operators.listed(connection)}
    found = listed[ann["email"].lower()]
    assert (found.operator.role, found.is_of_provider) == (OperatorRole.SUPPORT, True)
    assert (await web.get("/operator/sign_out")).headers["location"] == SIGN_IN
    assert not await is_in(web)


async def test_a_password_signs_nobody_in_where_a_provider_does(fleet, web):
    account = an_operator(fleet, OperatorRole.ADMIN)
    shown = await web.get(SIGN_IN)
    assert f'href="{SIGN_IN}/begin"' in shown.text
    assert 'type="password"' not in shown.text
    token = seal((LINK_SECRET,), Seal.FORM, "sign-in")
    fields = {"csrf": token, "email": account.email, "password": PASSWORD}
    assert (await web.post(SIGN_IN, data=fields)).status_code == 404
    at = datetime.now(UTC).isoformat()
    # As it was written before there was a provider.
    facts = {"id": "x", "email": account.email, "epoch": account.epoch, "begun": at, "used": at}
    kept = json.dumps(facts)
    web.cookies.set(sessions.COOKIE.name, seal((LINK_SECRET,), Seal.OPERATOR, kept))
    assert not await is_in(web)


async def test_passwords_break_the_glass_where_a_setting_says_so(
    fleet, ann, door_variables, settings_of, servers_folder
):
    account = an_operator(fleet, OperatorRole.ADMIN)
    variables = door_variables | settings_of | {"OIDC_BREAK_GLASS": "on"}
    with api(variables, servers_folder) as url:
        async with screenless(base_url=url) as web:
            shown = await web.get(SIGN_IN)
            (token,) = re.findall(r'name="csrf" value="([^"]+)"', shown.text)
            fields = {"csrf": token, "email": account.email, "password": PASSWORD}
            assert (await web.post(SIGN_IN, data=fields)).status_code == 303
            assert await is_in(web)


def twists(provider):
    """Each way to be wrong: what is changed, and what the person reads."""
    now = int(time.time())
    other = new_key()

    def forged(claims):
        body = f"{part({'alg': 'HS256', 'kid': provider.key.kid})}.{part(claims)}"
        public = provider.key.as_pem(private=False)
        digest = hmac.digest(public, body.encode(), "sha256")
        return f"{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"

    def unsigned(claims):
        return f"{part({'alg': 'none'})}.{part(claims)}."

    claims = {
        "another nonce": lambda one: one | {"nonce": "x"},
        "no nonce": lambda one: {name: one[name] for name in one if name != "nonce"},
        "another audience": lambda one: one | {"aud": "another"},
        "several audiences": lambda one: one | {"aud": [CLIENT, "another"]},
        "another's token": lambda one: one | {"aud": [CLIENT, "another"], "azp": "another"},
        "another party": lambda one: one | {"azp": "another"},
        "another issuer": lambda one: one | {"iss": "http://localhost:1"},
        "no issuer": lambda one: one | {"iss": None},
        "expired": lambda one: one | {"exp": now - 120, "iat": now - 500},
        "never expires": lambda one: {name: one[name] for name in one if name != "exp"},
        "of the future": lambda one: one | {"iat": now + 900},
        "nobody": lambda one: one | {"sub": ""},
        "a number": lambda one: one | {"sub": 7},
    }
    tokens = {
        "unsigned": unsigned,
        "by a public key": forged,
        "by an unknown key": lambda one: signed(one, other),
        "by a key with the name of another": lambda one: jwt.encode(
            {"alg": "RS256", "kid": provider.key.kid}, one, other
        ),
        "cut": lambda one: signed(one, provider.key)[:-4],
        "changed": lambda one: (
            signed(one, provider.key).split(".")[0]
            + f".{part(one | {'groups': ['owners']})}."
            + signed(one, provider.key).split(".")[2]
        ),
        "no token": lambda _: "none",
        "empty": lambda _: "",
        "huge": lambda _: "e30." * 10_000,
    }
    return claims, tokens


async def test_an_answer_that_is_wrong_in_any_way_signs_nobody_in(provider, web, ann):
    claims, tokens = twists(provider)
    told = "cannot be trusted"
    for name, twist in claims.items():
        provider.twist = twist
        with suppress_name(name):
            await nobody_is_in(web, await signed_in(web), told)
    provider.twist = dict
    for name, sign in tokens.items():
        provider.sign = sign
        with suppress_name(name):
            await nobody_is_in(web, await signed_in(web), told)
    provider.sign = None
    assert (await signed_in(web)).status_code == 200


class suppress_name:  # noqa: N801 - reads as a clause
    """Name the case that failed."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _):
        if error is not None:
            error.add_note(f"case: {self.name}")
        return False


async def test_an_authorized_party_among_several_is_us(provider, web, ann):
    provider.twist = lambda one: one | {"aud": [CLIENT, "another"], "azp": CLIENT}
    assert (await signed_in(web)).status_code == 200


async def test_a_replaced_key_counts_at_once_and_a_withdrawn_one_no_more(provider, web, ann):
    old, new = provider.key, new_key()
    provider.key, provider.published = new, [old, new]
    assert (await signed_in(web)).status_code == 200
    web.cookies.clear()
    provider.key, provider.published = old, [new]
    await nobody_is_in(web, await signed_in(web), "cannot be trusted")


async def test_a_provider_that_is_away_or_is_another_is_told(provider, web, ann):
    provider.status = 503
    answer = await web.get(f"{SIGN_IN}/begin")
    await nobody_is_in(web, answer, "does not answer", 503)
    assert int(answer.headers["retry-after"]) > 0
    provider.status = 200
    for wrong in (
        {"issuer": "http://localhost:1"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://["},
    ):
        provider.describes = wrong
        await nobody_is_in(web, await web.get(f"{SIGN_IN}/begin"), "does not answer", 503)
    provider.describes = {}
    back = await answered(web)
    provider.status = 500
    await nobody_is_in(web, await web.get(back), "does not answer", 503)


async def test_an_answer_is_read_up_to_a_size_and_never_unpacked(provider, web, ann):
    deep = msgspec.Raw(b"[" * 100_000 + b"]" * 100_000)
    for wrong in ({"more": "x" * MOST}, {"more": deep}):
        provider.describes = wrong
        await nobody_is_in(web, await web.get(f"{SIGN_IN}/begin"), "does not answer", 503)
    provider.describes, provider.packs = {}, True
    await nobody_is_in(web, await web.get(f"{SIGN_IN}/begin"), "does not answer", 503)
    provider.packs, provider.describes = False, {"more": "x" * (MOST - 2_000)}
    assert (await signed_in(web)).status_code == 200


async def test_a_provider_that_says_no_is_told(provider, web, ann):
    for error in ("access_denied", "<script>alert(1)</script>"):
        provider.error = error
        answer = await signed_in(web)
        await nobody_is_in(web, answer, "did not sign you in")
        assert error not in answer.text


async def test_only_the_browser_that_began_comes_back_and_once(provider, web, ann):
    back = await answered(web)
    async with screenless(base_url=str(web.base_url)) as victim:
        await nobody_is_in(victim, await victim.get(back), NO_COOKIE)
        await answered(victim)  # a sign-in of its own, for which another's answer is none
        await nobody_is_in(victim, await victim.get(back), NO_COOKIE)
    for edited in (back.replace("state=", "state=x"), back.partition("?")[0], CALLBACK):
        await nobody_is_in(web, await web.get(edited), NO_COOKIE)
        back = await answered(web)
    kept = dict(web.cookies)
    assert (await web.get(back)).status_code == 200
    web.cookies.clear()
    for name, value in kept.items():
        web.cookies.set(name, value)
    await nobody_is_in(web, await web.get(back), "did not sign you in")


async def test_another_issuers_answer_is_none(provider, web, ann):
    back = await answered(web)
    query = {name: one[0] for name, one in parse_qs(urlsplit(back).query).items()}
    mixed = await web.get(CALLBACK, params=query | {"iss": "https://evil.example"})
    await nobody_is_in(web, mixed, "cannot be trusted")
    provider.describes = {"authorization_response_iss_parameter_supported": True}
    back = await answered(web)
    query = {name: one[0] for name, one in parse_qs(urlsplit(back).query).items()}
    del query["iss"]
    await nobody_is_in(web, await web.get(CALLBACK, params=query), "cannot be trusted")


async def test_nobody_is_led_to_another_site(openid_url, provider, web, ann):
    evil = "https://evil.example"
    spoofed = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    more = {"next": evil, "return_to": evil, "redirect_uri": evil, "to": evil}
    shown = await web.get(SIGN_IN, params=more)
    assert evil not in shown.text
    begun_at = await web.get(f"{SIGN_IN}/begin", params=more, headers=spoofed)
    where = begun_at.headers["location"]
    assert where.startswith(f"{provider.issuer}/authorize?")
    assert parse_qs(urlsplit(where).query)["redirect_uri"] == [f"{openid_url}{CALLBACK}"]
    async with screenless() as elsewhere:
        back = (await elsewhere.get(where)).headers["location"]
    answer = await web.get(f"{back}&next={evil}&return_to={evil}")
    assert answer.status_code == 200
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"groups": ["staff"]}, "You have no role here"),
        ({"groups": None}, "You have no role here"),
        ({"groups": "helper"}, "You have no role here"),
        ({"email": None}, "does not tell your address"),
        ({"email": "no address"}, "does not tell your address"),
        ({"email_verified": False}, "does not tell your address"),
        ({"email_verified": "true"}, "does not tell your address"),
    ],
)
async def test_who_has_no_role_or_no_address_reads_what_to_do(provider, web, ann, change, told):
    provider.person = ann | change
    await nobody_is_in(web, await signed_in(web), told)


async def test_a_role_follows_the_provider_and_one_that_is_taken_ends_sessions(
    provider, web, ann, openid_url
):
    provider.person = ann | {"groups": ["helpers", "books, eu"]}
    await signed_in(web)
    assert "<small>finance" in (await web.get("/operator/customers")).text
    async with screenless(base_url=openid_url) as phone:
        provider.person = ann | {"groups": "root"}
        await signed_in(phone)
        assert "<small>admin" in (await web.get("/operator/customers")).text
        phone.cookies.clear()
        provider.person = ann | {"groups": []}
        await nobody_is_in(phone, await signed_in(phone), "You have no role here")
    assert not await is_in(web)


async def test_a_person_keeps_the_first_address_and_nobody_takes_anothers(provider, web, ann):
    await signed_in(web)
    first = ann["email"].lower()
    web.cookies.clear()
    # Under a second address somebody could confirm what the same person proposed.
    provider.person = ann | {"email": f"second-{ann['email']}", "name": "Ann Other"}
    await signed_in(web)
    shown = await web.get("/operator/customers")
    assert "Ann Other" in shown.text
    kept = unseal((LINK_SECRET,), Seal.OPERATOR, web.cookies[sessions.COOKIE.name])
    assert json.loads(kept)["email"] == first
    web.cookies.clear()
    provider.person = ann | {"sub": "somebody else"}
    await nobody_is_in(web, await signed_in(web), "belongs to somebody else")


async def test_who_was_disabled_stays_out_until_released(fleet, provider, web, ann):
    await signed_in(web)
    email = ann["email"].lower()
    with fleet.engine.begin() as connection:
        operators.disable(connection, email, datetime.now(UTC))
    assert not await is_in(web)
    web.cookies.clear()
    await nobody_is_in(web, await signed_in(web), "may not sign in here any more")
    with fleet.engine.begin() as connection:
        operators.release(connection, email)
    provider.person = ann | {"sub": "the same person at another employer"}
    assert (await signed_in(web)).status_code == 200


def test_an_account_that_was_made_by_hand_is_taken_up_once(fleet):
    made = an_operator(fleet, OperatorRole.FINANCE)
    person = Identity("https://issuer.example", made.email, made.email, "Olga B.")
    at = datetime.now(UTC)
    with fleet.engine.begin() as connection:
        taken = operators.enter(connection, person, OperatorRole.SUPPORT, at)
        assert taken == Operator(made.email, "Olga B.", OperatorRole.SUPPORT, made.epoch)
        with pytest.raises(SignInRefused, match="another"):
            operators.enter(connection, replace(person, subject="b"), OperatorRole.ADMIN, at)
        other = replace(person, issuer="https://other.example")
        with pytest.raises(SignInRefused, match="another"):
            operators.enter(connection, other, OperatorRole.ADMIN, at)


def test_the_table_itself_keeps_each_person_one_address(fleet):
    def row(issuer):
        number = next(_numbers)
        return insert(OperatorRow).values(
            email=f"row-{number}@seller.example",
            name="Row",
            role="support",
            issuer=issuer,
            subject="one",
            created_by="tests",
            created_at=datetime.now(UTC),
        )

    with fleet.engine.connect() as connection:
        with pytest.raises(IntegrityError, match="operators_identity"):
            connection.execute(row(None))
        connection.rollback()
        connection.execute(row("https://twice.example"))
        with pytest.raises(IntegrityError, match="operators_subject"):
            connection.execute(row("https://twice.example"))
        connection.rollback()


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

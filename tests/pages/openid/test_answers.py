"""Whatever is wrong with what a provider answers, nobody gets in."""

import base64
import hmac
import time
from urllib.parse import parse_qs, urlsplit

import msgspec
from joserfc import jwt

from gateways.identity.provider import MOST
from tests.identity_provider import CLIENT, new_key, part, signed
from tests.pages.openid.signing_in import (
    CALLBACK,
    NO_COOKIE,
    SIGN_IN,
    answered,
    nobody_is_in,
    signed_in,
)
from tests.screenless import screenless


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

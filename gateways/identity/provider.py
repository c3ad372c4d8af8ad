"""An OpenID Connect provider: the address to sign in at, and who comes back with a code.

Its description and keys are read anew for each sign-in. There are few, and so a key that was
replaced or withdrawn counts from the next one on.
"""

import asyncio
import base64
import hashlib
import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import httpx

from domain.access.identities import SignInRefused
from gateways.identity.tokens import checked_claims

log = logging.getLogger(__name__)

DESCRIPTION = "/.well-known/openid-configuration"
SECONDS = 10.0  # for all that one step asks
MOST = 256 * 1024  # bytes of an answer: dozens of keys with their certificates
# Little that is packed can become much.
PLAIN: Mapping[str, str] = MappingProxyType({"Accept-Encoding": "identity"})
TOLD = re.compile(r"[a-z_]{1,40}")  # an error's code, as OAuth writes them
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
SUCCESS = 200
FAULT = 500
UNREADABLE = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError, RecursionError)


@dataclass(frozen=True, slots=True)
class Application:
    """What we are to the provider."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One sign-in: what only the browser that began it can send back, or prove."""

    state: str
    nonce: str
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who came back: the checked claims, and the token that holds them, a person's own data."""

    claims: dict[str, Any] = field(repr=False)
    token: str = field(repr=False)


class Provider:
    """Asks the provider; `redirect_uri` is the one address that it may send browsers back to."""

    def __init__(
        self, application: Application, http: httpx.AsyncClient, redirect_uri: str
    ) -> None:
        self._application = application
        self._http = http
        self._redirect_uri = redirect_uri

    @property
    def issuer(self) -> str:
        """Who signs the ID tokens."""
        return self._application.issuer

    async def begin(self, attempt: Attempt) -> str:
        """Return where a browser signs in. Raises `SignInRefused` (`provider_unavailable`)."""
        where = (await self._described())["authorization_endpoint"]
        query = {
            "response_type": "code",
            "client_id": self._application.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._application.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": _challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}"

    async def finish(self, attempt: Attempt, answer: Mapping[str, str], at: datetime) -> SignedIn:
        """Return who signed in, from the query that came back.

        Raises `SignInRefused`: `provider_refused`, `id_token_refused`, `provider_unavailable`.
        """
        if "error" in answer or "code" not in answer:
            raise _said(answer.get("error"))
        about = await self._described()
        needs = about.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", None if needs else self.issuer) != self.issuer:
            raise SignInRefused("id_token_refused", "the answer is another issuer's")
        token = await self._exchanged(about, answer["code"], attempt.verifier)
        keys = await self._asked("GET", about["jwks_uri"])
        claims = checked_claims(
            token,
            keys,
            issuer=self.issuer,
            client_id=self._application.client_id,
            nonce=attempt.nonce,
            at=at,
        )
        return SignedIn(claims, token)

    async def leave(self, token: str, back: str) -> str | None:
        """Return where a browser signs out of the provider, which then sends it `back`.

        `token`: the ID token of the sign-in, "" if it is not known. None: the provider names no
        such address, or none that we would follow. Raises `SignInRefused` (`provider_unavailable`).
        """
        where = (await self._described()).get("end_session_endpoint")
        if not isinstance(where, str) or not self._is_safe(where):
            return None
        query = {"client_id": self._application.client_id, "post_logout_redirect_uri": back}
        if token:
            query["id_token_hint"] = token
        parts = urlsplit(where)
        kept = f"{parts.query}&" if parts.query else ""
        return urlunsplit(parts._replace(query=kept + urlencode(query), fragment=""))

    def _is_safe(self, where: object) -> bool:
        """Return whether an address is one, and as safe as the issuer's."""
        return _scheme_of(where) in {"https", urlsplit(self.issuer).scheme}

    async def _described(self) -> dict[str, Any]:
        """Return the provider's description: its own, and of addresses as safe as the issuer's."""
        about = await self._asked("GET", self.issuer.rstrip("/") + DESCRIPTION)
        if about.get("issuer") != self.issuer:
            raise _away("its description is of another issuer")
        for name in ENDPOINTS:
            if not self._is_safe(about.get(name)):
                raise _away(f"its description has no usable {name}")
        return about

    async def _exchanged(self, about: Mapping[str, Any], code: str, verifier: str) -> str:
        """Return the ID token that a code stands for, once."""
        application = self._application
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        ways = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        headers = dict(PLAIN)
        if "client_secret_basic" in ways:
            pair = f"{quote(application.client_id, '')}:{quote(application.client_secret, '')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {
                "client_id": application.client_id,
                "client_secret": application.client_secret,
            }
        found = await self._asked("POST", about["token_endpoint"], data=form, headers=headers)
        token = found.get("id_token")
        if not isinstance(token, str):
            raise SignInRefused("id_token_refused", "there is no ID token")
        return token

    async def _asked(
        self, method: str, url: str, headers: Mapping[str, str] = PLAIN, **more: Any
    ) -> dict[str, Any]:
        """Return the object that an address answers. Raises `SignInRefused`."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._http.stream(method, url, headers=headers, **more) as answer,
            ):
                found = json.loads(await _read(answer))
        except UNREADABLE as error:
            raise _away(type(error).__name__) from None
        if not isinstance(found, dict) or answer.status_code >= FAULT:
            raise _away(f"status {answer.status_code}")
        if answer.status_code != SUCCESS:
            raise _said(found.get("error"))
        return found


async def _read(answer: httpx.Response) -> bytes:
    """Return an answer's bytes as they come, none unpacked. Raises `SignInRefused`: too many."""
    body = b""
    async for part in answer.aiter_raw():
        body += part
        if len(body) > MOST:
            raise _away(f"an answer of more than {MOST} bytes")
    return body


def _scheme_of(where: object) -> str:
    """Return an address's scheme; "": it is none."""
    try:
        return urlsplit(where).scheme if isinstance(where, str) else ""
    except ValueError:
        return ""


def _challenge(verifier: str) -> str:
    """Return what proves later that we know the verifier (RFC 7636, S256)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _away(why: str) -> SignInRefused:
    return SignInRefused("provider_unavailable", f"the identity provider: {why}")


def _said(code: object) -> SignInRefused:
    """Return the refusal by an error's code; whatever else stands there is for nobody."""
    told = code if isinstance(code, str) and TOLD.fullmatch(code) else "no code"
    return SignInRefused("provider_refused", f"the identity provider answered: {told}")

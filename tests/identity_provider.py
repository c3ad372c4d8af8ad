"""An identity provider: a real HTTP server that signs, and that misbehaves as a test says."""

import base64
import gzip
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import msgspec
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "drawdown-tests", "a secret of/the application"
LASTS = 300
Claims = dict[str, Any]


def new_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True)


def signed(claims: Claims, key: RSAKey, alg: str = "RS256") -> str:
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


@dataclass
class IdentityProvider:
    """Who signs in next, and what is wrong with the answer.

    `twist` changes the claims before they are signed, `sign` makes the token of them; `asks`: a
    person must press a button, else the provider answers at once.
    """

    issuer: str
    key: RSAKey = field(default_factory=new_key)
    published: list[RSAKey] = field(default_factory=list)
    person: Claims = field(default_factory=dict)
    twist: Callable[[Claims], Claims] = dict
    sign: Callable[[Claims], str] | None = None
    describes: Claims = field(default_factory=dict)
    error: str = ""
    status: int = 200
    asks: bool = False
    packs: bool = False  # whatever a client says that it takes
    left: list[dict[str, str]] = field(default_factory=list)  # by whom, as browsers said it
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)  # what must be in no log

    def behave(self) -> None:
        """Do everything right again."""
        self.published = [self.key]
        self.twist, self.sign = dict, None
        self.describes, self.error, self.status = {}, "", 200
        self.asks = self.packs = False

    def description(self) -> Claims:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.describes,
        }

    def token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + LASTS,
            "nonce": asked["nonce"],
            **self.person,
        }
        claims = self.twist(claims)
        return self.sign(claims) if self.sign else signed(claims, self.key)

    def back(self, asked: dict[str, str]) -> str:
        """Return where a browser goes once its person has agreed."""
        answer = {"state": asked["state"], "iss": self.issuer}
        if self.error:
            answer["error"] = self.error
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            self.seen.append(code)
            answer["code"] = code
        return f"{asked['redirect_uri']}?{urlencode(answer)}"

    def exchanged(self, form: dict[str, str], sent: str) -> tuple[int, Claims]:
        pair = base64.b64decode(sent.removeprefix("Basic ")).decode()
        client, _, secret = pair.partition(":")
        if (unquote(client), unquote(secret)) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if asked is None or asked["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        assert form["redirect_uri"] == asked["redirect_uri"]
        token = self.token(asked)
        self.seen += [token, form["code_verifier"]]
        return 200, {"id_token": token, "access_token": "of no use", "token_type": "Bearer"}


class Handler(BaseHTTPRequestHandler):
    """Answers as its provider says."""

    provider: IdentityProvider

    def do_GET(self) -> None:
        provider, parts = self.provider, urlsplit(self.path)
        if parts.path == "/authorize":
            self.authorize(dict(parse_qsl(parts.query)))
        elif parts.path == "/leave":
            self.leave(dict(parse_qsl(parts.query)))
        elif parts.path == "/keys":
            self.json(provider.status, dict(KeySet(list(provider.published)).as_dict()))
        else:
            self.json(provider.status, provider.description())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        sent = self.headers.get("authorization", "")
        self.json(*self.provider.exchanged(dict(parse_qsl(body)), sent))

    def authorize(self, asked: dict[str, str]) -> None:
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT
        assert "openid" in asked["scope"].split()
        to = self.provider.back(asked)
        told = f'<!doctype html><title>Sign in</title><a href="{escape(to)}">It is me</a>'
        self.send_response(200 if self.provider.asks else 302)
        self.send_header("content-type", "text/html; charset=utf-8")
        if not self.provider.asks:
            self.send_header("location", to)
        self.end_headers()
        self.wfile.write(told.encode())

    def leave(self, asked: dict[str, str]) -> None:
        """End the session of whom the token names, and send the browser back."""
        known = KeySet([self.provider.key])
        claims = jwt.decode(asked["id_token_hint"], known, algorithms=["RS256"]).claims
        assert claims["aud"] == asked["client_id"] == CLIENT
        self.provider.left.append({"who": claims["sub"], "back": asked["post_logout_redirect_uri"]})
        self.send_response(302)
        self.send_header("location", asked["post_logout_redirect_uri"])
        self.end_headers()

    def json(self, status: int, found: Claims) -> None:
        body = msgspec.json.encode(found)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        if self.provider.packs or "gzip" in self.headers.get("accept-encoding", ""):
            self.send_header("content-encoding", "gzip")
            body = gzip.compress(body)
        self.end_headers()
        with suppress(ConnectionError):  # whoever asks need not read to the end
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def providing(host: str = "localhost") -> Iterator[IdentityProvider]:
    """Serve on a free port of this machine; of another name than the API's, so of another site."""
    serves = type("Serves", (Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), serves)
    provider = IdentityProvider(f"http://{host}:{server.server_port}")
    provider.behave()
    serves.provider = provider
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

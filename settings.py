"""What the processes of a deployment read from the environment; only entry points import it."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from domain.access.invitations import Invitation
from domain.access.operators import OperatorRole
from domain.errors import InvalidInput
from gateways.telemetry import logs

CATALOGS = Path(__file__).parent / "catalogs"
SHORTEST_SECRET = 32  # characters
MOST_SECRETS = 2  # live at once: the new one and, for a while, the one before it
ORIGIN = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
ADDRESS = re.compile(r"[!-~]+")
HERE = {"localhost", "127.0.0.1", "::1"}  # where plain http is nobody else's to read
TOGETHER = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_roles")
STRIPE = "https://api.stripe.com"


class InvalidSettings(InvalidInput):
    """The environment cannot run a process; `faults` names every variable and its cure."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("invalid_settings", "\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """One field per variable, named like it; secrets and URLs that carry them are never shown.

    Temporal's API key and TLS are read by its SDK itself (TEMPORAL_API_KEY, TEMPORAL_TLS_…).
    """

    database_url: str = field(repr=False)
    temporal_address: str
    stripe_api_key: str = field(repr=False)
    stripe_webhook_secret: str = field(repr=False)
    link_secrets: tuple[str, ...] = field(repr=False)  # the first signs, any is accepted
    smtp_url: str = field(repr=False)
    mail_from: str
    public_url: str  # where customers and the processor reach the API; no slash at the end
    temporal_namespace: str = "default"
    temporal_ui_url: str | None = None  # where operators find the Temporal UI; None: no link
    link_days: int = 90  # for which a link in a mail opens
    stripe_api_base: str = STRIPE
    stripe_calls_per_second: int = 20  # of the whole fleet; Stripe allows 25 to one endpoint
    drawdown_catalogs: Path = CATALOGS
    metrics_address: str | None = None  # where Prometheus finds us; None opens no port
    log_format: str = "text"  # json: one object a line
    otel_exporter_otlp_endpoint: str | None = None  # where spans are collected; None makes none
    renewal_spread_seconds: int = 0  # over which renewals of one instant are paid; 0: at once
    webhook_private_addresses: bool = False  # whether webhooks may go inside, and by plain http
    invitations: tuple[Invitation, ...] = ()  # by which bonus of which price list people invite
    embed_origins: tuple[str, ...] = ()  # whose pages may show badges and prompts inside theirs
    oidc_issuer: str | None = None  # who says who operators are; None: they have passwords
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    oidc_scopes: str = "openid email profile"
    oidc_role_claim: str = "groups"
    oidc_roles: tuple[tuple[OperatorRole, str], ...] = ()  # which values of it stand for a role
    oidc_break_glass: bool = False  # whether passwords sign in beside the provider
    api_docs: bool = False  # whether the API describes itself at /docs and /openapi.json
    api_head_seconds: int = 10  # how long the head of a request may take before it is hung up on
    api_requests_per_second: int = 0  # of one key, in each process; 0: any number
    api_most_requests: int = 1_000  # under way in one process; a body of each may have 1 MB
    api_most_streams: int = 5_000  # of balances, open in one process

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Return the settings; InvalidSettings tells all that is missing or wrong at once."""
        values: dict[str, Any] = {}
        faults: list[str] = []
        for variable in fields(cls):
            name = variable.name.upper()
            text = environment.get(name, "").strip()
            if not text:
                if variable.default is MISSING:
                    faults.append(_missing(variable.name))
                continue
            try:
                values[variable.name] = PARSERS[variable.name](text)
            except ValueError:  # its text could quote a secret
                faults.append(f"{name} is not {EXPECTED[variable.name]}")
        if environment.get("PAYLOAD_KEYS", "").strip():
            faults.append("PAYLOAD_KEYS is set, but payloads are not encrypted yet: unset it")
        faults += _half_set(environment)
        if faults:
            raise InvalidSettings(tuple(faults))
        return cls(**values)


NAMES = (*(variable.name.upper() for variable in fields(Settings)), "PAYLOAD_KEYS")


def wants_api_docs(environment: Mapping[str, str]) -> bool:
    """Say whether the API describes itself; whatever is not `on` is no."""
    return environment.get("API_DOCS", "").strip() == "on"


def _missing(variable: str) -> str:
    return f"{variable.upper()} is missing: set it to {EXPECTED[variable]}"


def _half_set(environment: Mapping[str, str]) -> list[str]:
    """Return what is missing of the identity provider, if anything of it is there."""
    unset = [name for name in TOGETHER if not environment.get(name.upper(), "").strip()]
    return [_missing(name) for name in unset] if len(unset) < len(TOGETHER) else []


def _require(condition: object) -> None:
    if not condition:
        raise ValueError


def _database(text: str) -> str:
    parts = urlsplit(text)
    _require(parts.scheme in {"postgresql", "postgresql+psycopg"} and parts.path.strip("/"))
    return text


def _address(text: str) -> str:
    parts = urlsplit(f"//{text}")
    _require(parts.hostname and parts.port and not parts.path)
    return text


def _web(text: str) -> str:
    parts = urlsplit(text)
    _require(parts.scheme in {"http", "https"} and parts.hostname)
    return text.rstrip("/")


def _smtp(text: str) -> str:
    parts = urlsplit(text)
    _require(parts.scheme in {"smtp", "smtps"} and parts.hostname)
    return text


def _secret(*prefixes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        _require(text.startswith(prefixes))
        return text

    return parse


def _secrets(text: str) -> tuple[str, ...]:
    found = tuple(one.strip() for one in text.split(","))
    _require(len(found) <= MOST_SECRETS and len(set(found)) == len(found))
    _require(all(len(one) >= SHORTEST_SECRET for one in found))
    return found


def _origins(text: str) -> tuple[str, ...]:
    found = tuple(one.strip().rstrip("/") for one in text.split(","))
    for one in found:
        parts = urlsplit(one)
        _require(parts.scheme in {"http", "https"} and one == f"{parts.scheme}://{parts.netloc}")
        _require(ORIGIN.fullmatch(parts.netloc))  # it becomes part of a header
    return found


def _invitations(text: str) -> tuple[Invitation, ...]:
    found = []
    for one in text.split(","):
        named, _, address = one.strip().partition("=")
        catalog, _, bonus = named.partition("/")
        parts = urlsplit(address)
        _require(catalog and bonus and parts.scheme in {"http", "https"} and parts.hostname)
        _require(not parts.fragment and ADDRESS.fullmatch(address))
        found.append(Invitation(catalog, bonus, address))
    return tuple(found)


def _issuer(text: str) -> str:
    """Take an issuer exactly as it is: ID tokens must name it so, with or without a slash."""
    parts = urlsplit(text)
    _require(parts.hostname and not parts.query and not parts.fragment)
    _require(parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE))
    return text


def _scopes(text: str) -> str:
    _require("openid" in text.split())
    return " ".join(text.split())


def _roles(text: str) -> tuple[tuple[OperatorRole, str], ...]:
    found = []
    for one in text.split(","):
        role, _, value = one.strip().partition("=")
        _require(value)
        found.append((OperatorRole(role), unquote(value)))
    return tuple(found)


def _sender(text: str) -> str:
    _require("@" in parseaddr(text)[1])
    return text


def _switch(text: str) -> bool:
    _require(text in {"on", "off"})
    return text == "on"


def _number(text: str) -> int:
    _require(int(text) > 0)
    return int(text)


def _some(text: str) -> int:
    _require(int(text) >= 0)
    return int(text)


def _log_format(text: str) -> str:
    _require(text in logs.FORMATS)
    return text


def _folder(text: str) -> Path:
    _require(Path(text).is_dir())
    return Path(text)


PARSERS: dict[str, Callable[[str], object]] = {
    "database_url": _database,
    "temporal_address": _address,
    "temporal_namespace": str,
    "temporal_ui_url": _web,
    "stripe_api_key": _secret("sk_", "rk_"),
    "stripe_api_base": _web,
    "stripe_calls_per_second": _number,
    "stripe_webhook_secret": _secret("whsec_"),
    "link_secrets": _secrets,
    "link_days": _number,
    "smtp_url": _smtp,
    "mail_from": _sender,
    "public_url": _web,
    "drawdown_catalogs": _folder,
    "metrics_address": _address,
    "log_format": _log_format,
    "otel_exporter_otlp_endpoint": _web,
    "renewal_spread_seconds": _some,
    "webhook_private_addresses": _switch,
    "invitations": _invitations,
    "embed_origins": _origins,
    "oidc_issuer": _issuer,
    "oidc_client_id": str,
    "oidc_client_secret": str,
    "oidc_scopes": _scopes,
    "oidc_role_claim": str,
    "oidc_roles": _roles,
    "oidc_break_glass": _switch,
    "api_docs": _switch,
    "api_head_seconds": _number,
    "api_requests_per_second": _some,
    "api_most_requests": _number,
    "api_most_streams": _number,
}
EXPECTED = {
    "database_url": "the ledger's database, as postgresql://user:password@host:port/database",
    "temporal_address": "host:port of Temporal's frontend",
    "temporal_namespace": "a namespace of Temporal",
    "temporal_ui_url": "the http(s) address where operators open the Temporal UI",
    "stripe_api_key": "a secret or restricted key of Stripe (sk_… or rk_…)",
    "stripe_api_base": "a http(s) address",
    "stripe_calls_per_second": "a whole number above zero, the same for every worker",
    "stripe_webhook_secret": "the signing secret of Stripe's webhook endpoint (whsec_…)",
    "link_secrets": "one or two secrets of 32 characters or more: the newest first, then a comma",
    "link_days": "a whole number of days above zero",
    "smtp_url": "the mail server, as smtp://user:password@host:port or smtps://…",
    "mail_from": "the sender's address",
    "public_url": "the http(s) address where customers reach the API",
    "drawdown_catalogs": "a folder that exists",
    "metrics_address": "host:port to listen on",
    "log_format": "text or json",
    "otel_exporter_otlp_endpoint": "the http(s) address of a collector (OTLP over HTTP)",
    "renewal_spread_seconds": "a whole number of seconds",
    "webhook_private_addresses": "on or off",
    "invitations": "catalog/bonus=address of the sign-up page, with a comma between several",
    "embed_origins": "origins such as https://app.example.com, with a comma between them",
    "oidc_issuer": "the https address of the identity provider, as its ID tokens write it",
    "oidc_client_id": "our name at the identity provider",
    "oidc_client_secret": "our secret at the identity provider",
    "oidc_scopes": "scopes with a space between them, openid among them",
    "oidc_role_claim": "the claim that says which role somebody has",
    "oidc_roles": "support=…, finance=… or admin=… for values of the claim, with commas between",
    "oidc_break_glass": "on or off",
    "api_docs": "on or off",
    "api_head_seconds": "a whole number of seconds above zero",
    "api_requests_per_second": "a whole number; 0 sets no limit",
    "api_most_requests": "a whole number above zero",
    "api_most_streams": "a whole number above zero",
}

"""What routes share: one database engine, one Temporal client, one payment processor."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine
from temporalio.client import Client

from activities.context import BillingContext
from activities.direct.usage import DirectUsage
from api.keyring import KeyRing
from api.limits import Limits
from api.v1.metrics import DoorMetrics
from api.v1.tally import NamedRefusals, Tally
from api.watching.balances import Balances
from domain.access.identities import RoleRules
from domain.access.invitations import Invitation
from gateways.identity.provider import Provider
from gateways.payments import Payments


@dataclass(frozen=True, slots=True)
class Identities:
    """Who says who operators are; `break_glass`: passwords sign in as well."""

    provider: Provider
    rules: RoleRules
    break_glass: bool


@dataclass(frozen=True, slots=True)
class Services:
    """Made once per process by `api.main`; secrets never appear in its repr."""

    engine: Engine
    temporal: Client
    payments: Payments
    public_url: str
    webhook_secret: str = field(repr=False)
    link_secrets: tuple[str, ...] = field(repr=False)
    context: BillingContext = field(repr=False)
    keys: KeyRing
    usage: DirectUsage
    limits: Limits
    balances: Balances
    link_life: timedelta  # of the links in mails, from the mail on
    temporal_ui_url: str | None = None
    identities: Identities | None = None  # None: operators have passwords
    metrics: DoorMetrics | None = None  # None: nobody asks for them
    webhook_private_addresses: bool = False
    tally: Tally = field(default_factory=Tally)
    refusals: NamedRefusals = field(default_factory=NamedRefusals)
    invitations: tuple[Invitation, ...] = ()
    price_lists: Mapping[str, str] = field(default_factory=dict, repr=False)  # as YAML, by name
    embed_origins: tuple[str, ...] = ()  # of the pages that may show ours inside theirs

    @property
    def ancestors(self) -> str:
        """The origins that may embed what is made to be embedded, for a page's policy."""
        return " ".join(self.embed_origins) or "'none'"


def _services(request: Request) -> Services:
    services: Services = request.state.services
    return services


Shared = Annotated[Services, Depends(_services)]

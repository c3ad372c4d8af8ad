"""One request to the customer's console: who asks, and what every page must know of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from sqlalchemy import Connection
from temporalio.converter import value_to_type

from api.errors import NotFoundError
from api.pages.asking import NONE, Asker, Json
from api.pages.customer.sessions import Session
from api.services import Services
from api.v1.call import Reply
from domain.api_keys import ApiKey, Scope
from domain.errors import BillingError
from domain.pricing.catalog import Catalog, Plan
from domain.subscription import Status
from domain.teams.members import Member, Role
from gateways.letter_formats import Formats
from ledger import accounts
from ledger.accounts import CustomerDetails, PauseLine
from ledger.reads import snapshots, wallets, watched
from ledger.reads.wallets import WalletNow
from ledger.teams import members

MAY = frozenset({Scope.READ, Scope.CUSTOMER})
CUSTOMER = "/customers/{id}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What every page shows: the customer, the subscription, and whether it serves.

    `mark` is that of the wallet; a page reads everything else after it.
    """

    customer: CustomerDetails
    member: Member | None
    subscription: Json
    plan: Plan
    wallet: WalletNow
    pauses: tuple[PauseLine, ...]
    mark: str

    @property
    def status(self) -> Status:
        """The subscription's status."""
        return Status(self.subscription["status"])


@dataclass(frozen=True, slots=True)
class Visit:
    """A request with its session; `form` is what was sent, and `query` what was asked."""

    services: Services
    session: Session
    standing: Standing
    at: datetime
    request_id: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    refused: BillingError | None = None  # why the form that was sent did nothing

    @property
    def customer_id(self) -> str:
        """The customer whose console it is."""
        return self.standing.customer.customer_id

    @property
    def plan(self) -> Plan:
        """The plan in force."""
        return self.standing.plan

    @property
    def catalog(self) -> Catalog | None:
        """The price list; None: it is sold no more."""
        return self.services.context.catalogs.get(self.plan.catalog)

    @property
    def member(self) -> Member | None:
        """The member who looks; None: the customer's own."""
        return self.standing.member

    @property
    def is_admin(self) -> bool:
        """Whether the visitor may buy, change and decide."""
        if self.session.only:
            return False
        return self.member is None or self.member.role is Role.ADMIN

    @property
    def show(self) -> Formats:
        """The formats of the customer's locale and time zone."""
        known = self.standing.customer
        return Formats.of(known.locale, known.time_zone)

    def unit(self, credit_type: str) -> str:
        """Return what the price list calls a credit type, as in `SEO documents`."""
        sold = self.catalog.credit_types if self.catalog else ()
        named = (one.name for one in sold if one.credit_type == credit_type)
        return next(named, credit_type.replace("_", " "))

    def action(self, action_id: str) -> str:
        """Return what the price list calls an action."""
        sold = self.catalog.actions if self.catalog else ()
        return next((one.name for one in sold if one.action_id == action_id), action_id)

    @property
    def asker(self) -> Asker:
        """The endpoints of the door, for this customer's price list."""
        key = ApiKey("console", MAY, self.plan.catalog, console=True)
        return Asker(self.services, key, self.request_id)

    async def ask(
        self,
        wanted: str,
        *,
        query: Mapping[str, str] = NONE,
        body: Json | None = None,
        key: str = "",
        **path: str,
    ) -> Json:
        """Ask an endpoint about this customer, such as `GET /customers/{id}/balance`.

        `path` has further values of the path. Raises `BillingError`.
        """
        owned = {"id": self._id_for(wanted), **path}
        return await self.asker.ask(wanted, owned, query=query, body=body, key=key)

    async def file(
        self, wanted: str, *, accept: str, query: Mapping[str, str], **path: str
    ) -> Reply:
        """Return an endpoint's reply as a file, such as CSV. Raises `BillingError`."""
        owned = {"id": self._id_for(wanted), **path}
        return await self.asker.reply(wanted, owned, query=query, accept=accept)

    def _id_for(self, wanted: str) -> str:
        if " /subscriptions/" in wanted:
            return str(self.standing.subscription["subscription_id"])
        return self.customer_id

    def new_key(self) -> str:
        """Return a key for a form: sent twice, its act is done once."""
        return uuid4().hex


async def standing_of(services: Services, session: Session, at: datetime) -> Standing:
    """Read what every page must know. Raises `NotFoundError`: nobody may see it any more."""

    def read() -> Standing:
        with snapshots.snapshot(services.engine) as connection:
            return _standing(connection, session, at)

    return await asyncio.to_thread(read)


def _standing(connection: Connection, session: Session, at: datetime) -> Standing:
    account_id = session.account_id
    member = None
    if session.member_id:
        team = members.of_account(connection, account_id)
        member = next((one for one in team if one.member_id == session.member_id), None)
        if member is None:
            raise NotFoundError("unknown_link", "this member is of the team no more")
    wallet, mark = watched.wallet_watched(connection, account_id, at)
    customer, row = wallets.subscriber(connection, account_id)
    if row is None:
        raise NotFoundError("unknown_link", "there is no such subscription")
    return Standing(
        customer=customer,
        member=member,
        subscription=row,
        plan=value_to_type(Plan, row["plan"]),
        wallet=wallet,
        pauses=tuple(accounts.pauses(connection, account_id)) if wallet.paused_by else (),
        mark=mark,
    )

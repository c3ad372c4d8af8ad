"""What stands of one customer: who it is, what it has, and whether its workflow answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection
from temporalio.service import RPCError, RPCStatusCode

from api.errors import NotFoundError
from api.pages.operator.customer.telling import Words
from api.pages.operator.visits import Visit
from api.v1.sending.acts import AWAY
from ledger.accounts import CustomerDetails
from ledger.reads import snapshots, wallets
from ledger.reads.coming import Coming, coming
from ledger.reads.wallets import GrantNow, WalletNow
from workflows import names

PATIENCE = 3  # seconds for Temporal: the page is there without it
AWAY_NOW = "away"


@dataclass(frozen=True, slots=True)
class Standing:
    """A customer at one instant; credits are micro-credits by type."""

    account_id: int
    customer: CustomerDetails
    subscription: Mapping[str, Any] | None
    wallet: WalletNow
    grants: tuple[GrantNow, ...]
    owed: Mapping[str, int]
    coming: tuple[Coming, ...]

    @property
    def subscription_id(self) -> str | None:
        """The subscription that lives, else the one that ended last."""
        return self.subscription["subscription_id"] if self.subscription else None

    @property
    def plan(self) -> Mapping[str, Any]:
        """The plan version; empty: there never was one."""
        return self.subscription["plan"] if self.subscription else {}

    @property
    def balances(self) -> list["Balance"]:
        """What there is of each type, the plan's first."""
        kinds = dict.fromkeys(
            [*filter(None, [self.plan.get("credit_type")])]
            + [one.credit_type for one in self.grants]
            + list(self.owed)
        )
        return [self._balance(kind) for kind in kinds]

    def available(self, credit_type: str) -> int:
        """Return the micro-credits that can be spent now."""
        return sum(one.available for one in self.grants if one.credit_type == credit_type)

    def _balance(self, kind: str) -> "Balance":
        mine = [one for one in self.grants if one.credit_type == kind]
        return Balance(
            kind,
            available=self.available(kind),
            held=sum(one.held for one in mine),
            frozen=sum(one.frozen for one in mine),
            owed=self.owed.get(kind, 0),
        )


@dataclass(frozen=True, slots=True)
class Balance:
    """Micro-credits of one type."""

    credit_type: str
    available: int
    held: int
    frozen: int
    owed: int


def standing_of(connection: Connection, visit: Visit, customer_id: str) -> Standing:
    """Read a customer. Raises `InvalidInput` (`unknown_customer`)."""
    account = snapshots.account_of(connection, customer_id, None)
    wallet = wallets.wallet_now(connection, account, visit.at)
    customer, subscription = wallets.subscriber(connection, account)
    _, owed = wallets.included_and_owed(connection, wallet)
    return Standing(
        account_id=account,
        customer=customer,
        subscription=subscription,
        wallet=wallet,
        grants=wallets.grants_now(connection, wallet),
        owed=owed,
        coming=coming(connection, account),
    )


def wanted(visit: Visit) -> str:
    """Return the customer that a page or its form is about. Raises `NotFoundError`."""
    named = visit.form.get("customer") or visit.query.get("id", "")
    if not named or "\x00" in named or len(named) > 200:  # noqa: PLR2004 - longer than any id
        raise NotFoundError("not_found", "there is no such customer")
    return named


def words_of(visit: Visit, standing: Standing) -> Words:
    """Return how amounts of a customer are written."""
    catalog = visit.services.context.catalogs.get(standing.plan.get("catalog", ""))
    units = {one.credit_type: one.name for one in catalog.credit_types} if catalog else {}
    return Words(visit.show, units)


def workflow_page(visit: Visit, subscription_id: str) -> str:
    """Return where the Temporal UI shows a subscription's workflow; "": nobody said where it is."""
    services = visit.services
    if services.temporal_ui_url is None:
        return ""
    named = quote(names.subscription_workflow(subscription_id), safe="")
    space = quote(services.temporal.namespace, safe="")
    return f"{services.temporal_ui_url}/namespaces/{space}/workflows/{named}"


async def workflow_state(visit: Visit, subscription_id: str) -> str:
    """Return how a subscription's workflow stands, as Temporal says; `away`: it does not answer."""
    handle = visit.services.temporal.get_workflow_handle(
        names.subscription_workflow(subscription_id)
    )
    try:
        async with asyncio.timeout(PATIENCE):
            described = await handle.describe()
    except RPCError as error:
        return "none" if error.status is RPCStatusCode.NOT_FOUND else AWAY_NOW
    except AWAY:
        return AWAY_NOW
    return described.status.name.lower().replace("_", " ") if described.status else AWAY_NOW

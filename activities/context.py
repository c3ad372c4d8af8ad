"""What ledger activities share: the database, the price lists, the addresses of links."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from domain.errors import InvalidInput
from domain.mails import links
from domain.pricing.catalog import Catalog, Plan
from domain.pricing.in_currency import currencies_of, every_plan, plan_in
from ledger import subscriptions


def nobody(_accounts: Iterable[int]) -> None:
    """Tell nobody: what a context does that no process made."""


def perhaps(_topic: str) -> bool:
    """Say that messages may wait: who asks looks itself."""
    return True


@dataclass(frozen=True)
class BillingContext:
    """Built once by an entry point. The first of `link_secrets` signs the links in mails.

    Renewals due at one instant are paid over `renewal_spread` from then on. `tell` lets those who
    watch wallets know that these accounts' have changed, after the commit. `waits` says whether
    messages of a topic may wait, which is cheaper to ask than to look for them.
    """

    engine: Engine
    catalogs: Mapping[str, Catalog]
    public_url: str
    link_secrets: tuple[str, ...]
    renewal_spread: timedelta = timedelta(0)
    tell: Callable[[Iterable[int]], None] = field(default=nobody, repr=False)
    waits: Callable[[str], bool] = field(default=perhaps, repr=False)

    @contextmanager
    def changing(self, account_id: int) -> Iterator[Connection]:
        """Begin a transaction that uses a wallet's credits; who watches it is told afterwards."""
        with self.engine.begin() as connection:
            yield connection
        self.tell((account_id,))

    def catalog(self, name: str) -> Catalog:
        """Return a price list. Raises `InvalidInput` (`unknown_catalog`)."""
        if name not in self.catalogs:
            known = ", ".join(sorted(self.catalogs))
            raise InvalidInput("unknown_catalog", f"no catalog {name!r:.60}; known: {known}")
        return self.catalogs[name]

    def plan_of(self, connection: Connection, subscription_id: str) -> Plan:
        """Return a subscription's plan from the price list, for prices and names only.

        Policies must come from the plan version that was sold, which workflow and lock row have.
        """
        named = subscriptions.plan_named(connection, subscription_id)
        catalog = self.catalog(named.catalog)
        wanted = (named.plan_id, named.version, named.currency)
        for one in every_plan(catalog):
            if (one.plan_id, one.version, one.currency) == wanted:
                return one
        sold = named.currency if named.currency in currencies_of(catalog) else ""
        return plan_in(catalog, named.plan_id, currency=sold)

    def approval_link(self, subscription_id: str, key: str, member_id: str) -> str:
        """Return the link to a request's page for one member; its buttons act for that member."""
        name = (subscription_id, key, member_id)
        return links.approval_link(self.public_url, self.link_secrets, *name)

    def account_link(self, subscription_id: str, at: datetime, page: str = "") -> str:
        """Return the link that opens a page of the customer's console, by default the first."""
        where = self.public_url, self.link_secrets, subscription_id
        return links.account_link(*where, at, page=page)

    def invoices_link(self, subscription_id: str, at: datetime) -> str:
        """Return the link that shows a customer's invoices and nothing else."""
        return links.invoices_link(self.public_url, self.link_secrets, subscription_id, at)

    def billing_link(self, subscription_id: str, at: datetime) -> str:
        """Return the link to the processor's page where the card is replaced."""
        return links.billing_link(self.public_url, self.link_secrets, subscription_id, at)

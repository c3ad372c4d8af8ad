"""What ledger activities share: the database, the price lists, where links in mails lead."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from domain.errors import InvalidInput
from domain.mails import links
from domain.pricing.catalog import Catalog, Plan
from ledger import subscriptions


@dataclass(frozen=True)
class BillingContext:
    """Built once by an entry point. `link_secret` signs the links that mails carry."""

    engine: Engine
    catalogs: Mapping[str, Catalog]
    public_url: str
    link_secret: str

    def catalog(self, name: str) -> Catalog:
        """Return a price list. Raises `InvalidInput` (`unknown_catalog`)."""
        if name not in self.catalogs:
            known = ", ".join(sorted(self.catalogs))
            raise InvalidInput("unknown_catalog", f"no catalog {name!r:.60}; there are: {known}")
        return self.catalogs[name]

    def plan_of(self, connection: Connection, subscription_id: str) -> Plan:
        """Return the plan of a subscription in the words of its price list, for prices and names.

        Policies are those of the plan version that was sold: the workflow and the lock have them.
        """
        named = subscriptions.plan_named(connection, subscription_id)
        catalog = self.catalog(named.catalog)
        same = (one for one in catalog.plans if one.plan_id == named.plan_id)
        return next(
            (one for one in same if one.version == named.version),
            catalog.plan(named.plan_id),
        )

    def approval_link(self, subscription_id: str, key: str, member_id: str) -> str:
        """Return the address of a request's page for one member; its buttons speak for them."""
        name = (subscription_id, key, member_id)
        return links.approval_link(self.public_url, self.link_secret, *name)

    def account_link(self, subscription_id: str) -> str:
        """Return the address of the page that shows a subscription's plan and credits."""
        return links.account_link(self.public_url, self.link_secret, subscription_id)

    def billing_link(self, subscription_id: str) -> str:
        """Return the address that leads to the processor's page, on which a card is replaced."""
        return links.billing_link(self.public_url, self.link_secret, subscription_id)

"""What ledger activities share: the database, the price lists, where links in mails lead."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from domain import links
from domain.catalog import Catalog
from domain.errors import InvalidInput


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

    def billing_link(self, subscription_id: str) -> str:
        """Return the address behind a mail's button: it leads to the processor's card page."""
        return links.billing_link(self.public_url, self.link_secret, subscription_id)

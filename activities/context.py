"""What ledger activities share: the database, the price lists, where links in mails lead."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

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
        token = link_token(self.link_secret, subscription_id)
        return f"{self.public_url}/billing/{subscription_id}/{token}"


def link_token(secret: str, subscription_id: str) -> str:
    """Sign a subscription's name, so that only a mail's reader can open its billing page."""
    return hmac.new(secret.encode(), subscription_id.encode(), hashlib.sha256).hexdigest()[:32]

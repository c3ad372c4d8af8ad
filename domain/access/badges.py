"""Badges: a customer's balance inside a product's page, for half an hour and to be read only."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.access.sealed import Seal, seal, unseal

LASTS = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Badge:
    """Whose balance is shown; `member_id` "": the customer's own. `return_url` "": none."""

    account_id: int
    member_id: str
    return_url: str
    made_at: datetime

    @property
    def expires_at(self) -> datetime:
        """When it shows nothing any more."""
        return self.made_at + LASTS


def badge_token(secrets: tuple[str, ...], badge: Badge) -> str:
    """Return the token of a badge's address."""
    kept = [badge.account_id, badge.member_id, badge.return_url, badge.made_at.isoformat()]
    return seal(secrets, Seal.EMBED, json.dumps(kept))


def badge_of(secrets: tuple[str, ...], token: str, at: datetime) -> Badge | None:
    """Return the badge of a token; None: it is not ours, was changed, or is over."""
    content = unseal(secrets, Seal.EMBED, token)
    if content is None:
        return None
    account_id, member_id, return_url, made_at = json.loads(content)
    badge = Badge(account_id, member_id, return_url, datetime.fromisoformat(made_at))
    return None if at >= badge.expires_at else badge

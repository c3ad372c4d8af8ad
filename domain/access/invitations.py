"""Invitations: a customer's link, and what it promises for who signs up by it."""

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from domain.access.sealed import Seal, seal, unseal


@dataclass(frozen=True, slots=True)
class Invitation:
    """By which bonus of a price list customers invite, and where its seller signs people up."""

    catalog: str
    bonus_id: str
    signup_url: str

    def signup(self, token: str) -> str:
        """Return the sign-up page's address with the token that it hands back."""
        mark = "&" if "?" in self.signup_url else "?"
        return f"{self.signup_url}{mark}{urlencode({'invitation': token})}"


@dataclass(frozen=True, slots=True)
class Inviter:
    """Who invites, and the bonus that a sign-up brings them."""

    account_id: int
    customer_id: str
    bonus_id: str


def invitation_token(secrets: tuple[str, ...], inviter: Inviter) -> str:
    """Return the token of a customer's link; it never expires."""
    kept = [inviter.account_id, inviter.customer_id, inviter.bonus_id]
    return seal(secrets, Seal.INVITATION, json.dumps(kept))


def inviter_of(secrets: tuple[str, ...], token: str) -> Inviter | None:
    """Return who invites by a token; None: it is not ours, or was changed."""
    content = unseal(secrets, Seal.INVITATION, token)
    return None if content is None else Inviter(*json.loads(content))

"""The links that mails carry: signed, because whoever holds one may replace a card or approve."""

import hashlib
import hmac
import json
from urllib.parse import quote, urlencode

# The secret signs other messages too; none of them begins like these.
PURPOSE = b"billing-link:"
APPROVAL = b"approval-link:"


def billing_link(public_url: str, secret: str, subscription_id: str) -> str:
    """Return the address that leads to the processor's page, on which a card is replaced."""
    token = link_token(secret, subscription_id)
    return f"{public_url}/billing/{quote(subscription_id, safe='')}/{token}"


def account_link(public_url: str, secret: str, subscription_id: str) -> str:
    """Return the address of the page that shows plan and credits and leads to the card's."""
    token = link_token(secret, subscription_id)
    return f"{public_url}/account/{quote(subscription_id, safe='')}/{token}"


def link_token(secret: str, subscription_id: str) -> str:
    """Sign a subscription's name, so that only a mail's reader can open its billing page."""
    return _signed(secret, PURPOSE + subscription_id.encode())


def approval_link(
    public_url: str, secret: str, subscription_id: str, key: str, member_id: str
) -> str:
    """Return the address of a request's page; whoever opens it speaks for the member."""
    query = {
        "subscription": subscription_id,
        "key": key,
        "member": member_id,
        "token": approval_token(secret, subscription_id, key, member_id),
    }
    return f"{public_url}/approvals?{urlencode(query)}"


def approval_token(secret: str, subscription_id: str, key: str, member_id: str) -> str:
    """Sign who may speak on which request; JSON keeps the names apart."""
    return _signed(secret, APPROVAL + json.dumps([subscription_id, key, member_id]).encode())


def is_genuine(secret: str, subscription_id: str, token: str) -> bool:
    """Say whether we signed a link, in a time that tells nothing about how close a guess is."""
    return hmac.compare_digest(link_token(secret, subscription_id).encode(), token.encode())


def is_approver(secret: str, subscription_id: str, key: str, member_id: str, token: str) -> bool:
    """Say whether we signed the link of a member to a request."""
    wanted = approval_token(secret, subscription_id, key, member_id)
    return hmac.compare_digest(wanted.encode(), token.encode())


def _signed(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:32]

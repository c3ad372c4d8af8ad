"""The links in mails. They are signed: whoever holds one can replace a card or approve."""

import hashlib
import hmac
import json
from urllib.parse import quote, urlencode

# The same secret signs other messages, none of which starts with this prefix.
PURPOSE = b"billing-link:"
APPROVAL = b"approval-link:"


def billing_link(public_url: str, secret: str, subscription_id: str) -> str:
    """Return the link to the processor's page where the card is replaced."""
    token = link_token(secret, subscription_id)
    return f"{public_url}/billing/{quote(subscription_id, safe='')}/{token}"


def account_link(public_url: str, secret: str, subscription_id: str) -> str:
    """Return the link to the page that shows plan and credits, and leads on to the card."""
    token = link_token(secret, subscription_id)
    return f"{public_url}/account/{quote(subscription_id, safe='')}/{token}"


def link_token(secret: str, subscription_id: str) -> str:
    """Sign a subscription's id, so that only a reader of the mail can open its billing page."""
    return _signed(secret, PURPOSE + subscription_id.encode())


def approval_link(
    public_url: str, secret: str, subscription_id: str, key: str, member_id: str
) -> str:
    """Return the link to a request's page; whoever opens it acts as that member."""
    query = {
        "subscription": subscription_id,
        "key": key,
        "member": member_id,
        "token": approval_token(secret, subscription_id, key, member_id),
    }
    return f"{public_url}/approvals?{urlencode(query)}"


def approval_token(secret: str, subscription_id: str, key: str, member_id: str) -> str:
    """Sign a member's right to decide a request; JSON keeps the three ids from running together."""
    return _signed(secret, APPROVAL + json.dumps([subscription_id, key, member_id]).encode())


def is_genuine(secret: str, subscription_id: str, token: str) -> bool:
    """Check our signature in constant time, so that timing reveals nothing about a guess."""
    return hmac.compare_digest(link_token(secret, subscription_id).encode(), token.encode())


def is_approver(secret: str, subscription_id: str, key: str, member_id: str, token: str) -> bool:
    """Check that we signed this member's link to the request, in constant time."""
    wanted = approval_token(secret, subscription_id, key, member_id)
    return hmac.compare_digest(wanted.encode(), token.encode())


def _signed(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:32]

"""The links in mails. They are signed: whoever holds one can replace a card or approve.

`secrets` are those that are live, the newest first: it signs, and any of them is accepted.
"""

import hashlib
import hmac
import json
from urllib.parse import quote, urlencode

# Each kind of link has a prefix of its own, so that no token opens a link of another kind.
PURPOSE = b"billing-link:"
APPROVAL = b"approval-link:"
INVOICES = b"invoices-link:"


def billing_link(public_url: str, secrets: tuple[str, ...], subscription_id: str) -> str:
    """Return the link to the processor's page where the card is replaced."""
    token = link_token(secrets, subscription_id)
    return f"{public_url}/billing/{quote(subscription_id, safe='')}/{token}"


def account_link(
    public_url: str, secrets: tuple[str, ...], subscription_id: str, page: str = ""
) -> str:
    """Return the link that opens the console as the customer's own, by default its first page."""
    token = link_token(secrets, subscription_id)
    link = f"{public_url}/account/{quote(subscription_id, safe='')}/{token}"
    return f"{link}?page={page}" if page else link


def invoices_link(public_url: str, secrets: tuple[str, ...], subscription_id: str) -> str:
    """Return the link that shows invoices and nothing else: for finance, auditors and the like."""
    token = _signed(secrets[0], INVOICES + subscription_id.encode())
    return f"{public_url}/invoices/{quote(subscription_id, safe='')}/{token}"


def is_of_invoices(secrets: tuple[str, ...], subscription_id: str, token: str) -> bool:
    """Check that we signed this link to a customer's invoices, in constant time."""
    return _is_of_any(secrets, INVOICES + subscription_id.encode(), token)


def link_token(secrets: tuple[str, ...], subscription_id: str) -> str:
    """Sign a subscription's id, so that only a reader of the mail can open its billing page."""
    return _signed(secrets[0], PURPOSE + subscription_id.encode())


def approval_link(
    public_url: str, secrets: tuple[str, ...], subscription_id: str, key: str, member_id: str
) -> str:
    """Return the link to a request's page; whoever opens it acts as that member."""
    query = {
        "subscription": subscription_id,
        "key": key,
        "member": member_id,
        "token": approval_token(secrets, subscription_id, key, member_id),
    }
    return f"{public_url}/approvals?{urlencode(query)}"


def approval_token(secrets: tuple[str, ...], subscription_id: str, key: str, member_id: str) -> str:
    """Sign a member's right to decide a request; JSON keeps the three ids from running together."""
    return _signed(secrets[0], _approval(subscription_id, key, member_id))


def is_genuine(secrets: tuple[str, ...], subscription_id: str, token: str) -> bool:
    """Check our signature in constant time, so that timing reveals nothing about a guess."""
    return _is_of_any(secrets, PURPOSE + subscription_id.encode(), token)


def is_approver(
    secrets: tuple[str, ...], subscription_id: str, key: str, member_id: str, token: str
) -> bool:
    """Check that we signed this member's link to the request, in constant time."""
    return _is_of_any(secrets, _approval(subscription_id, key, member_id), token)


def _approval(subscription_id: str, key: str, member_id: str) -> bytes:
    return APPROVAL + json.dumps([subscription_id, key, member_id]).encode()


def _is_of_any(secrets: tuple[str, ...], message: bytes, token: str) -> bool:
    """Compare with every live secret, so that the time does not tell which one signed."""
    sent = token.encode("utf-8", "surrogatepass")
    matches = [hmac.compare_digest(_signed(one, message).encode(), sent) for one in secrets]
    return any(matches)


def _signed(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()[:32]

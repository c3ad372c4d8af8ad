"""The links in mails. They are signed: whoever holds one can replace a card or approve.

`secrets` are those that are live, the newest first: it signs, and any of them is accepted. A link
to a customer's pages carries the instant of its mail, from which its life is counted; requests of
members end by themselves.
"""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote, urlencode

# Each kind of link has a prefix of its own, so that no token opens a link of another kind.
APPROVAL = b"approval-link:"
DATED = re.compile(r"([0-9a-f]{1,10})-([0-9a-f]{32})")


class Opens(StrEnum):
    """What a link opens, by the prefix under which it is signed."""

    CONSOLE = "billing-link:"  # the customer's own pages, and where the card is replaced
    INVOICES = "invoices-link:"


@dataclass(frozen=True, slots=True)
class Mailed:
    """A link that we signed; `at` is its mail's instant, None where none was written into links."""

    at: datetime | None


def billing_link(
    public_url: str, secrets: tuple[str, ...], subscription_id: str, at: datetime
) -> str:
    """Return the link to the processor's page where the card is replaced, in a mail of `at`."""
    token = link_token(secrets, Opens.CONSOLE, subscription_id, at)
    return f"{public_url}/billing/{quote(subscription_id, safe='')}/{token}"


def account_link(
    public_url: str, secrets: tuple[str, ...], subscription_id: str, at: datetime, *, page: str = ""
) -> str:
    """Return the link that opens the console as the customer's own, by default its first page."""
    token = link_token(secrets, Opens.CONSOLE, subscription_id, at)
    link = account_links(public_url, subscription_id) + token
    return f"{link}?page={page}" if page else link


def account_links(public_url: str, subscription_id: str) -> str:
    """Return what every link to a customer's console begins with."""
    return f"{public_url}/account/{quote(subscription_id, safe='')}/"


def invoices_link(
    public_url: str, secrets: tuple[str, ...], subscription_id: str, at: datetime
) -> str:
    """Return the link that shows invoices and nothing else: for finance, auditors and the like."""
    token = link_token(secrets, Opens.INVOICES, subscription_id, at)
    return f"{public_url}/invoices/{quote(subscription_id, safe='')}/{token}"


def link_token(secrets: tuple[str, ...], opens: Opens, subscription_id: str, at: datetime) -> str:
    """Sign a subscription's id, so that only a reader of the mail can open its pages."""
    stamp = f"{int(at.timestamp()):x}"
    return f"{stamp}-{_signed(secrets[0], _dated(opens, subscription_id, stamp))}"


def undated_token(secret: str, opens: Opens, subscription_id: str) -> str:
    """Return the token of links from before their mail's instant was written into them."""
    return _signed(secret, opens.encode() + subscription_id.encode())


def mailed(
    secrets: tuple[str, ...], opens: Opens, subscription_id: str, token: str
) -> Mailed | None:
    """Return what a link's token says; None: we did not sign it.

    Checked in constant time, so that timing reveals nothing about a guess.
    """
    dated = DATED.fullmatch(token)
    if dated is None:
        undated = opens.encode() + subscription_id.encode()
        return Mailed(None) if _is_of_any(secrets, undated, token) else None
    stamp, signature = dated.groups()
    if not _is_of_any(secrets, _dated(opens, subscription_id, stamp), signature):
        return None
    return Mailed(datetime.fromtimestamp(int(stamp, 16), UTC))


def _dated(opens: Opens, subscription_id: str, stamp: str) -> bytes:
    # With a prefix that no undated link has, whatever its subscription is called.
    return f"dated-{opens}{json.dumps([stamp, subscription_id])}".encode()


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

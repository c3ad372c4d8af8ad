"""Texts that travel through a browser and come back unchanged, or not at all: cookies.

`secrets` are those that are live, the newest first: it seals, and any of them opens.
"""

import base64
import hashlib
import hmac
from enum import StrEnum


class Seal(StrEnum):
    """What a sealed text is for: one for one purpose opens nothing of another."""

    CUSTOMER = "customer-session"
    OPERATOR = "operator-session"
    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    FORM = "form"
    INVITATION = "invitation"
    PROMPT = "prompt"
    EMBED = "embed"
    FRESH_LINK = "fresh-link"


def seal(secrets: tuple[str, ...], purpose: Seal, content: str) -> str:
    """Return the content with our signature; it can be read by anybody, and not be changed."""
    body = base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")
    return f"{body}.{_signature(secrets[0], purpose, body)}"


def unseal(secrets: tuple[str, ...], purpose: Seal, sealed: str) -> str | None:
    """Return the content; None: we did not seal it, or for another purpose."""
    body, _, signature = sealed.partition(".")
    sent = signature.encode("utf-8", "surrogatepass")
    signed = body.encode("utf-8", "surrogatepass").decode("ascii", "replace")
    # Each is compared, so that the time does not tell which secret signed.
    known = [
        hmac.compare_digest(_signature(one, purpose, signed).encode(), sent) for one in secrets
    ]
    if not any(known):
        return None
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()


def _signature(secret: str, purpose: Seal, body: str) -> str:
    digest = hmac.new(secret.encode(), f"{purpose}:{body}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")

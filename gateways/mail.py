"""What the engine needs from a mail server.

Mail is delivered at least once. The Message-ID is SMTP's only key, so a repeated mail carries the
same one.
"""

from dataclasses import dataclass
from typing import Protocol

from domain.errors import BillingError


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail for people, with the same content as plain text and as HTML."""

    subject: str
    text: str
    html: str


class MailRefused(BillingError):
    """The mail can never be delivered to this address: record it and carry on billing."""


class MailUnavailable(Exception):
    """The server is down, busy, greylisting or misconfigured: send the same mail again later."""


class Mailer(Protocol):
    """A mail server that accepts one letter for one address."""

    @property
    def domain(self) -> str:
        """The domain of our Message-IDs."""
        ...

    def send(self, letter: Letter, *, to: str, message_id: str) -> None:
        """Hand over a letter. Raises `MailRefused` (final) or `MailUnavailable` (retry)."""
        ...

"""What the engine asks of a mail server.

Mail is delivered at least once. The Message-ID is the only key that SMTP has, so a repeated mail
carries the same one.
"""

from dataclasses import dataclass
from typing import Protocol

from domain.errors import BillingError


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as people read it: the same news as plain text and as HTML."""

    subject: str
    text: str
    html: str


class MailRefused(BillingError):
    """The mail will never be delivered to this address: record it, and go on billing."""


class MailUnavailable(Exception):
    """The server is away, busy, greylisting or misconfigured: send the same mail again later."""


class Mailer(Protocol):
    """A mail server that accepts one letter for one address."""

    @property
    def domain(self) -> str:
        """The domain on which Message-IDs are made."""
        ...

    def send(self, letter: Letter, *, to: str, message_id: str) -> None:
        """Hand a letter over. Raises `MailRefused` (final) or `MailUnavailable` (retry)."""
        ...

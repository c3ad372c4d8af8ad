"""People who run the engine: what each role may do, and how long guessing is held off."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from domain.api_keys import Scope
from domain.errors import InvalidInput

SHORTEST_PASSWORD: Final = 12
MOST_FAILURES: Final = 5  # in a row, before an account is locked
LOCKED: Final = timedelta(minutes=15)


class OperatorRole(StrEnum):
    """What an operator does; only admins make accounts, keys and endpoints."""

    SUPPORT = "support"
    FINANCE = "finance"
    ADMIN = "admin"


# What each may ask of the door. Finance looks at everything and gives money back.
SCOPES: Final[dict[OperatorRole, frozenset[Scope]]] = {
    OperatorRole.SUPPORT: frozenset({Scope.READ, Scope.CUSTOMER, Scope.OPERATOR}),
    OperatorRole.FINANCE: frozenset({Scope.READ, Scope.OPERATOR}),
    OperatorRole.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator; `epoch` is that of the password by which a session was begun."""

    email: str
    name: str
    role: OperatorRole
    epoch: int


def email_of(text: str) -> str:
    """Return an address as accounts are named. Raises `InvalidInput` (`invalid_email`)."""
    email = text.strip().lower()
    if not email.isascii() or "@" not in email or not email.isprintable() or " " in email:
        raise InvalidInput("invalid_email", f"{text!a:.60} is no e-mail address")
    return email


def require_long(password: str) -> None:
    """Raise `InvalidInput` (`invalid_password`) for a password that is soon guessed."""
    if not SHORTEST_PASSWORD <= len(password) <= 200:  # noqa: PLR2004 - longer ones cost time
        told = f"a password has {SHORTEST_PASSWORD} to 200 characters"
        raise InvalidInput("invalid_password", told)


def lock_after(failures: int, at: datetime) -> datetime | None:
    """Return until when an account is locked after so many failures in a row; None: it is not."""
    return at + LOCKED if failures >= MOST_FAILURES else None

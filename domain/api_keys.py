"""Keys of programs that call the API: how one is written, and what it may be used for.

`dd_<id>_<secret>`: the constant prefix is for secret scanners, the id may be shown anywhere, the
secret is shown once. A digest of the whole key is all that is kept of it.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import InvalidInput

ID_LENGTH: Final = 12  # lower-case letters and digits
SECRET_BYTES: Final = 32  # written as 43 URL-safe characters
WRITTEN: Final = re.compile(r"dd_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")
MOST_HOURS: Final = 720  # that a replaced key may live on: 30 days


class Scope(StrEnum):
    """What a key may be used for. Each stands for itself alone, but `admin` for all."""

    USAGE = "usage"
    READ = "read"
    CUSTOMER = "customer"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key and what it is good for; `catalog` None: the customers of every price list.

    `console`: no program's, but what the session of a customer in the console may do.
    """

    key_id: str
    scopes: frozenset[Scope]
    catalog: str | None
    console: bool = False

    def allows(self, scope: Scope) -> bool:
        """Return whether the key covers a scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


def written(key_id: str, secret: str) -> str:
    """Return a key as its holder sends it."""
    return f"dd_{key_id}_{secret}"


def key_id_of(key: str) -> str | None:
    """Return the id in a key, which may be shown; None if it is written like no key of ours."""
    found = WRITTEN.fullmatch(key)
    return found[1] if found else None


def digest_of(key: str) -> bytes:
    """Return the SHA-256 of a whole key. It is of 256 random bits, so a plain digest is enough."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def scopes_of(names: Iterable[str]) -> frozenset[Scope]:
    """Return scopes by their names. Raises `InvalidInput` (`unknown_scope`), also for none."""
    given = frozenset(names)
    unknown = given - frozenset(Scope)
    if unknown or not given:
        message = f"{', '.join(sorted(unknown))}: no scope" if unknown else "no scope is given"
        raise InvalidInput("unknown_scope", f"{message[:200]}; there are: {', '.join(Scope)}")
    return frozenset(map(Scope, given))

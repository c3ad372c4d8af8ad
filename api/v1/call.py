"""A request as an endpoint sees it, and its reply."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import msgspec
from starlette.types import Receive

from api.services import Services
from api.v1.problems import Problem
from api.v1.request_ids import HEADER
from domain.api_keys import ApiKey
from domain.errors import InvalidInput
from domain.usage import DebitOutcome
from ledger.kept_requests import Turn

JSON = "application/json"
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request; header names are lower-case."""

    services: Services
    key: ApiKey
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    address: str  # method and path as sent, which an idempotency key is bound to
    turn: Turn | None = None  # what its idempotency key has begun
    decided: DebitOutcome | None = None  # its usage, if the ledger was asked already

    @property
    def named(self) -> str | None:
        """Return the request's id if the caller gave it: the ledger notes no other of usage."""
        return self.request_id if self.headers.get(HEADER) == self.request_id else None

    @property
    def attempt(self) -> str:
        """Return the name of what the idempotency key has begun; repeats carry it on."""
        return self.turn.attempt if self.turn else ""

    def known(self, *names: str) -> Mapping[str, str]:
        """Return the query's parameters. Raises `Problem` (`unknown_parameter`) for any other."""
        for name in self.query:
            if name not in names:
                told = f"{name!a:.60} is not a parameter of {self.address:.200}"
                raise Problem("unknown_parameter", told)
        return self.query

    def own_catalog(self, wanted: Any) -> str | None:
        """Return the price list of what is made: a key of one list makes things of that list only.

        Raises `InvalidInput` (`unknown_catalog`), also for what is no text.
        """
        own, known = self.key.catalog, self.services.context.catalogs
        if wanted is not None and (
            not isinstance(wanted, str) or wanted not in known or own not in (None, wanted)
        ):
            raise InvalidInput("unknown_catalog", f"there is no price list {wanted!a:.60}")
        return own or wanted


class Parts(Protocol):
    """An answer that goes on: its parts, and what it holds until it is closed."""

    def parts(self, receive: Receive) -> AsyncGenerator[bytes, None]:
        """Yield the parts; `receive` says when the reader has left."""
        ...

    def close(self) -> None:
        """Give back what it holds; called once, whether or not it was read."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer: a status and JSON bytes, or a stream."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    stream: Parts | None = None
    reason: str | None = None  # of a problem
    goes_on: bool = False  # what it comes to is not known yet: a repeat carries the attempt on
    kept: bytes | None = None  # what a repeat is answered, where it may not have all of `body`

    def keeping(self, answer: Any) -> "Reply":
        """Return the reply with what is kept of it: a secret is shown once."""
        return replace(self, kept=_encode(answer))


def reply(answer: Any, status: int = 200, **headers: str) -> Reply:
    """Return a reply of JSON values; `headers` are named with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(_encode(answer), status, named)

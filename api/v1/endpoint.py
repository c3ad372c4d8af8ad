"""What the door can do, as a value: routes, checks and the OpenAPI document come from it.

How to describe an operation:

- `request`, `answer`: JSON schemas (2020-12). One with a `title` in CamelCase becomes a component,
  which clients' types are called by; the same title always means the same schema.
  Requests are closed (`schemas.closed`), answers open: a client must bear further members.
- `statuses`: of success, with `answer` for each; 202 is answered by `schemas.PENDING`.
- `reasons`: what this operation refuses. Those of every operation (keys, bodies, limits, servers
  away) are added by `openapi/refusals.py`; statuses come from `problems.BY_STATUS`.
- `examples`: at least one for each operation with a body. A test sends them all, in this order, and
  validates the answers. Customer `acme` and what `tests/api/v1/openapi/` makes for it exist.
- `links`: what can be asked next, with values from this request or answer.

Afterwards `make openapi` writes the committed document and its pages (on a conflict in them, too).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from api.v1.call import Call, Reply
from domain.api_keys import Scope

Handle = Callable[[Call], Awaitable[Reply]]
JSON = "application/json"

_CONVERTER = re.compile(r":[a-z]+\}")
_WORD = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query, or of the headers (`place`)."""

    name: str
    schema: dict[str, Any]
    description: str
    place: str = "query"


@dataclass(frozen=True, slots=True)
class Example:
    """A request that works, and its answer; both are shown, and a test sends it.

    `path` has the values of the path's parameters; `answer` None: it is not shown.
    """

    name: str
    body: Any = None
    answer: Any = None
    status: int = 200
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Link:
    """What can be asked next: the operation's `name`, and expressions for its parameters and body.

    An expression is OpenAPI's, such as `$request.body#/key`.
    """

    name: str
    to: str
    path: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. `scope` None: anybody may ask.

    `keyed`: the request carries an `Idempotency-Key`, and its first answer is kept for ever.
    `messages`: those of the contract that it sends on.
    `theme` is given by the list it stands in (`Theme`).
    """

    method: str
    path: str
    scope: Scope | None
    summary: str
    handle: Handle
    request: dict[str, Any] | None = None
    answer: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    parameters: tuple[Parameter, ...] = ()
    statuses: tuple[int, ...] = (200,)
    reasons: tuple[str, ...] = ()
    keyed: bool = False
    media_types: tuple[str, ...] = (JSON,)
    answers_as: tuple[str, ...] = (JSON,)
    examples: tuple[Example, ...] = ()
    links: tuple[Link, ...] = ()
    messages: tuple[str, ...] = ()
    theme: str = ""

    @property
    def address(self) -> str:
        """Return the path without the router's converters: `/holds/{key}/capture`."""
        return _CONVERTER.sub("}", self.path)

    @property
    def name(self) -> str:
        """Return the operation's id: `post_holds_key_capture`."""
        parts = _WORD.findall(self.address)
        return "_".join([self.method.lower(), *parts])


@dataclass(frozen=True, slots=True)
class Theme:
    """Operations that are told of together: a tag of the document, and a page of the reference."""

    name: str
    title: str
    endpoints: tuple[Endpoint, ...]

    def told(self) -> tuple[Endpoint, ...]:
        """Return the operations, each with its theme."""
        return tuple(replace(one, theme=self.name) for one in self.endpoints)

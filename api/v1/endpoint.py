"""What the door can do, as a value: routes, checks and the OpenAPI document come from it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from api.v1.call import Call, Reply
from domain.api_keys import Scope

Handle = Callable[[Call], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query."""

    name: str
    schema: dict[str, Any]
    description: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation. `request` and `answer` are JSON schemas; `examples` are bodies that work.

    `keyed`: the request carries an `Idempotency-Key`, and its first answer is kept for ever.
    """

    method: str
    path: str
    scope: Scope
    summary: str
    handle: Handle
    request: dict[str, Any] | None = None
    answer: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    parameters: tuple[Parameter, ...] = ()
    statuses: tuple[int, ...] = (200,)
    reasons: tuple[str, ...] = ()
    keyed: bool = False
    media_types: tuple[str, ...] = ("application/json",)
    answers_as: tuple[str, ...] = ("application/json",)

    @property
    def name(self) -> str:
        """Return the operation's id: `post_usage`."""
        parts = [one.strip("{}") for one in self.path.split("/") if one]
        return "_".join([self.method.lower(), *parts])

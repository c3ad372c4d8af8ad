"""Requests as they are sent and how their answers are read; no input or output of its own."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from drawdown_client import amounts, answers, balances, events
from drawdown_client.amounts import Amount
from drawdown_client.answers import Captured, Check, Debited, Ending, Held, Outcome, Renewal
from drawdown_client.balances import Balance
from drawdown_client.errors import Problem, StillPending, UnexpectedAnswer, refusal
from drawdown_client.events import Event

T = TypeVar("T")
Reader = Callable[[Any], T]
When = Literal["period_end", "now"]

ACCEPTED = 202


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One request. `waits`: the engine may park it while credits are bought."""

    method: str
    path: str
    read: Reader[T]
    content: bytes | None = None
    waits: bool = False
    key: str | None = None  # of an act: its name for ever


def _post(path: str, body: Any, read: Reader[T], *, waits: bool = False) -> Call[T]:
    return Call("POST", path, read, json.dumps(body).encode(), waits)


def _act(
    path: str, body: Mapping[str, Any], read: Reader[T], key: str, *, preview: bool
) -> Call[T]:
    """Return an act on a subscription. A preview moves nothing, and so its key names nothing."""
    content = json.dumps({**body, "preview": True} if preview else body).encode()
    return Call("POST", path, read, content, waits=True, key=None if preview else key)


def use(event: Event) -> Call[Debited]:
    """Charge one event."""
    return _post("/v1/usage", events.body(event), answers.read_debited, waits=True)


def use_many(sent: Sequence[Event]) -> Call[list[Outcome]]:
    """Charge several events, each decided on its own."""

    def read(raw: Any) -> list[Outcome]:
        outcomes = [answers.read_outcome(one) for one in raw["outcomes"]]
        if len(outcomes) != len(sent):
            raise ValueError(f"{len(outcomes)} outcomes for {len(sent)} events")
        return outcomes

    body = {"events": [events.body(event) for event in sent]}
    return _post("/v1/usage", body, read, waits=True)


def check(
    customer_id: str,
    action: str,
    quantity: Amount,
    *,
    event_at: datetime | None,
    tags: Mapping[str, str] | None,
    confirmed: bool,
) -> Call[Check]:
    """Ask what an event would come to."""
    body: dict[str, Any] = {
        "customer_id": customer_id,
        "action": action,
        "quantity": amounts.text(amounts.exact(quantity)),
    }
    if event_at:
        body["event_at"] = amounts.instant(event_at)
    if tags:
        body["tags"] = dict(tags)
    if confirmed:
        body["confirmed"] = True
    return _post("/v1/check", body, answers.read_check)


def hold(event: Event, lapses_at: datetime) -> Call[Held]:
    """Set aside what an event will cost."""
    body = events.body(event) | {"lapses_at": amounts.instant(lapses_at)}
    return _post("/v1/holds", body, answers.read_held, waits=True)


def capture(customer_id: str, key: str, quantity: Amount, *, confirmed: bool) -> Call[Captured]:
    """Charge what the held work came to."""
    body: dict[str, Any] = {
        "customer_id": customer_id,
        "quantity": amounts.text(amounts.exact(quantity)),
    }
    if confirmed:
        body["confirmed"] = True
    return _post(_of_hold(key, "capture"), body, answers.read_captured, waits=True)


def extend(customer_id: str, key: str, lapses_at: datetime) -> Call[Held]:
    """Move a hold's end to a later instant."""
    body = {"customer_id": customer_id, "lapses_at": amounts.instant(lapses_at)}
    return _post(_of_hold(key, "extend"), body, answers.read_held)


def release(customer_id: str, key: str) -> Call[Held]:
    """Give back what was held."""
    return _post(_of_hold(key, "release"), {"customer_id": customer_id}, answers.read_held)


def cancel(subscription_id: str, when: When, key: str, *, preview: bool) -> Call[Ending]:
    """End a subscription."""
    path = _of_subscription(subscription_id, "cancel")
    return _act(path, {"when": when}, answers.read_ending, key, preview=preview)


def uncancel(subscription_id: str, key: str, *, preview: bool) -> Call[Renewal]:
    """Take a cancellation back."""
    path = _of_subscription(subscription_id, "uncancel")
    return _act(path, {}, answers.read_renewal, key, preview=preview)


def _of_subscription(subscription_id: str, act: str) -> str:
    return f"/v1/subscriptions/{quote(subscription_id, safe='')}/{act}"


def balance(customer_id: str) -> Call[Balance]:
    """Read what a customer has."""
    path = f"/v1/customers/{quote(customer_id, safe='')}/balance"
    return Call("GET", path, balances.read_balance)


def _of_hold(key: str, act: str) -> str:
    return f"/v1/holds/{quote(key, safe='')}/{act}"


def answer(call: Call[T], status: int, headers: Mapping[str, str], content: bytes) -> T:
    """Read an answer. Raises `Refused`, `StillPending`, `UnexpectedAnswer`."""
    try:
        raw = json.loads(content, parse_float=Decimal)
        if status == ACCEPTED:
            raise StillPending("credits are being bought or a renewal paid")
        if status >= 300:  # noqa: PLR2004 - the first status that is no success
            raise refusal(_problem(status, raw), _seconds(headers.get("retry-after")))
        return call.read(raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        told = f"{call.method} {call.path} answered {status}: {content[:200]!r}"
        raise UnexpectedAnswer(told, status) from error


def _problem(status: int, raw: Any) -> Problem:
    return Problem(
        status=status,
        reason=raw["reason"],
        cure=raw.get("cure") or "",
        title=raw.get("title") or "",
        detail=raw.get("detail") or "",
        request_id=raw.get("request_id"),
        missing=answers.optional(raw.get("missing")),
        asked=raw.get("asked"),
    )


def _seconds(header: str | None) -> int | None:
    return int(header) if header and header.isascii() and header.isdigit() else None


class Many:
    """Several events, of which those still pending are sent again."""

    def __init__(self, sent: Iterable[Event]) -> None:
        self._events = list(sent)
        self._outcomes: dict[int, Outcome] = {}
        self._open = list(range(len(self._events)))

    @property
    def open(self) -> bool:
        """Whether an event has no last word yet."""
        return bool(self._open)

    @property
    def outcomes(self) -> list[Outcome]:
        """The outcomes so far, in the order of the events."""
        return [self._outcomes[place] for place in range(len(self._events))]

    def call(self) -> Call[list[Outcome]]:
        """Return the request for what is open."""
        return use_many([self._events[place] for place in self._open])

    def take(self, outcomes: list[Outcome]) -> None:
        """Note what was answered."""
        self._outcomes |= dict(zip(self._open, outcomes, strict=True))
        settled = self._outcomes
        self._open = [p for p in self._open if isinstance(settled[p], answers.Pending)]

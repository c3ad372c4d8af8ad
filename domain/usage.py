"""Usage events, what they cost, and what became of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from domain.outcomes import Outcome

# Senders' clocks run slightly ahead; anything beyond this is a mistake (`event_in_future`).
CLOCK_TOLERANCE = timedelta(minutes=5)

DECIDED = (Outcome.DEBITED, Outcome.REPEATED, Outcome.ALREADY_UNLOCKED)


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One action performed. `event_at` is the client's claim; tags are (name, value), sorted.

    `confirmed`: a person has agreed to the price. It is not part of the event's content.
    """

    key: str
    action: str
    quantity_micro: int
    event_at: datetime
    tags: tuple[tuple[str, str], ...] = ()
    confirmed: bool = False


EVERY_TIME = "every_time"
AtShortfall = Literal["purchase", "prompt", "block"]


@dataclass(frozen=True, slots=True)
class PricedWay:
    """One way of paying: `credits_micro` of a credit type per `per_micro` of the action.

    Started units are counted per event. Otherwise `carry` names the counter of the quantity so far,
    so that rounding never drifts. `consent` is None (never asks), the counter that remembers a
    confirmation for the rest of the window, or `EVERY_TIME`.
    """

    credit_type: str
    credits_micro: int
    per_micro: int
    started: bool = False
    carry: str | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An action that may be served, and its ways of paying in order (empty: it is free)."""

    action: str
    ways: tuple[PricedWay, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """How an event may be paid. The first attempt that fits is served, all or nothing.

    `counters` add up the credits taken and may have ceilings. `once` names an object that is paid
    for only once. `at_zero` says what a shortfall of the last attempt leads to: `purchase` if
    auto-purchase is on, `prompt` to ask a person, or `block`. `confirmed`: a person agreed to pay.
    `needs_approval`: so large that a second person must agree first; it is refused until then.
    """

    attempts: tuple[Attempt, ...]
    counters: tuple[str, ...] = ()
    once: str | None = None
    at_zero: AtShortfall = "purchase"
    confirmed: bool = False
    needs_approval: bool = False


@dataclass(frozen=True, slots=True)
class PricedEvent:
    """A usage event and what it costs, in micro-credits of one credit type (0: free).

    With `terms` the ledger decides the cost. `credit_type` is then the type a free line is recorded
    in, and the amount is what the last way would take alone.
    """

    event: UsageEvent
    credit_type: str
    amount_micro: int
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person is asked to confirm: credits drawn by type, or a purchase and its price."""

    credits: tuple[tuple[str, int], ...] = ()
    quantity_micro: int = 0
    amount_minor: int = 0
    surcharge_minor: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class DebitOutcome:
    """What became of one event.

    `status` is `debited`, `repeated`, `already_unlocked` or a reason of domain/reasons.py;
    `missing_micro` is how much a refused event was short; `crossed`: the debit left exactly zero.
    `charged` is what it took, in micro-credits by credit type; `served_as` is the action served
    instead of the one asked for; `asked` is what must be confirmed first.
    """

    key: str
    status: str
    seq: int | None = None
    available_micro: int | None = None
    missing_micro: int | None = None
    crossed: bool = False
    charged: tuple[tuple[str, int], ...] = ()
    served_as: str | None = None
    asked: Confirmation | None = None


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A fire-and-forget message that was refused; kept so that people can read why."""

    refusal_id: str
    key: str | None
    reason: str
    request: str


EntryKind = Literal["grant", "debit", "expiry", "adjustment", "void", "correction"]

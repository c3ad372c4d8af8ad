"""Usage events, what they cost, and what became of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from domain.outcomes import Outcome

# Clocks of senders run ahead a little; more than this is a mistake (rules: events of the future).
CLOCK_TOLERANCE = timedelta(minutes=5)

DECIDED = (Outcome.DEBITED, Outcome.REPEATED, Outcome.ALREADY_UNLOCKED)


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One action performed. `event_at` is the client's word; tags are (name, value) sorted.

    `confirmed`: a person has agreed to pay what was asked for; it is no part of the content.
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
    so that rounding never drifts. `consent` is None, the counter that remembers a confirmation for
    the rest of the window, or `EVERY_TIME`.
    """

    credit_type: str
    credits_micro: int
    per_micro: int
    started: bool = False
    carry: str | None = None
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """An action that may be served, and its ways of paying in order (none: it is free)."""

    action: str
    ways: tuple[PricedWay, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """How an event may be paid. The first attempt that fits is served, all or nothing.

    `counters` are moved by the credits taken and may have ceilings. `once` is what is never paid
    for again. `at_zero` is what the last attempt's shortfall comes to: `purchase` if the switch is
    on, `prompt` for one, or `block`. `confirmed`: a person has agreed to pay.
    """

    attempts: tuple[Attempt, ...]
    counters: tuple[str, ...] = ()
    once: str | None = None
    at_zero: AtShortfall = "purchase"
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class PricedEvent:
    """A usage event and what it costs, in micro-credits of one credit type (0: free).

    With `terms` the ledger decides what it costs; `credit_type` is then that of a free line, and
    the amount is what the last way would take alone.
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
    `missing_micro` says by how much a refused event was short; `crossed` that it left exactly zero.
    `charged` is what it took in micro-credits by credit type, `served_as` the action served in
    place of the one asked for, `asked` what must be confirmed first.
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

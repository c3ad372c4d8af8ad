"""Usage events, what they cost, and what became of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# Clocks of senders run ahead a little; more than this is a mistake (rules: events of the future).
CLOCK_TOLERANCE = timedelta(minutes=5)

DECIDED = ("debited", "repeated")
# Statuses that a later moment decides: the event is kept, in order.
UNDECIDED = ("purchase_needed", "renewal_pending")


@dataclass(frozen=True, slots=True)
class UsageEvent:
    """One action performed. `event_at` is the client's word; tags are (name, value) sorted."""

    key: str
    action: str
    quantity_micro: int
    event_at: datetime
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PricedEvent:
    """A usage event and what it costs, in micro-credits of one credit type (0: free)."""

    event: UsageEvent
    credit_type: str
    amount_micro: int


@dataclass(frozen=True, slots=True)
class DebitOutcome:
    """What became of one event.

    `status` is `debited`, `repeated` or a reason of domain/reasons.py; `missing_micro` says by
    how much a refused event was short; `crossed` that it left exactly zero.
    """

    key: str
    status: str
    seq: int | None = None
    available_micro: int | None = None
    missing_micro: int | None = None
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class RefusedEvent:
    """A fire-and-forget message that was refused; kept so that people can read why."""

    refusal_id: str
    key: str | None
    reason: str
    request: str


EntryKind = Literal["grant", "debit", "expiry", "adjustment", "void", "correction"]

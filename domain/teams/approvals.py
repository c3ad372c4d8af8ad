"""Approvals: what a member asks an admin for, and which operations need one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.pricing.catalog import Catalog
from domain.pricing.rates import cost
from domain.usage import UsageEvent

LONGEST_HOLD = timedelta(days=31)  # longer work extends its hold
HELD_FOR = timedelta(days=1)  # how long an approved operation is held, unless the request says


class Kind(StrEnum):
    """What is asked for: one large operation, or credits above the member's limit."""

    OPERATION = "operation"
    CREDITS = "credits"


class State(StrEnum):
    """Where a request stands. All but `waiting` are final; the first one reached stays."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What a member asks for: an operation (`event`), or `amount_micro` of a credit type.

    `hold_seconds` is how long the credits of an approved operation are held for it.
    """

    key: str
    kind: Kind
    member_id: str
    note: str = ""
    event: UsageEvent | None = None
    hold_seconds: int = int(HELD_FOR.total_seconds())
    credit_type: str | None = None  # None: the catalog's first
    amount_micro: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """An admin's decision on a request; `reason` belongs to a refusal."""

    by: str
    verdict: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalName:
    """Identifies a request: the subscription and the sender's key."""

    subscription_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A request as the ledger has it, with what it cost when it was made.

    `held_until` is set by the approval of an operation.
    """

    account_id: int
    customer_id: str
    subscription_id: str
    wish: ApprovalRequest
    member_name: str
    state: State
    asked_at: datetime
    lapses_at: datetime
    decided_by: str | None = None
    reason: str | None = None
    held_until: datetime | None = None


def operation_cost(catalog: Catalog, event: UsageEvent) -> tuple[str, int]:
    """Return the credit type and micro-credits of an event by its action's first way of paying.

    Quotas and confirmations do not count: a person is asked about the size of the operation.
    Raises `InvalidInput`: `unknown_action`, `no_rate`, `invalid_quantity`.
    """
    rate = catalog.action(event.action).rate_at(event.event_at)
    if rate.free:
        return catalog.credit_types[0].credit_type, 0
    way = rate.ways[0]
    return way.credit_type, cost(event.quantity_micro, way.rate)

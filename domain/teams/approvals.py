"""Approvals: what a member asks an admin for, and when an operation needs to be asked for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.pricing.catalog import Catalog, Plan
from domain.pricing.rates import cost
from domain.usage import UsageEvent

LONGEST_HOLD = timedelta(days=31)  # longer work extends its hold
HELD_FOR = timedelta(days=1)  # what was approved is held so long, unless the request says otherwise


class Kind(StrEnum):
    """What is asked for: to perform one large operation, or credits above one's limit."""

    OPERATION = "operation"
    CREDITS = "credits"


class State(StrEnum):
    """Where a request stands. All but `waiting` are ends; the first end is the only one."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What a member asks for. An operation is `event`; `amount_micro` of a type are credits.

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
    """An admin's word on a request; `reason` is a refusal's."""

    by: str
    verdict: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalName:
    """What names a request: the subscription and the key of its sender."""

    subscription_id: str
    key: str


@dataclass(frozen=True, slots=True)
class Approval:
    """A request as the ledger has it; the wish's credits are what it came to when it was asked.

    `held_until` is of an approved operation, as its approval said it.
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
    """Return credit type and micro-credits of an event by its action's first way of paying.

    What a quota or a confirmation makes of it later is no matter: a person is asked about the size
    of the operation. Raises `InvalidInput`: `unknown_action`, `no_rate`, `invalid_quantity`.
    """
    rate = catalog.action(event.action).rate_at(event.event_at)
    if rate.free:
        return catalog.credit_types[0].credit_type, 0
    way = rate.ways[0]
    return way.credit_type, cost(event.quantity_micro, way.rate)


def needs_approval(catalog: Catalog, plan: Plan, event: UsageEvent) -> bool:
    """Say whether an operation costs more than the plan allows without a second person."""
    above = plan.approval_above_micro
    return above is not None and operation_cost(catalog, event)[1] > above

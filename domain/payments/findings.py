"""Findings: facts that no rule settles, so that an operator must look."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidInput
from domain.messages import fields

MOST_TOLD = 1_000_000


class FindingKind(StrEnum):
    """The kind of fact. docs/operations.md gives the cure of each."""

    AMOUNT_DIFFERS = "amount_differs"  # paid, but not the amount charged
    PROCESSOR_REFUSED = "processor_refused"  # no invoice could be made; the card is not the cause
    PROCESSOR_STATE = "processor_state"  # an invoice in a state that no rule covers
    PAID_WITHOUT_CHARGE = "paid_without_charge"  # the processor has a payment the books do not know
    PAYER_DELETED = "payer_deleted"  # deleted at the processor while the customer subscribes
    NO_LONGER_PAID = "no_longer_paid"  # it was paid, and the processor has taken that back
    PAID_ONLY_HERE = "paid_only_here"  # the books say paid, the processor does not
    REFUND_DIFFERS = "refund_differs"  # money went back on one side only
    WITHOUT_WORKFLOW = "without_workflow"  # a live subscription without a running workflow
    WITHOUT_SUBSCRIPTION = "without_subscription"  # a running workflow without a subscription
    OUTBOX_STUCK = "outbox_stuck"  # messages that cannot be delivered
    WEBHOOKS_STUCK = "webhooks_stuck"  # deliveries overdue at an endpoint that takes what it gets


# What finance looks at: the others are about messages and workflows.
ABOUT_MONEY = (
    FindingKind.AMOUNT_DIFFERS,
    FindingKind.PROCESSOR_REFUSED,
    FindingKind.PROCESSOR_STATE,
    FindingKind.PAID_WITHOUT_CHARGE,
    FindingKind.PAYER_DELETED,
    FindingKind.NO_LONGER_PAID,
    FindingKind.PAID_ONLY_HERE,
    FindingKind.REFUND_DIFFERS,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `key` is made of ids: the same fact found again has the same key.

    Ids that do not apply are None; `processor_id` is an invoice, a payer or a refund.
    """

    key: str
    kind: FindingKind
    customer_id: str | None
    subscription_id: str | None
    charge_id: str | None
    processor_id: str | None
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class OpenFindings:
    """How many of a subscription's findings are unsettled; `settled`: one was just settled."""

    number: int
    settled: bool


def parse_open(data: bytes) -> OpenFindings:
    """Read `{"open": 2}`, optionally with `settled`."""
    raw = fields.only(fields.parse_object(data), "open", optional=("settled",))
    number = raw["open"]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST_TOLD:
        raise InvalidInput("malformed", f"`open` must be a whole number up to {MOST_TOLD}")
    return OpenFindings(number, fields.flag({"settled": False} | raw, "settled"))

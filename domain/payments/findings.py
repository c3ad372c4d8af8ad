"""What operators must look at: facts that no rule settles by itself."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidInput
from domain.messages import fields

MOST_TOLD = 1_000_000


class FindingKind(StrEnum):
    """What was found. Its cure is in docs/operations.md."""

    AMOUNT_DIFFERS = "amount_differs"  # paid, but another amount than was charged
    PROCESSOR_REFUSED = "processor_refused"  # no invoice could be made; not the card's fault
    PROCESSOR_STATE = "processor_state"  # a state of an invoice that no rule knows
    PAID_WITHOUT_CHARGE = "paid_without_charge"  # money of ours that the books do not know
    PAYER_DELETED = "payer_deleted"  # at the processor, while the customer subscribes
    NO_LONGER_PAID = "no_longer_paid"  # it was, and the processor has taken that back
    PAID_ONLY_HERE = "paid_only_here"  # the books say paid, the processor does not
    REFUND_DIFFERS = "refund_differs"  # money went back on one side only
    WITHOUT_WORKFLOW = "without_workflow"  # a live subscription that nothing runs
    WITHOUT_SUBSCRIPTION = "without_subscription"  # a workflow that runs for nobody
    OUTBOX_STUCK = "outbox_stuck"  # messages that do not leave


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `key` is made of ids: the same fact found again has the same one.

    The ids are None where it has none; `processor_id` is an invoice, a payer or a refund.
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
    """How many findings of a subscription nobody has settled; `settled`: one just was."""

    number: int
    settled: bool


def parse_open(data: bytes) -> OpenFindings:
    """Read `{"open": 2}`, to which `settled` may be added."""
    raw = fields.only(fields.parse_object(data), "open", optional=("settled",))
    number = raw["open"]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= MOST_TOLD:
        raise InvalidInput("malformed", f"`open` is a whole number up to {MOST_TOLD}")
    return OpenFindings(number, fields.flag({"settled": False} | raw, "settled"))

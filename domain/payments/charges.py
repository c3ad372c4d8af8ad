"""Charges and what a payment processor can answer to them."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal


class ChargeKind(StrEnum):
    """What a charge pays for."""

    PERIOD = "period"
    UPGRADE = "upgrade"
    MANUAL = "manual_purchase"
    AUTO = "auto_purchase"
    PACK = "pack"


class ChargeState(StrEnum):
    """Where a charge stands in the ledger. `paid` and `void` are ends, but late money wins."""

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    VOID = "void"


class RefundState(StrEnum):
    """Where money sent back stands: asked of the processor, confirmed by it, or refused."""

    ASKED = "asked"
    MADE = "made"
    FAILED = "failed"


class DisputeState(StrEnum):
    """Where the bank's decision about a disputed charge stands."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Decline(StrEnum):
    """How to react to a declined charge (soft: a retry may succeed with the same card).

    The last two are no fault of the card: operators look into them.
    """

    SOFT = "soft"
    HARD = "hard"
    NEEDS_CUSTOMER = "needs_customer"
    REFUSED = "refused"  # the processor makes no invoice, or does not collect this one
    DIFFERS = "differs"  # paid, but not what was charged: nothing is granted


PAYER_DELETED = "payer_deleted"  # the reason of a refusal: the payer is gone for good

# What a buyer hears of what operators look into.
LOOKED_INTO = {Decline.REFUSED: "processor_refused", Decline.DIFFERS: "under_review"}


_PLAIN_KEY = re.compile(r"[!-~]{1,64}", re.ASCII)


def purchase_name(subscription_id: str, key: str, word: str = "manual") -> str:
    """Return the charge id of a purchase that a sender's key names; it may be any text.

    Charge ids become the processor's keys, which are short and ASCII: other keys are digested.
    """
    if _PLAIN_KEY.fullmatch(key) is None:
        key = f"sha256-{hashlib.sha256(key.encode()).hexdigest()}"
    return f"{subscription_id}:{word}:{key}"


def refund_name(subscription_id: str, key: str) -> str:
    """Return the id of a refund that an operator asks for; it is the processor's key as well."""
    return purchase_name(subscription_id, key, "refund")


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a charge, in minor units of its currency; may be negative."""

    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Sold:
    """What a purchase is of: a plan version of a catalog, micro-credits; of a pack, how many."""

    catalog: str
    plan_id: str
    version: int
    quantity_micro: int
    pack_id: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """An attempt-able demand for money. `charge_id` is unique for ever and made from ids."""

    charge_id: str
    kind: ChargeKind
    customer_id: str
    subscription_id: str
    payer: str  # the processor's id of the customer (cus_…)
    currency: str
    lines: tuple[ChargeLine, ...]
    attempt: int = 1  # one whose invoice was refused gets a new invoice by a new number
    sold: Sold | None = None  # of a purchase: what its invoice says, should the books lose it

    @property
    def amount_minor(self) -> int:
        """The total demanded, in minor units."""
        return sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The processor's object for a charge exists; no money has moved."""

    invoice: str


@dataclass(frozen=True, slots=True)
class Paid:
    """Money arrived, exactly once for this charge."""

    kind: Literal["paid"]
    invoice: str
    amount_minor: int
    card: str  # "Visa ···4242", for people
    invoice_number: str
    invoice_url: str
    remark: str = ""  # of `domain.processor_states`: what an operator must look at nevertheless


@dataclass(frozen=True, slots=True)
class Declined:
    """The processor refused; final for this attempt. `code` and `advice` are the processor's."""

    kind: Literal["declined"]
    invoice: str
    decline: Decline
    code: str
    advice: str
    card: str
    invoice_url: str
    detail: str = ""  # for operators
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Unpaid:
    """The charge is open: nothing has been attempted, or nobody knows of an attempt."""

    kind: Literal["unpaid"]
    invoice: str


@dataclass(frozen=True, slots=True)
class Processing:
    """Money is on its way: it will come or not, days later. Nothing may be tried meanwhile.

    `card` names the way it comes, for people; `expected_by` is the processor's word, if it gives
    one.
    """

    kind: Literal["processing"]
    invoice: str
    card: str
    expected_by: datetime | None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """The invoice is void at the processor: nothing will ever be collected by it."""

    kind: Literal["closed"]
    invoice: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A state that no rule settles: the charge stays as it is, and an operator looks.

    Nothing is tried, granted or given up by it.
    """

    kind: Literal["unclear"]
    invoice: str
    remark: str


PaymentOutcome = Paid | Declined | Processing | Closed | Unclear
PaymentState = PaymentOutcome | Unpaid


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A way to pay on file at the processor, mostly a card."""

    method: str  # pm_…
    payer: str  # cus_…
    card: str  # "Visa ···4242"


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """An invoice that the processor keeps: what a finance team asks for.

    `status` is the processor's (`open`, `paid`, `void`); the addresses are public and need no
    account.
    """

    invoice: str  # in_…
    number: str
    status: str
    amount_minor: int
    currency: str
    issued_at: datetime
    page_url: str
    pdf_url: str


@dataclass(frozen=True, slots=True)
class MoneyBack:
    """What the processor says about money that went back, or came back.

    `name` is our own id of a refund that we asked for, else the processor's. Of a refund `state`
    is `made` or `failed`; of a dispute `open`, `lost` or `won`. `charge_id` and `customer_id` are
    what we had written on the invoice.
    """

    kind: Literal["refund", "dispute"]
    name: str
    state: str
    amount_minor: int
    invoice: str
    charge_id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class ProcessorEvent:
    """A verified message of the processor: a hint to read `object_id` back, never a truth."""

    event_id: str
    type: str
    object_id: str

"""Charges and the payment processor's answers to them."""

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from domain.payments.kinds import CARDS, PaymentKind
from domain.payments.taxes import Taxed, TaxTerms
from domain.pricing.discounts import Discount


class ChargeKind(StrEnum):
    """What a charge pays for."""

    PERIOD = "period"
    UPGRADE = "upgrade"
    MANUAL = "manual_purchase"
    AUTO = "auto_purchase"
    PACK = "pack"
    IMPORT = "import"  # paid elsewhere, before the customer came here


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

    The last two are not the card's fault: operators look into them.
    """

    SOFT = "soft"
    HARD = "hard"
    NEEDS_CUSTOMER = "needs_customer"
    REFUSED = "refused"  # the processor makes no invoice, or does not collect this one
    DIFFERS = "differs"  # paid, but not the amount charged: nothing is granted


PAYER_DELETED = "payer_deleted"  # the reason of a refusal: the payer was deleted for good

# What a buyer is told while operators look into a charge.
LOOKED_INTO = {Decline.REFUSED: "processor_refused", Decline.DIFFERS: "under_review"}


_PLAIN_KEY = re.compile(r"[!-~]{1,64}", re.ASCII)


def purchase_name(subscription_id: str, key: str, word: str = "manual") -> str:
    """Return the charge id of a purchase, made from the sender's key, which may be any text.

    Charge ids become the processor's keys, which are short and ASCII: other keys are hashed.
    """
    if _PLAIN_KEY.fullmatch(key) is None:
        key = f"sha256-{hashlib.sha256(key.encode()).hexdigest()}"
    return f"{subscription_id}:{word}:{key}"


def refund_name(subscription_id: str, key: str) -> str:
    """Return the id of a refund an operator asks for; also the processor's idempotency key."""
    return purchase_name(subscription_id, key, "refund")


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One line of a charge, in minor units of its currency; may be negative."""

    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Sold:
    """What a purchase sells: micro-credits by a plan version of a catalog; `count` packs."""

    catalog: str
    plan_id: str
    version: int
    quantity_micro: int
    pack_id: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Charge:
    """A demand for money that can be attempted. `charge_id` is made from ids and never reused."""

    charge_id: str
    kind: ChargeKind
    customer_id: str
    subscription_id: str
    payer: str  # the processor's id of the customer (cus_…)
    currency: str
    lines: tuple[ChargeLine, ...]
    attempt: int = 1  # a charge whose invoice was refused gets a new invoice under the next number
    sold: Sold | None = None  # for purchases: written on the invoice in case the books lose it
    takes: tuple[PaymentKind, ...] = CARDS  # the kinds of payment methods that may pay it
    tax: TaxTerms | None = None  # None: the processor computes none
    taxed: Taxed | None = None  # what it said, once there is an invoice
    expected_minor: int | None = None  # the total that the buyer was shown: no other is charged
    discount: Discount | None = None  # already taken off its lines
    due_at: datetime | None = None  # of an invoice that is sent; None: it is collected

    @property
    def amount_minor(self) -> int:
        """The price, in minor units: without the tax that is added to it."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def is_free(self) -> bool:
        """Whether a coupon took off all of its price: it is settled without the processor."""
        return self.discount is not None and self.amount_minor == 0

    @property
    def itemised(self) -> tuple[ChargeLine, ...]:
        """Its lines as people read them: what a coupon took off is a line of its own."""
        if self.discount is None:
            return self.lines
        [line] = self.lines
        price = line.amount_minor + self.discount.minor
        words = line.description.removesuffix(self.discount.remark)
        return ChargeLine(words, price), ChargeLine(self.discount.label, -self.discount.minor)

    @property
    def total_minor(self) -> int:
        """The total demanded, in minor units; before there is an invoice, the price."""
        return self.taxed.total_of(self.amount_minor) if self.taxed else self.amount_minor

    @property
    def net_minor(self) -> int:
        """What is left of the total without tax, in minor units."""
        return self.taxed.net_of(self.amount_minor) if self.taxed else self.amount_minor


@dataclass(frozen=True, slots=True)
class Prepared:
    """The processor's object for a charge exists; no money has moved."""

    invoice: str
    taxed: Taxed | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """Money arrived, exactly once for this charge."""

    kind: Literal["paid"]
    invoice: str
    amount_minor: int
    card: str  # "Visa ···4242", for people
    invoice_number: str
    invoice_url: str
    remark: str = ""  # of `domain.payments.processor_states`: what an operator must still look at


# What a charge of zero is paid with, without the processor.
NOTHING = Paid(kind="paid", invoice="", amount_minor=0, card="", invoice_number="", invoice_url="")


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
    """The charge is open: nothing was attempted, or an attempt left no trace."""

    kind: Literal["unpaid"]
    invoice: str


@dataclass(frozen=True, slots=True)
class Processing:
    """Money is on its way and may take days to arrive or fail. Nothing may be retried meanwhile.

    `card` names the payment method for people; `expected_by` is the processor's estimate, if any.
    """

    kind: Literal["processing"]
    invoice: str
    card: str
    expected_by: datetime | None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """The invoice waits until `due_at` for its customer to pay it; amounts are in minor units.

    Part payments are `paid_minor`; what still has to come is `remaining_minor`.
    """

    kind: Literal["sent"]
    invoice: str
    invoice_number: str
    due_at: datetime
    paid_minor: int
    remaining_minor: int
    page_url: str
    pdf_url: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """The invoice is void at the processor: it will never collect anything."""

    kind: Literal["closed"]
    invoice: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """A state that no rule settles: the charge stays as it is and an operator looks.

    Nothing is retried, granted or given up because of it.
    """

    kind: Literal["unclear"]
    invoice: str
    remark: str


PaymentOutcome = Paid | Declined | Processing | Sent | Closed | Unclear
PaymentState = PaymentOutcome | Unpaid


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A payment method on file at the processor, usually a card.

    `kind` is a `PaymentKind`, or the processor's own word for a kind that no plan takes. `currency`
    is the only one that it pays in, as an account in dollars does; "": any.
    """

    method: str  # pm_…
    payer: str  # cus_…
    card: str  # "Visa ···4242"
    kind: str = PaymentKind.CARD
    currency: str = ""

    def pays(self, kinds: Collection[str], currency: str) -> bool:
        """Return whether it is of one of some kinds and pays in a currency; "": in whichever."""
        return self.kind in kinds and (not currency or self.currency in ("", currency))


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """An invoice at the processor, for a finance team.

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
    """The processor's report of money that went back to the customer, or returned to us.

    `name` is our id of a refund that we asked for, else the processor's. A refund's `state` is
    `made` or `failed`, a dispute's `open`, `lost` or `won`. `charge_id` and `customer_id` come from
    our metadata on the invoice.
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
    """A verified event of the processor: a hint to read `object_id` back, never a fact."""

    event_id: str
    type: str
    object_id: str

"""Mails about money paid, owed or returned."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from domain.mails.facts import (
    AutoTotals,
    Lot,
    OtherCredits,
    Purpose,
    Reader,
    Reason,
    require_web_address,
)
from domain.money import Ratio
from domain.payments.charges import ChargeLine, Decline, DisputeState
from domain.payments.sent_invoices import Notice
from domain.payments.taxes import Taxed


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Money was paid and credits were granted for it."""

    kind: Literal["receipt"] = "receipt"
    reader: Reader
    purpose: Purpose
    currency: str
    lines: tuple[ChargeLine, ...]  # the surcharge, if any, is one of them
    paid_at: datetime
    card: str | None = None
    invoice_number: str | None = None
    invoice_url: str | None = None
    granted_micro: int
    also: tuple[OtherCredits, ...] = ()  # granted along with it
    balance_micro: int
    expires_at: datetime | None = None  # of the granted credits; None = never
    unit_price: Ratio | None = None  # minor units per micro-credit, before the surcharge
    period_start: datetime | None = None
    period_end: datetime | None = None
    next_at: datetime | None = None
    next_minor: int | None = None
    auto: AutoTotals | None = None
    taxed: Taxed | None = None  # None: no tax was computed

    def __post_init__(self) -> None:
        if self.invoice_url is not None:
            require_web_address(self.invoice_url)

    @property
    def total_minor(self) -> int:
        """What was paid, in minor units."""
        price = sum(line.amount_minor for line in self.lines)
        return self.taxed.total_of(price) if self.taxed else price


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCopy:
    """Someone asked for an invoice by mail, usually a finance team."""

    kind: Literal["invoice_copy"] = "invoice_copy"
    reader: Reader
    currency: str
    number: str
    paid: bool
    amount_minor: int
    issued_at: datetime
    page_url: str
    pdf_url: str

    def __post_init__(self) -> None:
        require_web_address(self.page_url)
        require_web_address(self.pdf_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDue:
    """An invoice waits for its transfer: it is sent, soon due, overdue, or was not paid at all.

    `amount_minor` is what still has to come, `paid_minor` the parts that came. What was `granted`
    when it was sent is taken back once it is given up; micro-credits used of it are owed. The first
    period ends at `period_end` whenever it is paid.
    """

    kind: Literal["invoice_due"] = "invoice_due"
    reader: Reader
    purpose: Purpose
    currency: str
    notice: Notice
    amount_minor: int
    paid_minor: int
    number: str
    due_at: datetime
    page_url: str
    pdf_url: str
    period_end: datetime | None = None  # of a first period; None: not known, or another purpose
    granted: bool = False  # what it pays for, before its money
    owed_micro: int = 0  # used of that, and taken back
    paused: bool = False
    serves_until: datetime | None = None

    def __post_init__(self) -> None:
        require_web_address(self.page_url)
        require_web_address(self.pdf_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed:
    """A payment was declined. It is retried at `retry_at`, or metered actions are paused.

    Purchased credits stay usable until `serves_until`; the subscription ends at `ends_at` if the
    payment is still missing. What was granted before its money was `taken_back`, `owed_micro` of it
    were used.
    """

    kind: Literal["payment_failed"] = "payment_failed"
    reader: Reader
    purpose: Purpose
    currency: str
    amount_minor: int
    card: str | None = None
    decline: Decline
    reason: Reason
    retry_at: datetime | None = None
    paused: bool
    serves_until: datetime | None = None
    ends_at: datetime | None = None
    taken_back: bool = False
    owed_micro: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedInto:
    """A payment failed, the card is not the cause, and operators are looking into it.

    `paid`: an amount arrived that differs from the charge. `again`: we will retry automatically.
    """

    kind: Literal["looked_into"] = "looked_into"
    reader: Reader
    purpose: Purpose
    currency: str
    amount_minor: int
    paid: bool
    again: bool
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OnItsWay:
    """A payment was started but its bank has not confirmed it.

    Nothing is granted yet, or `granted_micro` can be used already and go if the bank refuses it.
    """

    kind: Literal["on_its_way"] = "on_its_way"
    reader: Reader
    purpose: Purpose
    currency: str
    amount_minor: int
    card: str | None = None  # or another payment method, for people
    expected_by: datetime | None = None
    granted_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Metered actions are refused: the last retry failed, or an operator paused them."""

    kind: Literal["paused"] = "paused"
    reader: Reader
    cause: Literal["payment_failed", "by_operator"]
    currency: str
    owed_minor: int | None = None
    kept_micro: int
    lots: tuple[Lot, ...] = ()  # of the credits kept
    serves_until: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Metered actions work again."""

    kind: Literal["resumed"] = "resumed"
    reader: Reader
    currency: str
    paid_minor: int | None = None  # None = nothing had to be paid
    card: str | None = None
    balance_micro: int
    lots: tuple[Lot, ...] = ()  # of the balance
    next_at: datetime | None = None
    next_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapReached:
    """An action needed credits, but auto-purchase has reached its cap for this window."""

    kind: Literal["cap_reached"] = "cap_reached"
    reader: Reader
    currency: str
    auto: AutoTotals
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money was sent back and the credits it paid for were removed."""

    kind: Literal["refunded"] = "refunded"
    reader: Reader
    currency: str
    amount_minor: int
    tax_minor: int | None = None  # the part of it that was tax; None: it was not taxed
    refunded_at: datetime
    taken_micro: int
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """A bank took a payment back for now (`open`) or for good (`lost`), or returned it (`won`)."""

    kind: Literal["disputed"] = "disputed"
    reader: Reader
    currency: str
    amount_minor: int
    state: DisputeState
    taken_micro: int
    owed_micro: int
    balance_micro: int

"""What each mail says, as plain facts: no wording, no formatting, no addresses but the reader's.

Credits are micro-credits (`…_micro`), money is minor units of `currency` as the payment processor
counts them (`…_minor`), points in time are aware. Wording and formats are the letter's business.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID, uuid5

from domain.errors import InvalidInput
from domain.money import Ratio
from domain.payments import ChargeLine, Decline

# Any constant will do; changing it would make every repeated mail look like a new one.
NAMESPACE = UUID("0c0d2a52-6b1f-5f6e-9a53-3f1b8a1d7c44")

Interval = str  # as in `month` or `2 weeks`


class Purpose(StrEnum):
    """What a payment was for, in the customer's eyes."""

    FIRST_PERIOD = "first_period"
    RENEWAL = "renewal"
    MANUAL = "manual_purchase"
    AUTO = "auto_purchase"
    UPGRADE = "upgrade"


class Reason(StrEnum):
    """Why a payment failed, as far as the customer is told."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    WRONG_DETAILS = "wrong_details"
    NOT_SUPPORTED = "not_supported"
    NO_CARD = "no_card"
    CONFIRMATION = "confirmation"
    TEMPORARY = "temporary"


# A list of what may be told: a code that is not here, new or sensitive, is a plain "declined".
# Processors forbid telling the card's holder that it is reported lost, stolen or fraudulent.
_TOLD = {
    "insufficient_funds": Reason.INSUFFICIENT_FUNDS,
    "expired_card": Reason.EXPIRED_CARD,
    "incorrect_number": Reason.WRONG_DETAILS,
    "incorrect_cvc": Reason.WRONG_DETAILS,
    "invalid_account": Reason.WRONG_DETAILS,
    "invalid_expiry_month": Reason.WRONG_DETAILS,
    "invalid_expiry_year": Reason.WRONG_DETAILS,
    "card_not_supported": Reason.NOT_SUPPORTED,
    "currency_not_supported": Reason.NOT_SUPPORTED,
    "transaction_not_allowed": Reason.NOT_SUPPORTED,
    "authentication_required": Reason.CONFIRMATION,
    "no_payment_method": Reason.NO_CARD,
    "processing_error": Reason.TEMPORARY,
    "issuer_not_available": Reason.TEMPORARY,
    "try_again_later": Reason.TEMPORARY,
}


def neutral_reason(code: str) -> Reason:
    """Return what a customer may be told of the processor's decline code."""
    return _TOLD.get(code, Reason.DECLINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a mail, what about, and the one address that its button leads to.

    `locale` as in `en_US`, `time_zone` as in `Europe/Berlin`; `product_name` is the brand of the
    catalog; `plan_name` is the plan in force once the mail's news is true. `addressee` is a member
    of the customer; empty: the mail is to the customer itself.
    """

    customer_name: str
    plan_name: str
    product_name: str
    locale: str
    time_zone: str
    action_url: str
    addressee: str = ""

    def __post_init__(self) -> None:
        _require_web_address(self.action_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """A plan as people compare it: so many credits each window for so much money each period."""

    plan_name: str
    allowance_micro: int
    allowance_interval: Interval
    price_minor: int
    price_interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoTotals:
    """What auto-purchase bought in the window that ends at `window_end`, against its cap."""

    bought_micro: int
    cap_micro: int
    paid_minor: int
    cap_minor: int | None = None  # what reaching the cap costs in all
    window_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """A subscription became active for the first time."""

    kind: Literal["welcome"] = "welcome"
    reader: Reader
    currency: str
    terms: PlanTerms
    balance_micro: int
    window_end: datetime
    next_at: datetime | None = None  # the next payment, if any
    next_minor: int | None = None


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
    balance_micro: int
    expires_at: datetime | None = None  # of the granted credits; None = never
    unit_price: Ratio | None = None  # minor units per micro-credit, before the surcharge
    period_start: datetime | None = None
    period_end: datetime | None = None
    next_at: datetime | None = None
    next_minor: int | None = None
    auto: AutoTotals | None = None

    def __post_init__(self) -> None:
        if self.invoice_url is not None:
            _require_web_address(self.invoice_url)

    @property
    def total_minor(self) -> int:
        """What was paid, in minor units."""
        return sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceCopy:
    """Somebody wants an invoice in the mail: a finance team, mostly."""

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
        _require_web_address(self.page_url)
        _require_web_address(self.pdf_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed:
    """A payment was declined. Another try follows at `retry_at`, or metered actions are paused."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Metered actions are refused: the last retry failed, or an operator paused them."""

    kind: Literal["paused"] = "paused"
    reader: Reader
    cause: Literal["payment_failed", "by_operator"]
    currency: str
    owed_minor: int | None = None
    kept_micro: int
    kept_until: datetime | None = None  # None = as long as the subscription exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Metered actions work again."""

    kind: Literal["resumed"] = "resumed"
    reader: Reader
    currency: str
    paid_minor: int | None = None  # None = nothing had to be paid
    card: str | None = None
    balance_micro: int
    expires_at: datetime | None = None
    next_at: datetime | None = None
    next_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapReached:
    """Auto-purchase may buy no more in this window, and an action needed more."""

    kind: Literal["cap_reached"] = "cap_reached"
    reader: Reader
    currency: str
    auto: AutoTotals
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedMost:
    """What an action took of late."""

    action: str
    credits_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A pack that would cover what is missing."""

    name: str
    quantity_micro: int
    price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LowBalance:
    """What is left has sunk to a threshold: `percent` of the base, or an amount (None)."""

    kind: Literal["low_balance"] = "low_balance"
    reader: Reader
    currency: str
    percent: int | None
    balance_micro: int
    base_micro: int
    window_end: datetime
    per_day_micro: int
    days_left: int | None  # at the recent rate of use; None = nothing was used
    used_most: tuple[UsedMost, ...] = ()
    offer: Offer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditsExpiring:
    """Credits that are left will expire soon, unless they are used."""

    kind: Literal["credits_expiring"] = "credits_expiring"
    reader: Reader
    expiring_micro: int
    expires_at: datetime
    days: int
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """A new plan is in force from `changed_at`."""

    kind: Literal["plan_changed"] = "plan_changed"
    reader: Reader
    currency: str
    old: PlanTerms
    new: PlanTerms
    changed_at: datetime
    paid_minor: int = 0  # 0 = nothing to pay, or too little to charge and waived
    granted_micro: int
    balance_micro: int
    next_at: datetime | None = None
    next_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DowngradeScheduled:
    """A smaller plan takes over at `effective_at`; nothing changes until then."""

    kind: Literal["downgrade_scheduled"] = "downgrade_scheduled"
    reader: Reader
    currency: str
    old: PlanTerms
    new: PlanTerms
    effective_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """The subscription ends at `effective_at`, which may be the instant of the request."""

    kind: Literal["canceled"] = "canceled"
    reader: Reader
    requested_at: datetime
    effective_at: datetime
    lost_micro: int  # what expires with the subscription, as of the request
    frozen_micro: int  # kept, and spendable again with any paid plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money was sent back, and the credits that it had paid for are gone."""

    kind: Literal["refunded"] = "refunded"
    reader: Reader
    currency: str
    amount_minor: int
    refunded_at: datetime
    taken_micro: int
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disputed:
    """A bank took a payment back for now (`open`), for good (`lost`), or gave it back (`won`)."""

    kind: Literal["disputed"] = "disputed"
    reader: Reader
    currency: str
    amount_minor: int
    state: Literal["open", "won", "lost"]
    taken_micro: int
    owed_micro: int
    balance_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a member asks for: an operation (`quantity_micro` of an action), or a higher limit.

    `credits_micro` are those of the operation, or those above the limit.
    """

    member_name: str
    action_name: str = ""  # empty: credits above the member's limit
    quantity_micro: int | None = None
    credits_micro: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalAsked:
    """A member asks for something that an admin must decide until `lapses_at`."""

    kind: Literal["approval_asked"] = "approval_asked"
    reader: Reader
    ask: Ask
    available_micro: int
    lapses_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided:
    """What became of a member's request; `held_until` of an operation that was approved."""

    kind: Literal["approval_decided"] = "approval_decided"
    reader: Reader
    ask: Ask
    outcome: Literal["approved", "refused", "lapsed"]
    decided_by: str = ""
    reason: str = ""
    held_until: datetime | None = None
    window_end: datetime | None = None  # until when a higher limit holds


Mail = (
    Welcome
    | Receipt
    | InvoiceCopy
    | PaymentFailed
    | Paused
    | Resumed
    | CapReached
    | LowBalance
    | CreditsExpiring
    | PlanChanged
    | DowngradeScheduled
    | Canceled
    | Refunded
    | Disputed
    | ApprovalAsked
    | ApprovalDecided
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A mail on its way. `message_key` is made from ids: the same key is the same message."""

    to: str
    mail: Mail
    message_key: str

    def message_id(self, domain: str) -> str:
        """Return the Message-ID, equal for every repetition, so that receivers can drop them."""
        return f"<{uuid5(NAMESPACE, self.message_key)}@{domain}>"


def _require_web_address(url: str) -> None:
    if not url.startswith(("https://", "http://")):
        message = f"{url!r} is no http(s) address: a mail's links must lead to a web page"
        raise InvalidInput("invalid_mail", message)

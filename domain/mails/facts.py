"""Facts that several mails share: their reader, plans, prices, reasons."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.errors import InvalidInput

Interval = str  # as in `month` or `2 weeks`


class Purpose(StrEnum):
    """What a payment was for, in the customer's eyes."""

    FIRST_PERIOD = "first_period"
    RENEWAL = "renewal"
    MANUAL = "manual_purchase"
    AUTO = "auto_purchase"
    UPGRADE = "upgrade"


class Reason(StrEnum):
    """Why a payment failed, in as much detail as the customer is given."""

    DECLINED = "declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    WRONG_DETAILS = "wrong_details"
    NOT_SUPPORTED = "not_supported"
    NO_CARD = "no_card"
    CONFIRMATION = "confirmation"
    NO_ADDRESS = "no_address"
    TEMPORARY = "temporary"


# An allow-list: a code that is not here, new or sensitive, becomes a plain "declined".
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
    "payment_method_not_accepted": Reason.NOT_SUPPORTED,
    "tax_location_missing": Reason.NO_ADDRESS,
    "processing_error": Reason.TEMPORARY,
    "issuer_not_available": Reason.TEMPORARY,
    "try_again_later": Reason.TEMPORARY,
}


def neutral_reason(code: str) -> Reason:
    """Return what a customer may be told about the processor's decline code."""
    return _TOLD.get(code, Reason.DECLINED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads a mail and the one address that its button opens.

    `locale` as in `en_US`, `time_zone` as in `Europe/Berlin`; `product_name` is the catalog's
    brand; `plan_name` is the plan in force once the news takes effect. `addressee` is a member of
    the customer; empty: the customer. `unit` is the catalog's name for the mail's credit type;
    empty: credits. `tax_added`: tax is due beyond the prices of the plan.
    """

    customer_name: str
    plan_name: str
    product_name: str
    locale: str
    time_zone: str
    action_url: str
    addressee: str = ""
    unit: str = ""
    tax_added: bool = False

    def __post_init__(self) -> None:
        require_web_address(self.action_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCredits:
    """Credits of a type other than the mail's, with the catalog's name for it."""

    name: str
    credits_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Credits that expire together; None: never."""

    credits_micro: int
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanTerms:
    """A plan as people compare it: credits per window for money per period."""

    plan_name: str
    allowance_micro: int
    allowance_interval: Interval
    price_minor: int
    price_interval: Interval
    also: tuple[OtherCredits, ...] = ()  # other credits it includes
    tax_added: bool = False  # tax is due beyond its price


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoTotals:
    """What auto-purchase bought in the window that ends at `window_end`, against its cap."""

    bought_micro: int
    cap_micro: int
    paid_minor: int
    cap_minor: int | None = None  # what buying up to the cap costs in all
    window_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedMost:
    """How many credits an action used recently."""

    action: str
    credits_micro: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A pack that would cover the shortfall."""

    name: str
    quantity_micro: int
    price_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a member asks for: an operation (`quantity_micro` of an action), or a higher limit.

    `credits_micro` is the operation's cost, or the credits asked for above the limit.
    """

    member_name: str
    action_name: str = ""  # empty: credits above the member's limit
    quantity_micro: int | None = None
    credits_micro: int
    note: str = ""


def require_web_address(url: str) -> None:
    """Refuse an address that a mail's reader could not open. Raises `InvalidInput`."""
    if not url.startswith(("https://", "http://")):
        message = f"{url!r} is not an http(s) address: links in mails must lead to a web page"
        raise InvalidInput("invalid_mail", message)

"""The union of all mails, and a mail with its address."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from domain.mails.money import (
    CapReached,
    Disputed,
    InvoiceCopy,
    InvoiceDue,
    LookedInto,
    OnItsWay,
    Paused,
    PaymentFailed,
    Receipt,
    Refunded,
    Resumed,
)
from domain.mails.notices import (
    ApprovalAsked,
    ApprovalDecided,
    BonusGiven,
    CreditsExpiring,
    EndpointOff,
    FreshLink,
    LowBalance,
)
from domain.mails.plans import Canceled, DowngradeScheduled, PlanChanged, Uncanceled, Welcome

# Any constant will do; changing it would make every repeated mail look like a new one.
NAMESPACE = UUID("0c0d2a52-6b1f-5f6e-9a53-3f1b8a1d7c44")

Mail = (
    Welcome
    | Receipt
    | InvoiceCopy
    | InvoiceDue
    | PaymentFailed
    | OnItsWay
    | LookedInto
    | Paused
    | Resumed
    | CapReached
    | LowBalance
    | CreditsExpiring
    | BonusGiven
    | PlanChanged
    | DowngradeScheduled
    | Canceled
    | Uncanceled
    | Refunded
    | Disputed
    | ApprovalAsked
    | ApprovalDecided
    | EndpointOff
    | FreshLink
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A mail ready to send. `message_key` is made from ids: equal keys mean the same message."""

    to: str
    mail: Mail
    message_key: str

    def message_id(self, domain: str) -> str:
        """Return the Message-ID, equal for every repetition, so that receivers drop duplicates."""
        return f"<{uuid5(NAMESPACE, self.message_key)}@{domain}>"

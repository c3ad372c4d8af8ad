"""What the engine needs from a payment processor.

Keys: the same key means "I do not know what happened"; a new key means "try again". Every method
is safe to repeat with the same key. Raises `ProcessorUnavailable` if the outcome is unknown or
nothing was executed (retry with the same key), and `ProcessorRefusal` if the request itself is
wrong (a bug or an operator's error; retrying does not help).
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from domain.errors import BillingError
from domain.payments.charges import (
    Charge,
    InvoiceRecord,
    MoneyBack,
    PaymentMethod,
    PaymentOutcome,
    PaymentState,
    Prepared,
)
from domain.payments.kinds import CARD_PAGE, CARDS, PaymentKind, SavingPage
from domain.payments.reconciliation import Claim
from domain.payments.taxes import Address, Joining, Taxed, TaxTerms
from domain.pricing.promotions import PromotionCode


class ProcessorUnavailable(Exception):
    """Network, 5xx, 409, 429 or credentials: retry later with the same key.

    `retry_after` is in seconds, if the processor gave one.
    """

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ProcessorRefusal(BillingError):
    """The processor rejects the request: `reason` is its code; nothing was charged."""


class Payments(Protocol):
    """A payment processor. All amounts are integer minor units."""

    def register(
        self,
        customer_id: str,
        *,
        email: str,
        name: str,
        key: str,
        known: str = "",
        address: Address | None = None,
    ) -> str:
        """Create the payer; return the processor's id.

        A `known` payer, or one made before, is found and updated with this mail address and name,
        and with a billing address if it has none; a payer deleted at the processor is created
        again.
        """
        ...

    def prepare(self, charge: Charge, *, key: str) -> Prepared:
        """Create the invoice of a charge, finalised but unpaid. No money moves."""
        ...

    def preview_tax(
        self,
        payer: str,
        currency: str,
        lines: Sequence[int],
        terms: TaxTerms,
        *,
        joining: Joining | None = None,
    ) -> Taxed:
        """Return the tax that an invoice of today would bear; nothing is kept of it.

        `lines` are the amounts of its lines, in minor units: each bears its own tax, rounded. Of
        who is not registered yet `payer` is "", and `joining` says what it will be registered with.
        Raises `ProcessorRefusal` with reason `tax_location_missing` or `tax_not_computed`.
        """
        ...

    def promotion(self, code: str, payer: str) -> PromotionCode | None:
        """Return the promotion code of this spelling that a payer may redeem, in force or over.

        None: there is none for it. Nothing is redeemed by asking.
        """
        ...

    def pay(self, invoice: str, *, key: str) -> PaymentOutcome:
        """Attempt to collect an invoice off-session with the payer's default card."""
        ...

    def read(self, invoice: str) -> PaymentState:
        """Read back what became of an invoice."""
        ...

    def void(self, invoice: str, *, key: str) -> PaymentState:
        """Void an invoice. Returns `Paid` if money had arrived first."""
        ...

    def refund(self, invoice: str, amount_minor: int, *, reason: str, key: str) -> str:
        """Refund by a credit note; return its id."""
        ...

    def refunded(self, refund: str) -> MoneyBack | None:
        """Read a refund back, whoever made it; None if it concerns no invoice."""
        ...

    def disputed(self, dispute: str) -> MoneyBack | None:
        """Read a dispute back; None if it took no money or concerns no invoice."""
        ...

    def card_link(
        self, payer: str, *, return_url: str, key: str, page: SavingPage = CARD_PAGE
    ) -> str:
        """Return a URL, valid for minutes, of the processor's page to save a payment method."""
        ...

    def saved_by(self, setup: str) -> PaymentMethod | None:
        """Return what a person has saved on that page; None: it cannot be charged yet."""
        ...

    def payment_method(self, method: str) -> PaymentMethod:
        """Read a card. Raises `ProcessorRefusal` when unknown."""
        ...

    def use_payment_method(
        self,
        payer: str,
        method: str,
        *,
        key: str,
        kinds: Collection[PaymentKind] = CARDS,
        currency: str = "",
    ) -> PaymentMethod:
        """Make an attached payment method of one of these kinds the payer's default.

        Raises `ProcessorRefusal` with reason `payment_method_of_another_customer` when it is
        not the payer's, and `payment_method_not_accepted` when it is of another kind, or does not
        pay in the currency; "": in whichever.
        """
        ...

    def default_payment_method(self, payer: str) -> PaymentMethod | None:
        """Return the card that `pay` would use, if any.

        Raises `ProcessorRefusal` (`payer_deleted`) for a deleted payer.
        """
        ...

    def payment_methods(self, payer: str) -> tuple[PaymentMethod, ...]:
        """Return every card of a payer, the newest first."""
        ...

    def invoice_of(self, intent: str) -> str:
        """Return the invoice that a payment is for, or ""."""
        ...

    def invoices(self, payer: str) -> tuple[InvoiceRecord, ...]:
        """Return a payer's newest invoices (at most a hundred), without drafts."""
        ...

    def claims(self) -> tuple[Claim, ...]:
        """Return every paid invoice that carries our ids, however old."""
        ...

    def is_kept(self, invoice: str) -> bool:
        """Return whether we still have a paid invoice's money: nothing refunded or disputed."""
        ...

    def claim(self, invoice: str) -> Claim | None:
        """Read one; None if nothing was paid for it or it carries no charge of ours."""
        ...

    def invoice(self, payer: str, invoice: str) -> InvoiceRecord:
        """Read one invoice of a payer. Raises `ProcessorRefusal` (`resource_missing`)."""
        ...

"""Activities that speak to the payment processor. Each is one call, safe to repeat."""

from dataclasses import dataclass
from typing import Any

from activities.payments.taxes import TaxPreview, TaxWanted, tax_reason
from activities.uninterrupted import uninterrupted
from domain.errors import BillingError
from domain.payments.charges import (
    PAYER_DELETED,
    Charge,
    Closed,
    Decline,
    Declined,
    MoneyBack,
    Paid,
    PaymentMethod,
    PaymentState,
    Processing,
    ProcessorEvent,
    Sent,
    Unclear,
    Unpaid,
)
from domain.payments.kinds import CARDS, PaymentKind
from domain.payments.processor_states import Remark
from domain.payments.taxes import Address, Taxed
from domain.pricing.promotions import CodeWanted, LookedUp
from gateways.payments import Payments

# The processor has many codes for a card it does not take; people need three.
CARD_REFUSALS = {
    "resource_missing": "unknown_payment_method",
    "payment_method_of_another_customer": "payment_method_of_another_customer",
    "payment_method_not_accepted": "payment_method_not_accepted",
}


@dataclass(frozen=True, slots=True)
class Registration:
    """A customer to register at the processor, with the card it pays with, if any."""

    customer_id: str
    email: str
    name: str
    payment_method: str | None
    payer: str = ""  # as the ledger knows it
    kinds: tuple[PaymentKind, ...] = CARDS  # that the plan takes
    currency: str = ""  # that the customer pays in
    address: Address | None = None  # for a payer of whom the processor knows none


@dataclass(frozen=True, slots=True)
class CardInUse:
    """The payer and its default card; `refused` is the reason why a card was not taken.

    `update` counts the card's updates: switching back to an earlier card is a new update.
    """

    payer: str
    method: str = ""
    card: str = ""
    refused: str = ""
    update: int = 0
    is_card: bool = True  # or of another kind that the plan takes
    kind: str = PaymentKind.CARD
    kinds: tuple[PaymentKind, ...] = CARDS  # that the plan takes
    currency: str = ""  # that the customer pays in


@dataclass(frozen=True, slots=True)
class Invoiced:
    """The invoice of a charge, or why the processor refuses to make one."""

    invoice: str = ""
    refused: str = ""
    detail: str = ""  # of a refusal, for operators
    taxed: Taxed | None = None


@dataclass(frozen=True, slots=True)
class PaymentAttempt:
    """One attempt at a charge's invoice; its number is part of the idempotency key."""

    charge_id: str
    invoice: str
    number: int


@dataclass(frozen=True, slots=True)
class Collected:
    """The outcome of an invoice: one field is set, or none while it is unpaid."""

    paid: Paid | None = None
    declined: Declined | None = None
    processing: Processing | None = None
    sent: Sent | None = None
    closed: Closed | None = None
    unclear: Unclear | None = None

    @property
    def remark(self) -> str:
        """What an operator must look at, or ""."""
        found = (self.paid, self.declined, self.processing, self.sent, self.closed, self.unclear)
        return next((one.remark for one in found if one is not None), "")


@dataclass(frozen=True, slots=True)
class EventMeaning:
    """What an event of the processor means, once its object is read back."""

    payer: str = ""
    method: str = ""
    invoice: str = ""
    removed: bool = False  # the payer is deleted or, with no payer, the card is detached


@dataclass(frozen=True, slots=True)
class RefundSending:
    """A refund that the ledger has booked; its id is the idempotency key."""

    refund_id: str
    invoice: str
    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class RefundSent:
    """The money is on its way back, or the reason why the processor refused."""

    refused: str = ""


@dataclass(frozen=True, slots=True)
class ReturnRead:
    """The processor's report of money that went back; None: it is not ours."""

    said: MoneyBack | None = None


class PaymentActivities:
    """The payment processor, for workflows. Idempotency keys are made of the arguments' ids."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    @uninterrupted(name="register_payer")
    def register(self, registration: Registration) -> CardInUse:
        """Register the customer; a repeat returns the same payer. No card: keep its default."""
        payer = self._payments.register(
            registration.customer_id,
            email=registration.email,
            name=registration.name,
            key=f"{registration.customer_id}:register",
            known=registration.payer,
            address=registration.address,
        )
        if registration.payment_method is None:
            known = self._payments.default_payment_method(payer)
            return _in_use(payer, known)
        wanted = CardInUse(
            payer,
            registration.payment_method,
            kinds=registration.kinds,
            currency=registration.currency,
        )
        return self.use_card(wanted)

    @uninterrupted(name="read_payer")
    def read_payer(self, registration: Registration) -> CardInUse:
        """Read the payer's default card; a deleted payer is created again, without a card."""
        payer = registration.payer
        try:
            if self._is_deleted(payer):
                return self.register(registration)
            known = self._payments.default_payment_method(payer)
        except BillingError as error:
            return CardInUse(payer, refused=error.reason)
        return _in_use(payer, known)

    def _is_deleted(self, payer: str) -> bool:
        """Return whether a payer was deleted; one the processor never knew was not."""
        try:
            self._payments.default_payment_method(payer)
        except BillingError as error:
            return error.reason == PAYER_DELETED
        return False

    @uninterrupted(name="use_card")
    def use_card(self, wanted: CardInUse) -> CardInUse:
        """Make a card the payer's default; another customer's card is refused with a reason."""
        try:
            method = self._payments.use_payment_method(
                wanted.payer,
                wanted.method,
                key=f"{wanted.payer}:use:{wanted.update}:{wanted.method}",
                kinds=wanted.kinds,
                currency=wanted.currency,
            )
        except BillingError as error:
            reason = CARD_REFUSALS.get(error.reason, "payment_method_refused")
            is_card = error.reason != "payment_method_not_accepted"
            return CardInUse(wanted.payer, wanted.method, refused=reason, is_card=is_card)
        return _in_use(wanted.payer, method)

    @uninterrupted(name="prepare_charge")
    def prepare(self, charge: Charge) -> Invoiced:
        """Create the invoice; no money moves. A repeat finds the same invoice."""
        again = f":try:{charge.attempt}" if charge.attempt > 1 else ""
        try:
            made = self._payments.prepare(charge, key=f"{charge.charge_id}{again}")
            return Invoiced(made.invoice, taxed=made.taxed)
        except BillingError as error:
            reason = PAYER_DELETED if self._is_deleted(charge.payer) else error.reason
            return Invoiced(refused=reason, detail=str(error))

    @uninterrupted(name="preview_tax")
    def preview_tax(self, wanted: TaxWanted) -> TaxPreview:
        """Return the tax that a price would bear today, or why it cannot be said."""
        try:
            said = self._payments.preview_tax(
                wanted.payer, wanted.currency, (wanted.price_minor,), wanted.terms
            )
        except BillingError as error:
            return TaxPreview(refused=tax_reason(error))
        return TaxPreview(said)

    @uninterrupted(name="look_up_code")
    def look_up(self, wanted: CodeWanted) -> LookedUp:
        """Return what the processor says about a promotion code. Nothing is redeemed by it."""
        return LookedUp(self._payments.promotion(wanted.code, wanted.payer))

    @uninterrupted(name="pay_charge")
    def pay(self, attempt: PaymentAttempt) -> Collected:
        """Collect an invoice. The invoice's own state rules out a second success."""
        key = f"{attempt.charge_id}:pay:{attempt.number}"
        try:
            return _collected(self._payments.pay(attempt.invoice, key=key))
        except BillingError as error:
            # Somebody changed the invoice at the processor: it can no longer be collected.
            return Collected(declined=_uncollectable(attempt.invoice, error))

    @uninterrupted(name="read_charge")
    def read(self, attempt: PaymentAttempt) -> Collected:
        """Read back what became of an invoice."""
        try:
            return _collected(self._payments.read(attempt.invoice))
        except BillingError:
            return _unknown(attempt.invoice)

    @uninterrupted(name="void_charge")
    def void(self, attempt: PaymentAttempt) -> Collected:
        """Void an invoice, unless money has arrived: then it is paid."""
        try:
            # A charge may have had several invoices, so the key names this one.
            key = f"{attempt.charge_id}:void:{attempt.invoice}"
            return _collected(self._payments.void(attempt.invoice, key=key))
        except BillingError as error:
            if error.reason == "resource_missing":
                return Collected()  # the processor does not know it: nothing to void
            return Collected(unclear=Unclear("unclear", attempt.invoice, Remark.CANNOT_BE))

    @uninterrupted(name="refund_charge")
    def refund(self, sending: RefundSending) -> RefundSent:
        """Send money back; a repeat finds the same refund."""
        try:
            self._payments.refund(
                sending.invoice,
                sending.amount_minor,
                reason=sending.reason,
                key=sending.refund_id,
            )
        except BillingError as error:
            return RefundSent(error.reason)
        return RefundSent()

    @uninterrupted(name="read_return")
    def read_return(self, event: ProcessorEvent) -> ReturnRead:
        """Read the refund or dispute of an event back."""
        try:
            if event.type.startswith("charge.dispute."):
                return ReturnRead(self._payments.disputed(event.object_id))
            return ReturnRead(self._payments.refunded(event.object_id))
        except BillingError:
            return ReturnRead()

    @uninterrupted(name="read_event")
    def read_event(self, event: ProcessorEvent) -> EventMeaning:
        """Read an event's object back: events are only hints and come in any order."""
        try:
            return self._meaning(event)
        except BillingError:
            return EventMeaning()

    def _removed(self, event: ProcessorEvent) -> EventMeaning:
        """Return what was removed; nothing if the object still exists."""
        if event.type == "customer.deleted":
            gone = self._is_deleted(event.object_id)
            return EventMeaning(payer=event.object_id, removed=True) if gone else EventMeaning()
        method = self._payments.payment_method(event.object_id)
        return EventMeaning() if method.payer else EventMeaning(method=method.method, removed=True)

    def _meaning(self, event: ProcessorEvent) -> EventMeaning:
        if event.type in ("customer.deleted", "payment_method.detached"):
            return self._removed(event)
        if event.type.startswith(("payment_method.", "setup_intent.")):
            saved = event.type.startswith("setup_intent.")
            read = self._payments.saved_by if saved else self._payments.payment_method
            method = read(event.object_id)
            return (
                EventMeaning(payer=method.payer, method=method.method) if method else EventMeaning()
            )
        if event.type.startswith("customer."):
            default = self._payments.default_payment_method(event.object_id)
            return EventMeaning(payer=event.object_id, method=default.method if default else "")
        if event.type.startswith("invoice."):
            return EventMeaning(invoice=event.object_id)
        if event.type.startswith("payment_intent."):
            return EventMeaning(invoice=self._payments.invoice_of(event.object_id))
        return EventMeaning()


def _in_use(payer: str, known: PaymentMethod | None) -> CardInUse:
    if known is None:
        return CardInUse(payer)
    return CardInUse(payer, known.method, known.card, kind=known.kind)


def _uncollectable(invoice: str, error: BillingError) -> Declined:
    return Declined(
        kind="declined",
        invoice=invoice,
        decline=Decline.REFUSED,
        code=error.reason,
        advice="",
        card="",
        invoice_url="",
        detail=str(error),
    )


def _unknown(invoice: str) -> Collected:
    return Collected(unclear=Unclear("unclear", invoice, Remark.UNKNOWN_INVOICE))


def _collected(outcome: PaymentState) -> Collected:
    known: dict[str, Any] = {} if isinstance(outcome, Unpaid) else {outcome.kind: outcome}
    return Collected(**known)

"""Invoices and cards on file, for people who ask, and invoices by mail."""

from dataclasses import dataclass
from datetime import datetime

from activities.context import BillingContext
from activities.notifications.mails import Desk
from activities.uninterrupted import uninterrupted
from domain.errors import BillingError
from domain.mails.money import InvoiceCopy
from domain.outcomes import Refusal
from domain.payments.charges import InvoiceRecord, PaymentMethod
from domain.pricing.catalog import Plan
from gateways.payments import Payments
from ledger import accounts


@dataclass(frozen=True, slots=True)
class Cards:
    """A payer's cards; `default` is the one that is charged, or ""."""

    methods: tuple[PaymentMethod, ...]
    default: str


@dataclass(frozen=True, slots=True)
class Invoices:
    """A payer's newest invoices."""

    records: tuple[InvoiceRecord, ...]


@dataclass(frozen=True, slots=True)
class InvoiceAsked:
    """A request for one invoice of a payer."""

    payer: str
    invoice: str


@dataclass(frozen=True, slots=True)
class FoundInvoice:
    """The invoice, or the reason why there is none."""

    record: InvoiceRecord | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class FinanceAddress:
    """Where receipts go besides the customer's own address; None: nowhere else."""

    account_id: int
    email: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceMail:
    """An invoice to mail to `to`; None: to the finance address, or else the customer's."""

    subscription_id: str
    account_id: int
    plan: Plan
    record: InvoiceRecord
    key: str
    to: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Mailed:
    """Where an invoice is mailed, or the reason why it is not."""

    to: str = ""
    refused: str = ""


class InvoiceReading:
    """Reads from the processor. Nothing here changes anything."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    @uninterrupted(name="list_cards")
    def cards(self, payer: str) -> Cards:
        """Return the cards of a payer."""
        default = self._payments.default_payment_method(payer)
        return Cards(self._payments.payment_methods(payer), default.method if default else "")

    @uninterrupted(name="list_invoices")
    def invoices(self, payer: str) -> Invoices:
        """Return the newest invoices of a payer."""
        return Invoices(self._payments.invoices(payer))

    @uninterrupted(name="read_invoice")
    def invoice(self, asked: InvoiceAsked) -> FoundInvoice:
        """Return one invoice of a payer."""
        try:
            return FoundInvoice(self._payments.invoice(asked.payer, asked.invoice))
        except BillingError:
            return FoundInvoice(refused="unknown_invoice")


class InvoiceMails:
    """Mails with invoices. Each method is one transaction, safe to repeat."""

    def __init__(self, context: BillingContext) -> None:
        self._context = context

    @uninterrupted(name="set_finance_address")
    def set_address(self, wanted: FinanceAddress) -> None:
        """Set where receipts go from now on."""
        with self._context.engine.begin() as connection:
            accounts.lock(connection, wanted.account_id, wanted.at)
            accounts.set_finance_email(connection, wanted.account_id, wanted.email)

    @uninterrupted(name="mail_invoice")
    def mail(self, wanted: InvoiceMail) -> Mailed:
        """Queue the mail once per key; a repeat returns where the first one went."""
        record = wanted.record
        with self._context.engine.begin() as connection:
            accounts.lock(connection, wanted.account_id, wanted.at)
            customer = accounts.details_of(connection, wanted.account_id)
            to = wanted.to or customer.finance_email or customer.email
            desk = Desk(self._context, connection, wanted.account_id, wanted.subscription_id)
            key = f"invoice-copy:{wanted.key}"
            before = desk.sent(key)
            if before is not None:
                same = before["mail"]["number"] == record.number
                if not same or wanted.to not in (None, before["to"]):
                    return Mailed(refused=Refusal.IDEMPOTENCY_CONFLICT)
                return Mailed(before["to"])
            desk.send(
                to,
                key,
                InvoiceCopy(
                    reader=desk.reader(wanted.plan),
                    currency=record.currency,
                    number=record.number,
                    paid=record.status == "paid",
                    amount_minor=record.amount_minor,
                    issued_at=record.issued_at,
                    page_url=record.page_url,
                    pdf_url=record.pdf_url,
                ),
            )
        return Mailed(to)

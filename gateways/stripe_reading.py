"""Turn what Stripe knows into the words of the domain."""

from datetime import UTC, datetime

import stripe

from domain.dunning import reaction
from domain.payments import (
    Declined,
    InvoiceRecord,
    Paid,
    PaymentMethod,
    PaymentState,
    Processing,
    Unpaid,
)
from gateways.payments import ProcessorRefusal
from gateways.stripe_errors import advice_of, code_of

BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "mastercard": "Mastercard",
    "unionpay": "UnionPay",
    "visa": "Visa",
}
# What Stripe answers for an invoice where a bank would say `authentication_required`:
# https://docs.stripe.com/error-codes#invoice-payment-intent-requires-action
SAME_AS = {"invoice_payment_intent_requires_action": "authentication_required"}


def card_label(method: stripe.PaymentMethod | None) -> str:
    """Name a card for people: "Visa ···4242"; other methods by their type, none as ""."""
    if method is None:
        return ""
    card = method.card if "card" in method else None
    if card is None:
        return str(method.type)
    return f"{BRANDS.get(card.brand, card.brand.capitalize())} ···{card.last4}"


def payment_method(method: stripe.PaymentMethod) -> PaymentMethod:
    """Describe a card on file; `payer` is empty for one that belongs to nobody."""
    return PaymentMethod(method.id, identifier(method.customer), card_label(method))


def invoice_record(invoice: stripe.Invoice) -> InvoiceRecord:
    """Describe an invoice as finance teams ask for it."""
    return InvoiceRecord(
        invoice=invoice.id,
        number=invoice.number or "",
        status=invoice.status or "",
        amount_minor=invoice.total,
        currency=invoice.currency.upper(),
        issued_at=datetime.fromtimestamp(invoice.created, UTC),
        page_url=invoice.hosted_invoice_url or "",
        pdf_url=invoice.invoice_pdf or "",
    )


def identifier(reference: object) -> str:
    """Return the id behind a field that holds an id, a whole object or nothing."""
    return str(getattr(reference, "id", reference) or "")


def metadata_value(metadata: stripe.StripeObject | None, name: str) -> str:
    """Return an entry of an object's metadata, or "" (Stripe's objects have no `get`)."""
    return str(metadata[name]) if metadata and name in metadata else ""


def is_paid(invoice: stripe.Invoice) -> bool:
    """Return whether all of its total was received.

    `paid` alone does not say so: an invoice below the minimum charge, or covered by the payer's
    credit balance, is finalised as `paid` with nothing received. Raises `ProcessorRefusal` then,
    for nothing may be granted for it.
    """
    if invoice.status != "paid":
        return False
    if invoice.total <= 0 or invoice.amount_paid != invoice.total:
        message = (
            f"{invoice.id} counts as paid, but {invoice.amount_paid} of {invoice.total} arrived: "
            "check the payer's balance at Stripe"
        )
        raise ProcessorRefusal("settled_without_payment", message)
    return True


def paid(invoice: stripe.Invoice, intent: stripe.PaymentIntent | None) -> Paid:
    """Describe an invoice that `is_paid`, by the intent that paid it."""
    method = intent.payment_method if intent else None
    return Paid(
        kind="paid",
        invoice=invoice.id,
        amount_minor=invoice.amount_paid,
        card=card_label(method if isinstance(method, stripe.PaymentMethod) else None),
        invoice_number=invoice.number or "",
        invoice_url=invoice.hosted_invoice_url or "",
    )


def declined_by(error: stripe.StripeError, invoice: stripe.Invoice) -> Declined:
    """Describe the refusal of the attempt that raised `error`."""
    details = error.error
    method = details.payment_method if details and "payment_method" in details else None
    return declined(invoice, code_of(error), advice_of(error), method)


def declined(
    invoice: stripe.Invoice, code: str, advice: str, method: stripe.PaymentMethod | None
) -> Declined:
    """Describe a refusal; the rule of `domain.dunning` classifies it."""
    code = SAME_AS.get(code, code)
    return Declined(
        kind="declined",
        invoice=invoice.id,
        decline=reaction(code, advice),
        code=code,
        advice=advice,
        card=card_label(method),
        invoice_url=invoice.hosted_invoice_url or "",
    )


def unpaid_state(invoice: stripe.Invoice, intent: stripe.PaymentIntent | None) -> PaymentState:
    """Describe an invoice that is not paid: by its last refused attempt, if there was one.

    An attempt that is under way comes first: the error of an earlier one may still be there.
    """
    if intent is not None and intent.status == "processing":
        way = intent.payment_method
        label = card_label(way if isinstance(way, stripe.PaymentMethod) else None)
        return Processing("processing", invoice.id, label, None)
    error = intent.last_payment_error if intent else None
    if invoice.status != "open" or error is None:
        return Unpaid("unpaid", invoice.id)
    code = error.decline_code or error.code if "decline_code" in error else error.code
    advice = error.advice_code if "advice_code" in error else None
    method = error.payment_method if "payment_method" in error else None
    return declined(invoice, code or "", advice or "", method)

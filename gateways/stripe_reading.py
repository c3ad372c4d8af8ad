"""Convert Stripe's objects to domain types."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import stripe

from domain.payments.charges import Declined, InvoiceRecord, PaymentMethod
from domain.payments.dunning import reaction
from domain.payments.kinds import PaymentKind
from domain.payments.reconciliation import Claim
from domain.payments.sold import parse_sale
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
# Stripe's code on an invoice where a bank would say `authentication_required`:
# https://docs.stripe.com/error-codes#invoice-payment-intent-requires-action
SAME_AS = {"invoice_payment_intent_requires_action": "authentication_required"}


# Names for payment methods that are not cards; others keep Stripe's own name.
ACCOUNTS = {"us_bank_account": "Bank account", "sepa_debit": "Bank account"}
# Debits of a bank account, whose money takes days: each pays in one currency.
# https://docs.stripe.com/payments/ach-direct-debit, https://docs.stripe.com/payments/sepa-debit
BANK_DEBITS = {"us_bank_account": "USD", "sepa_debit": "EUR"}
# Codes that say only that it failed; the bank's own code is on the charge.
VAGUE = frozenset({"", "payment_intent_payment_attempt_failed", "payment_intent_action_required"})


def entry(thing: Any, name: str) -> Any:
    """Return a field that may be absent, null or present; None for an unexpanded id."""
    return thing[name] if isinstance(thing, stripe.StripeObject) and name in thing else None


def card_label(method: stripe.PaymentMethod | None) -> str:
    """Name a card for people: "Visa ···4242"; accounts likewise, others by type, none as ""."""
    if method is None:
        return ""
    kind = str(entry(method, "type") or "")
    details = entry(method, kind)
    brand, last4 = str(entry(details, "brand") or ""), str(entry(details, "last4") or "")
    name = BRANDS.get(brand, brand.capitalize()) or ACCOUNTS.get(kind, kind)
    return f"{name} ···{last4}" if last4 else name


def payment_method(method: stripe.PaymentMethod) -> PaymentMethod:
    """Describe a payment method on file; `payer` is empty if it belongs to nobody."""
    payer = identifier(entry(method, "customer"))
    return PaymentMethod(
        method.id,
        payer,
        card_label(method),
        kind=kind_of(method),
        currency=BANK_DEBITS.get(str(entry(method, "type") or ""), ""),
    )


def kind_of(method: stripe.PaymentMethod) -> str:
    """Return a `PaymentKind`, or Stripe's own word for what no plan takes."""
    kind = str(entry(method, "type") or "")
    return PaymentKind.BANK_DEBIT if kind in BANK_DEBITS else kind


def kinds_of(invoice: stripe.Invoice) -> set[str]:
    """Return of which kinds a payment method must be to pay an invoice; empty: nothing is said."""
    types = entry(entry(invoice, "payment_settings"), "payment_method_types") or ()
    return {PaymentKind.BANK_DEBIT if one in BANK_DEBITS else str(one) for one in types}


def stripe_types(kinds: Collection[PaymentKind], currency: str) -> list[str]:
    """Return Stripe's names of what may pay an invoice in a currency."""
    debits = (one for one, pays_in in BANK_DEBITS.items() if pays_in == currency.upper())
    names = {PaymentKind.CARD: "card", PaymentKind.BANK_DEBIT: next(debits, None)}
    names[PaymentKind.INVOICE] = "customer_balance"  # a transfer to an account number of its own
    return [name for kind in kinds if (name := names[kind])]


def invoice_record(invoice: stripe.Invoice) -> InvoiceRecord:
    """Describe an invoice for finance teams."""
    return InvoiceRecord(
        invoice=invoice.id,
        number=entry(invoice, "number") or "",
        status=entry(invoice, "status") or "",
        amount_minor=invoice.total,
        currency=invoice.currency.upper(),
        issued_at=datetime.fromtimestamp(invoice.created, UTC),
        page_url=entry(invoice, "hosted_invoice_url") or "",
        pdf_url=entry(invoice, "invoice_pdf") or "",
    )


def claim_of(invoice: stripe.Invoice) -> Claim | None:
    """Describe a paid invoice that carries our ids; None if it is not ours or brought no money.

    An invoice settled without money was refused when its charge was made, so it is not a claim.
    """
    metadata = entry(invoice, "metadata")
    charge_id = metadata_value(metadata, "charge_id")
    if not charge_id or entry(invoice, "status") != "paid" or not entry(invoice, "amount_paid"):
        return None
    written = {name: str(value) for name, value in metadata.to_dict().items()}
    currency = invoice.currency.upper()
    taxed = bool(entry(entry(invoice, "automatic_tax"), "enabled"))
    return Claim(
        invoice=invoice.id,
        charge_id=charge_id,
        customer_id=metadata_value(metadata, "customer_id"),
        subscription_id=metadata_value(metadata, "subscription_id"),
        amount_minor=invoice.amount_paid,
        returned_minor=entry(invoice, "post_payment_credit_notes_amount") or 0,
        currency=currency,
        payer=identifier(entry(invoice, "customer")),
        # With tax it is not granted by itself: the books would take the tax for what was earned.
        sale=None if taxed else parse_sale(written, invoice.amount_paid, currency),
        added_minor=added_tax(invoice),
    )


def added_tax(invoice: stripe.Invoice) -> int:
    """Return the tax of an invoice that was added to its prices, in minor units."""
    taxes = entry(invoice, "total_taxes") or ()
    return sum(one.amount for one in taxes if entry(one, "tax_behavior") == "exclusive")


def identifier(reference: object) -> str:
    """Return the id behind a field that holds an id, a whole object or nothing."""
    return str(getattr(reference, "id", reference) or "")


def metadata_value(metadata: stripe.StripeObject | None, name: str) -> str:
    """Return an entry of an object's metadata, or "" (Stripe's objects have no `get`)."""
    return str(metadata[name]) if metadata and name in metadata else ""


def code_of_failure(error: Any, charge: Any) -> tuple[str, str]:
    """Return code and advice of a failed attempt; for bank debits the charge knows more."""
    code = str(entry(error, "decline_code") or entry(error, "code") or "")
    if code in VAGUE:
        code = str(entry(charge, "failure_code") or code)
    return code, str(entry(error, "advice_code") or "")


def declined_by(error: stripe.StripeError, invoice: stripe.Invoice) -> Declined:
    """Describe the refusal of the attempt that raised `error`."""
    details = error.error
    return declined(invoice, code_of(error), advice_of(error), entry(details, "payment_method"))


def declined(
    invoice: stripe.Invoice, code: str, advice: str, method: stripe.PaymentMethod | None
) -> Declined:
    """Describe a refusal; `domain.payments.dunning` classifies it."""
    code = SAME_AS.get(code, code)
    return Declined(
        kind="declined",
        invoice=invoice.id,
        decline=reaction(code, advice),
        code=code,
        advice=advice,
        card=card_label(method),
        invoice_url=entry(invoice, "hosted_invoice_url") or "",
    )

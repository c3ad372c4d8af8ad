"""The state of an invoice at Stripe, by the table of `domain.payments.processor_states`.

Every key that Stripe may omit is treated as absent, null or present; nothing counts as paid unless
the amounts show it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import stripe

from domain.payments.charges import Closed, Paid, PaymentState, Processing, Sent, Unclear, Unpaid
from domain.payments.processor_states import COMES_BY_ITSELF, NONE, Case, Remark, case
from gateways.stripe_reading import card_label, code_of_failure, declined, entry

OUTSIDE = "paid outside Stripe"


@dataclass(frozen=True, slots=True)
class Seen:
    """An invoice with all its payments; `intent` is the default payment's, with its card."""

    invoice: stripe.Invoice
    payments: tuple[stripe.InvoicePayment, ...]
    intent: stripe.PaymentIntent | None

    @property
    def case(self) -> Case:
        """Its cell in the table."""
        payment = str(entry(self.intent, "status") or "") if self.intent is not None else NONE
        return case(str(entry(self.invoice, "status") or ""), payment)


def state_of(seen: Seen) -> PaymentState:
    """Return the state of an invoice; one that was sent waits for its customer while it is open."""
    if seen.case in _AWAITED and entry(seen.invoice, "collection_method") == "send_invoice":
        return _sent(seen)
    return _READERS[seen.case](seen)


def default_payment(payments: tuple[stripe.InvoicePayment, ...]) -> stripe.InvoicePayment | None:
    """Return the payment that `pay` uses: the default one, else the first with an intent."""
    by_intent = [one for one in payments if intent_reference(one) is not None]
    chosen = [one for one in by_intent if entry(one, "is_default")]
    return next(iter(chosen or by_intent), None)


def intent_reference(payment: stripe.InvoicePayment) -> Any:
    """Return the intent of a payment, whole or by id; None for outside and old payments."""
    return entry(entry(payment, "payment"), "payment_intent")


def _unpaid(seen: Seen) -> PaymentState:
    return Unpaid("unpaid", seen.invoice.id)


def _sent(seen: Seen) -> PaymentState:
    invoice = seen.invoice
    due = entry(invoice, "due_date")
    if due is None:
        return Unclear("unclear", invoice.id, Remark.CANNOT_BE)
    if invoice.amount_remaining <= 0:
        return _on_its_way(seen)  # it turns `paid` in a moment
    return Sent(
        kind="sent",
        invoice=invoice.id,
        invoice_number=entry(invoice, "number") or "",
        due_at=datetime.fromtimestamp(due, UTC),
        paid_minor=entry(invoice, "amount_paid") or 0,
        remaining_minor=invoice.amount_remaining,
        page_url=entry(invoice, "hosted_invoice_url") or "",
        pdf_url=entry(invoice, "invoice_pdf") or "",
    )


def _closed(seen: Seen) -> PaymentState:
    part = entry(seen.invoice, "amount_paid")  # of an invoice that was paid in parts
    return Closed("closed", seen.invoice.id, Remark.MONEY_FOR_NOTHING if part else "")


def _money_for_nothing(seen: Seen) -> PaymentState:
    return Closed("closed", seen.invoice.id, Remark.MONEY_FOR_NOTHING)


def _unclear(remark: Remark) -> Callable[[Seen], PaymentState]:
    return lambda seen: Unclear("unclear", seen.invoice.id, remark)


def _no_payment(seen: Seen) -> PaymentState:
    """Without an intent: it may be being paid outside Stripe, else nothing can pay it."""
    under_way = any(entry(one, "status") == "open" for one in seen.payments)
    return (
        _on_its_way(seen) if under_way else Unclear("unclear", seen.invoice.id, Remark.NO_PAYMENT)
    )


def _nothing_in_flight(seen: Seen) -> PaymentState:
    error = entry(seen.intent, "last_payment_error")
    if error is None:
        return _unpaid(seen)
    code, advice = code_of_failure(error, entry(seen.intent, "latest_charge"))
    return declined(seen.invoice, code, advice, entry(error, "payment_method"))


def _waits_for_somebody(seen: Seen) -> PaymentState:
    kind = entry(entry(seen.intent, "next_action"), "type")
    if kind in COMES_BY_ITSELF:
        return _on_its_way(seen)
    way = entry(seen.intent, "payment_method")
    return declined(seen.invoice, "authentication_required", "", way)


def _on_its_way(seen: Seen, remark: str = "") -> PaymentState:
    return Processing(
        kind="processing",
        invoice=seen.invoice.id,
        card=_way(seen),
        expected_by=_expected_by(seen),
        remark=remark,
    )


def _partly_paid(seen: Seen) -> PaymentState:
    """Return a partial payment; if nothing remains, the invoice will turn `paid` in a moment."""
    if seen.invoice.amount_remaining > 0:
        return Unclear("unclear", seen.invoice.id, Remark.PARTLY_PAID)
    return _on_its_way(seen)


def _written_off(seen: Seen) -> PaymentState:
    found = declined(seen.invoice, "written_off", "", None)
    return replace(found, remark=Remark.WRITTEN_OFF)


def _paid(seen: Seen) -> PaymentState:
    """Return an invoice as paid if the amounts show it, whatever paid it.

    The status `paid` is not enough: an invoice below the minimum charge, or covered by the payer's
    credit balance, is finalised as `paid` with nothing received.
    """
    invoice = seen.invoice
    if invoice.total <= 0 or not _all_came(seen):
        return Unclear("unclear", invoice.id, Remark.SETTLED_WITHOUT_PAYMENT)
    over = (entry(invoice, "amount_overpaid") or 0) > 0
    twice = seen.case is Case.PAID_TWICE
    return Paid(
        kind="paid",
        invoice=invoice.id,
        amount_minor=invoice.total,
        card=_paid_with(seen),
        invoice_number=entry(invoice, "number") or "",
        invoice_url=entry(invoice, "hosted_invoice_url") or "",
        remark=Remark.PAID_TWICE if twice else Remark.OVERPAID if over else "",
    )


def _all_came(seen: Seen) -> bool:
    invoice = seen.invoice
    came = entry(invoice, "amount_paid") or 0
    outside = entry(invoice, "amount_paid_off_stripe") or 0
    by_payments = sum(
        entry(one, "amount_paid") or 0 for one in seen.payments if entry(one, "status") == "paid"
    )
    return bool(max(came, came + outside, by_payments) >= invoice.total)


def _paid_with(seen: Seen) -> str:
    """Name what paid: the card or account, or that it was outside Stripe."""
    paid = [one for one in seen.payments if entry(one, "status") == "paid"]
    by_intent = [one for one in paid if intent_reference(one) is not None]
    if paid and not by_intent:
        return OUTSIDE
    if not paid and entry(seen.invoice, "amount_paid_off_stripe"):
        return OUTSIDE
    return _way(seen)


def _way(seen: Seen) -> str:
    method = entry(seen.intent, "payment_method")
    return card_label(method if isinstance(method, stripe.PaymentMethod) else None)


def _expected_by(seen: Seen) -> datetime | None:
    """Return the day of the debit, if the bank has named one, as its start in UTC."""
    details = entry(entry(seen.intent, "latest_charge"), "payment_method_details")
    for kind in ("us_bank_account", "sepa_debit"):
        day = entry(entry(details, kind), "expected_debit_date")
        if isinstance(day, str) and day:
            try:
                return datetime.fromisoformat(day).replace(tzinfo=UTC)
            except ValueError:
                return None
    return None


# Nobody charges a sent invoice: whatever its payment waits for is for the customer to do.
_AWAITED = frozenset(
    {Case.NO_PAYMENT, Case.NOTHING_IN_FLIGHT, Case.WAITS_FOR_SOMEBODY, Case.PARTLY_PAID}
)
_READERS: dict[Case, Callable[[Seen], PaymentState]] = {
    Case.UNFINISHED: _unpaid,
    Case.NO_PAYMENT: _no_payment,
    Case.NOTHING_IN_FLIGHT: _nothing_in_flight,
    Case.WAITS_FOR_SOMEBODY: _waits_for_somebody,
    Case.ON_ITS_WAY: _on_its_way,
    Case.SETTLED_WITHOUT: _paid,
    Case.SETTLED_OTHERWISE: _paid,
    Case.PAID_TWICE: _paid,
    Case.PARTLY_PAID: _partly_paid,
    Case.WRITTEN_OFF: _written_off,
    Case.GIVEN_UP: _closed,
    Case.GIVEN_UP_ON_ITS_WAY: lambda seen: _on_its_way(seen, Remark.GIVEN_UP_ON_ITS_WAY),
    Case.PAID: _paid,
    Case.MONEY_FOR_NOTHING: _money_for_nothing,
    Case.CANNOT_BE: _unclear(Remark.CANNOT_BE),
}

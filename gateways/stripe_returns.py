"""Money that goes back at Stripe: refunds by credit notes, refunds by hand, disputes."""

from typing import Literal

import stripe

from domain.payments.charges import MoneyBack
from gateways.stripe_calls import find_or_take_effect
from gateways.stripe_reading import entry, identifier, metadata_value

PAGE = 100
REFUND = "refund"  # metadata: which of our refunds a credit note is
# https://docs.stripe.com/api/refunds/object: all others move money, or will.
FAILED = frozenset({"failed", "canceled"})
# https://docs.stripe.com/api/disputes/object: inquiries (`warning_…`) and prevented disputes take
# no money.
# Two of them are in Stripe's library and not yet in its description: an appeal against a lost one.
STATES = {
    "needs_response": "open",
    "under_review": "open",
    "appeal_needs_response": "open",
    "appeal_under_review": "open",
    "lost": "lost",
    "won": "won",
}


class Returns:
    """Refunds and disputes, by the ids of the engine. Raises Stripe's errors."""

    def __init__(self, client: stripe.V1Services) -> None:
        self._stripe = client

    def refund(self, invoice: str, amount_minor: int, reason: str, key: str) -> stripe.CreditNote:
        """Return the credit note of a refund, the same one when repeated."""
        return find_or_take_effect(
            key,
            lambda options: self._stripe.credit_notes.create(
                {
                    "invoice": invoice,
                    "amount": amount_minor,
                    "refund_amount": amount_minor,
                    "memo": reason,
                    "metadata": {REFUND: key},
                },
                options,
            ),
            lambda: next(
                (
                    n
                    for n in self._notes(invoice)[::-1]
                    if metadata_value(entry(n, "metadata"), REFUND) == key
                ),
                None,
            ),
        )

    def refunded(self, refund: str) -> MoneyBack | None:
        """Read a refund back."""
        found = self._stripe.refunds.retrieve(refund)
        state = "failed" if entry(found, "status") in FAILED else "made"
        return self._money_back("refund", found, state)

    def disputed(self, dispute: str) -> MoneyBack | None:
        """Read a dispute back."""
        found = self._stripe.disputes.retrieve(dispute)
        state = STATES.get(entry(found, "status"))
        return None if state is None else self._money_back("dispute", found, state)

    def _money_back(
        self, kind: Literal["refund", "dispute"], found: stripe.Refund | stripe.Dispute, state: str
    ) -> MoneyBack | None:
        invoice = self._invoice_of(identifier(entry(found, "payment_intent")))
        if invoice is None:
            return None
        ours = self._our_name(invoice.id, found.id) if kind == "refund" else ""
        return MoneyBack(
            kind=kind,
            name=ours or found.id,
            state=state,
            amount_minor=found.amount,
            invoice=invoice.id,
            charge_id=metadata_value(entry(invoice, "metadata"), "charge_id"),
            customer_id=metadata_value(entry(invoice, "metadata"), "customer_id"),
        )

    def _invoice_of(self, intent: str) -> stripe.Invoice | None:
        """Find what an intent paid: charges do not name their invoice any more."""
        if not intent:
            return None
        paid = self._stripe.invoice_payments.list(
            {"payment": {"type": "payment_intent", "payment_intent": intent}}
        ).data
        return self._stripe.invoices.retrieve(identifier(paid[0].invoice)) if paid else None

    def _our_name(self, invoice: str, refund: str) -> str:
        """Return our id of a refund that we made by a credit note, or ""."""
        for note in self._notes(invoice):
            if refund in (identifier(entry(one, "refund")) for one in entry(note, "refunds") or ()):
                return metadata_value(entry(note, "metadata"), REFUND)
        return ""

    def _notes(self, invoice: str) -> list[stripe.CreditNote]:
        return self._stripe.credit_notes.list({"invoice": invoice, "limit": PAGE}).data

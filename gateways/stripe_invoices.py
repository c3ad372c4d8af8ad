"""The life of one invoice at Stripe: draft, lines, finalised, collected or void."""

from typing import Any

import stripe

from domain.money import maximum_charge_minor
from domain.payments.charges import Charge, InvoiceRecord, Prepared
from domain.payments.reconciliation import Claim
from domain.payments.sold import as_metadata
from gateways.payments import ProcessorRefusal
from gateways.stripe_calls import find_or_take_effect, take_effect_once
from gateways.stripe_reading import (
    claim_of,
    entry,
    identifier,
    invoice_record,
    metadata_value,
    stripe_types,
)
from gateways.stripe_states import Seen, default_payment, intent_reference
from gateways.stripe_taxes import Taxes, difference, line_terms, taxed_by

PAGE = 100  # newest invoices of a payer, among which a charge's is searched
READ: list[str] = ["payments"]
ATTEMPT = "attempt"  # metadata: absent for the first
LINE = "line"  # metadata: which line of the charge an invoice item is
# Where the account number of an invoice is: https://docs.stripe.com/invoicing/bank-transfer.
TRANSFERS = {
    "USD": {"type": "us_bank_transfer"},
    "EUR": {"type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}},
    "GBP": {"type": "gb_bank_transfer"},
    "JPY": {"type": "jp_bank_transfer"},
    "MXN": {"type": "mx_bank_transfer"},
}


class Invoices:
    """Stripe's invoices, by our charges' ids and keys. Raises Stripe's errors."""

    def __init__(self, client: stripe.V1Services) -> None:
        self._stripe = client
        self._taxes = Taxes(client)

    def prepare(self, charge: Charge, key: str) -> Prepared:
        """Return a charge's finalised invoice, continuing from wherever a crash left it."""
        invoice = find_or_take_effect(
            f"{key}:invoice",
            lambda options: self._stripe.invoices.create(_draft(charge), options),
            lambda: self._of_charge(charge),
        )
        if entry(invoice, "status") == "draft":
            self._add_lines(charge, invoice, key)
            invoice = self._finalize(invoice.id, f"{key}:finalize")
        accepted = self._accepted(charge, invoice, key)
        if charge.tax is None:
            return Prepared(accepted.id)
        return Prepared(accepted.id, taxed_by(self._taxes.read(accepted.id), charge.tax))

    def read(self, invoice: str) -> stripe.Invoice:
        """Return the invoice with its payments."""
        return self._stripe.invoices.retrieve(invoice, {"expand": READ})

    def newest(self, payer: str) -> tuple[InvoiceRecord, ...]:
        """Return a payer's newest invoices, without drafts, which nobody has seen."""
        found = self._stripe.invoices.list({"customer": payer, "limit": PAGE}).data
        return tuple(invoice_record(one) for one in found if entry(one, "status") != "draft")

    def of_payer(self, payer: str, invoice: str) -> InvoiceRecord:
        """Return one invoice; another payer's is reported as missing."""
        found = self._stripe.invoices.retrieve(invoice)
        if identifier(entry(found, "customer")) != payer or entry(found, "status") == "draft":
            raise ProcessorRefusal("resource_missing", f"{payer} has no invoice {invoice!r:.60}")
        return invoice_record(found)

    def claims(self) -> tuple[Claim, ...]:
        """Return every paid invoice with our ids: lists are complete, searches lag behind."""
        found = self._stripe.invoices.list({"status": "paid", "limit": PAGE}).auto_paging_iter()
        return tuple(claim for one in found if (claim := claim_of(one)) is not None)

    def claim(self, invoice: str) -> Claim | None:
        """Read one paid invoice with our ids."""
        return claim_of(self._stripe.invoices.retrieve(invoice))

    def is_kept(self, invoice: str) -> bool:
        """Return whether one charge paid an invoice and nothing of it was refunded or disputed."""
        charge = entry(self.seen(self.read(invoice)).intent, "latest_charge")
        untouched = not (entry(charge, "amount_refunded") or entry(charge, "disputed"))
        return bool(entry(charge, "paid")) and untouched

    def pay(self, invoice: str, options: stripe.RequestOptions) -> stripe.Invoice:
        """Collect off-session with the payer's default card."""
        return self._stripe.invoices.pay(invoice, {"off_session": True, "expand": READ}, options)

    def void(self, invoice: str, options: stripe.RequestOptions) -> stripe.Invoice:
        """Void permanently."""
        return self._stripe.invoices.void_invoice(invoice, {}, options)

    def seen(self, invoice: stripe.Invoice) -> Seen:
        """Return an invoice with all its payments, and the intent that `pay` would use."""
        payments = self._payments(invoice)
        chosen = default_payment(payments)
        reference = intent_reference(chosen) if chosen is not None else None
        return Seen(invoice, payments, self._intent(identifier(reference)))

    def _payments(self, invoice: stripe.Invoice) -> tuple[stripe.InvoicePayment, ...]:
        """Return every payment: an invoice shows the first few of them, or none."""
        shown = entry(invoice, "payments")
        if shown is not None and entry(shown, "data") and not entry(shown, "has_more"):
            return tuple(shown.data)
        found = self._stripe.invoice_payments.list({"invoice": invoice.id, "limit": PAGE})
        return tuple(found.auto_paging_iter())

    def _intent(self, intent: str) -> stripe.PaymentIntent | None:
        if not intent:
            return None
        wanted: list[str] = ["payment_method", "latest_charge"]
        return self._stripe.payment_intents.retrieve(intent, {"expand": wanted})

    def of_intent(self, intent: str) -> str:
        """Return the invoice that an intent is for: intents no longer name it."""
        found = self._stripe.invoice_payments.list(
            {"payment": {"type": "payment_intent", "payment_intent": intent}}
        ).data
        return identifier(found[0].invoice) if found else ""

    def _of_charge(self, charge: Charge) -> stripe.Invoice | None:
        """Find the charge's invoice by listing: Stripe's search lags behind, its lists do not."""
        found = self._stripe.invoices.list({"customer": charge.payer, "limit": PAGE}).data
        mine = [
            i
            for i in found
            if metadata_value(entry(i, "metadata"), "charge_id") == charge.charge_id
        ]
        live = [
            i for i in mine if entry(i, "status") not in {"draft", "void"} and not _is_settled(i)
        ]
        # Void, settled or unfinished invoices of earlier attempts do not matter.
        now = [
            i
            for i in mine
            if (metadata_value(entry(i, "metadata"), ATTEMPT) or "1") == str(charge.attempt)
        ]
        return next(iter(live[::-1] or now[::-1]), None)  # oldest first

    def _add_lines(self, charge: Charge, invoice: stripe.Invoice, key: str) -> None:
        present = self._lines(invoice.id) if invoice.lines.data else set()
        for number in range(len(charge.lines)):
            if str(number) not in present:
                self._add_line(charge, invoice.id, number, f"{key}:item:{number}")

    def _lines(self, invoice: str) -> set[str]:
        lines = self._stripe.invoices.line_items.list(invoice, {"limit": PAGE}).data
        return {name for line in lines if (name := metadata_value(entry(line, "metadata"), LINE))}

    def _add_line(self, charge: Charge, invoice: str, number: int, key: str) -> None:
        line = charge.lines[number]

        def added() -> bool | None:
            return str(number) in self._lines(invoice) or None

        def add(options: stripe.RequestOptions) -> bool:
            item: Any = {
                "customer": charge.payer,
                "invoice": invoice,
                "amount": line.amount_minor,
                "currency": charge.currency.lower(),
                "description": line.description,
                "metadata": {LINE: str(number)},
                **line_terms(charge.tax),
            }
            self._stripe.invoice_items.create(item, options)
            return True

        take_effect_once(key, add, added)

    def _finalize(self, invoice: str, key: str) -> stripe.Invoice:
        def finalised() -> stripe.Invoice | None:
            found = self.read(invoice)
            return None if entry(found, "status") == "draft" else found

        try:
            return take_effect_once(
                key,
                lambda options: self._stripe.invoices.finalize_invoice(
                    invoice, {"auto_advance": False}, options
                ),
                finalised,
            )
        except stripe.InvalidRequestError:
            found = finalised()  # another process was faster
            if found is None:
                raise
            return found

    def _accepted(self, charge: Charge, invoice: stripe.Invoice, key: str) -> stripe.Invoice:
        """Return an invoice that demands exactly the charge; void any other and refuse."""
        exact = not difference(charge, invoice) and invoice.amount_due == invoice.total
        if entry(invoice, "status") == "void" and exact:
            message = f"{charge.charge_id} was voided: make a new charge"
            raise ProcessorRefusal("charge_voided", message)
        if exact:
            return invoice
        if entry(invoice, "status") == "open":
            take_effect_once(
                f"{key}:undo", lambda o: self.void(invoice.id, o), lambda: self._if_void(invoice.id)
            )
        elif invoice.amount_due == 0:
            self._restore_balance(charge, invoice, f"{key}:balance")
        raise _mismatch(charge, invoice)

    def _if_void(self, invoice: str) -> stripe.Invoice | None:
        found = self.read(invoice)
        return found if entry(found, "status") == "void" else None

    def _restore_balance(self, charge: Charge, invoice: stripe.Invoice, key: str) -> None:
        """Take back what finalising moved to the payer's balance, or the next invoice claims it.

        Below the minimum charge Stripe counts an invoice as paid and adds the debt to the next:
        https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts.
        """
        moved = (entry(invoice, "ending_balance") or 0) - invoice.starting_balance
        balance = self._stripe.customers.balance_transactions

        def restored() -> stripe.CustomerBalanceTransaction | None:
            found = balance.list(charge.payer, {"limit": PAGE}).data
            mine = [
                t for t in found if metadata_value(entry(t, "metadata"), "undoes") == invoice.id
            ]
            return mine[0] if mine else None

        if moved:
            find_or_take_effect(
                key,
                lambda options: balance.create(
                    charge.payer,
                    {
                        "amount": -moved,
                        "currency": charge.currency.lower(),
                        "description": f"not charged: {charge.charge_id}",
                        "metadata": {"undoes": invoice.id},
                    },
                    options,
                ),
                restored,
            )


def _is_settled(invoice: stripe.Invoice) -> bool:
    """Return whether it is paid without money: by a balance, or as too small to charge."""
    came = invoice.amount_paid + (entry(invoice, "amount_paid_off_stripe") or 0)
    return entry(invoice, "status") == "paid" and came == 0


def _draft(charge: Charge) -> stripe.params.InvoiceCreateParams:
    draft: stripe.params.InvoiceCreateParams = {
        "customer": charge.payer,
        "currency": charge.currency.lower(),
        "auto_advance": False,
        "collection_method": "charge_automatically",
        "pending_invoice_items_behavior": "exclude",
        # What settings of the account or the payer would otherwise add unasked.
        "automatic_tax": {"enabled": charge.tax is not None},
        "discounts": "",
        "payment_settings": _payment_settings(charge),
        "metadata": _metadata(charge),
    }
    if charge.due_at is not None:  # its customer pays it; the processor mails nothing by itself
        draft |= {"collection_method": "send_invoice", "due_date": int(charge.due_at.timestamp())}
    return draft


def _metadata(charge: Charge) -> dict[str, str]:
    attempt = {ATTEMPT: str(charge.attempt)} if charge.attempt > 1 else {}
    ids = {
        "charge_id": charge.charge_id,
        "customer_id": charge.customer_id,
        "subscription_id": charge.subscription_id,
        "kind": charge.kind.value,
    }
    return ids | as_metadata(charge.kind, charge.sold, charge.amount_minor) | attempt


def _payment_settings(charge: Charge) -> stripe.params.InvoiceCreateParamsPaymentSettings:
    """Let nothing pay it, here or on its page, that the charge does not take."""
    types: Any = stripe_types(charge.takes, charge.currency)
    if charge.due_at is None:
        return {"payment_method_types": types}
    transfer: Any = TRANSFERS[charge.currency.upper()]
    by_transfer: Any = {"funding_type": "bank_transfer", "bank_transfer": transfer}
    return {
        "payment_method_types": types,
        "payment_method_options": {"customer_balance": by_transfer},
    }


def _mismatch(charge: Charge, invoice: stripe.Invoice) -> ProcessorRefusal:
    if reason := difference(charge, invoice):
        demanded = charge.expected_minor or charge.amount_minor
        message = f"{invoice.id} totals {invoice.total}, not {demanded}: make a new charge"
        return ProcessorRefusal(reason, message)
    if invoice.starting_balance:
        message = f"{charge.payer} has a balance of {invoice.starting_balance} at Stripe: clear it"
        return ProcessorRefusal("payer_balance_not_zero", message)
    if invoice.total > maximum_charge_minor(charge.currency.upper()):
        message = f"{invoice.total} {charge.currency} with tax is above Stripe's maximum"
        return ProcessorRefusal("amount_too_large", message)
    message = f"{invoice.total} {charge.currency} is below Stripe's minimum: sell more at once"
    return ProcessorRefusal("amount_too_small", message)

"""Payments by Stripe Invoices: one invoice a charge, collected by request only.

The object's own state forbids a second success for ever; idempotency keys (24 hours at Stripe) only
save work. Stripe never advances an invoice by itself (`auto_advance` false) and the library never
retries: the caller is the one authority on both. May be shared by threads.
"""

from typing import Self

import stripe

from domain.money import maximum_charge_minor
from domain.payments import (
    Charge,
    InvoiceRecord,
    MoneyBack,
    Paid,
    PaymentMethod,
    PaymentOutcome,
    PaymentState,
    Prepared,
    Processing,
    Unpaid,
)
from gateways.payments import ProcessorRefusal, ProcessorUnavailable
from gateways.stripe_calls import checked_key, take_effect_once
from gateways.stripe_errors import speaking
from gateways.stripe_invoices import Invoices
from gateways.stripe_payers import Payers
from gateways.stripe_reading import (
    declined,
    declined_by,
    identifier,
    is_paid,
    paid,
    unpaid_state,
)
from gateways.stripe_returns import Returns

TIMEOUT = 20.0  # seconds; the library's own 80 would outlive the activity
PAGE = 100


class StripePayments:
    """The engine's payment processor (`gateways.payments.Payments`)."""

    def __init__(self, api_key: str, *, base_url: str | None = None) -> None:
        self._http = stripe.RequestsClient(timeout=TIMEOUT)  # a session for each thread
        self._stripe = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url} if base_url else {},
            http_client=self._http,
            max_network_retries=0,
        ).v1
        self._invoices = Invoices(self._stripe)
        self._payers = Payers(self._stripe)
        self._returns = Returns(self._stripe)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()  # type: ignore[no-untyped-call]

    def register(
        self, customer_id: str, *, email: str, name: str, key: str, known: str = ""
    ) -> str:
        """Create the payer; return Stripe's id (cus_…), the same for the same customer."""
        with speaking():
            return self._payers.register(customer_id, email, name, checked_key(key), known)

    def prepare(self, charge: Charge, *, key: str) -> Prepared:
        """Create the invoice of a charge, finalised but unpaid; the same one when repeated.

        Raises `ProcessorRefusal` with reason `amount_not_positive`, `amount_too_small`,
        `amount_too_large`, `payer_balance_not_zero` (clear it at Stripe), `invoice_total_differs`
        or `charge_voided`.
        """
        if charge.amount_minor <= 0:
            message = f"a charge must be positive, not {charge.amount_minor}: give credit otherwise"
            raise ProcessorRefusal("amount_not_positive", message)
        most = maximum_charge_minor(charge.currency.upper())
        if charge.amount_minor > most:
            message = f"{charge.amount_minor} {charge.currency} is above Stripe's most, {most}"
            raise ProcessorRefusal("amount_too_large", message)
        with speaking():
            return Prepared(self._invoices.prepare(charge, checked_key(key)).id)

    def pay(self, invoice: str, *, key: str) -> PaymentOutcome:
        """Attempt to collect an invoice off-session with the payer's default card."""
        with speaking():
            try:
                collected = take_effect_once(
                    checked_key(key),
                    lambda options: self._invoices.pay(invoice, options),
                    lambda: self._if_paid(invoice),
                )
            except stripe.CardError as error:
                # A replayed decline may be older than a payment on the invoice's own page.
                now = self._invoices.read(invoice)
                state = self._state(now)
                return state if isinstance(state, Paid | Processing) else declined_by(error, now)
            except stripe.InvalidRequestError:
                outcome = self._without_attempt(invoice)
                if outcome is None:
                    raise
                return outcome
            return self._outcome(collected)

    def read(self, invoice: str) -> PaymentState:
        """Read back what became of an invoice."""
        with speaking():
            return self._state(self._invoices.read(invoice))

    def void(self, invoice: str, *, key: str) -> PaymentState:
        """Give an invoice up. Answers `Paid` if money had arrived first."""
        with speaking():
            try:
                take_effect_once(
                    checked_key(key),
                    lambda options: self._invoices.void(invoice, options),
                    lambda: self._if_closed(invoice),
                )
            except stripe.InvalidRequestError:
                if self._if_closed(invoice) is None and not self._is_processing(invoice):
                    raise
            state = self._state(self._invoices.read(invoice))
            return state if isinstance(state, Paid | Processing) else Unpaid("unpaid", invoice)

    def refund(self, invoice: str, amount_minor: int, *, reason: str, key: str) -> str:
        """Send money back by a credit note; return its id. `reason` is printed on it.

        Raises `ProcessorRefusal`, for example with reason `charge_disputed`.
        """
        with speaking():
            return self._returns.refund(invoice, amount_minor, reason, checked_key(key)).id

    def refunded(self, refund: str) -> MoneyBack | None:
        """Read a refund back, whoever made it; None when it is of no invoice."""
        with speaking():
            return self._returns.refunded(refund)

    def disputed(self, dispute: str) -> MoneyBack | None:
        """Read a dispute back; None when it took no money, or is of no invoice."""
        with speaking():
            return self._returns.disputed(dispute)

    def card_link(self, payer: str, *, return_url: str, key: str) -> str:
        """Return a URL, valid for minutes, of Stripe's page where the card is replaced."""
        with speaking():
            return self._payers.card_link(payer, return_url, checked_key(key))

    def payment_method(self, method: str) -> PaymentMethod:
        """Read a card. Raises `ProcessorRefusal` (`resource_missing`) when unknown."""
        with speaking():
            return self._payers.method(method)

    def use_payment_method(self, payer: str, method: str, *, key: str) -> PaymentMethod:
        """Make a card the payer's default, attaching one that belongs to nobody.

        Raises `ProcessorRefusal` with reason `payment_method_of_another_customer`.
        """
        with speaking():
            return self._payers.use(payer, method, checked_key(key))

    def default_payment_method(self, payer: str) -> PaymentMethod | None:
        """Return the card that `pay` would use, if any."""
        with speaking():
            return self._payers.default(payer)

    def payment_methods(self, payer: str) -> tuple[PaymentMethod, ...]:
        """Return every card of a payer, the newest first."""
        with speaking():
            return self._payers.methods(payer)

    def invoice_of(self, intent: str) -> str:
        """Return the invoice that a payment intent is for, or ""."""
        with speaking():
            return self._invoices.of_intent(intent)

    def invoices(self, payer: str) -> tuple[InvoiceRecord, ...]:
        """Return a payer's newest invoices (at most a hundred), without drafts."""
        with speaking():
            return self._invoices.newest(payer)

    def invoice(self, payer: str, invoice: str) -> InvoiceRecord:
        """Read one invoice of a payer. Raises `ProcessorRefusal` (`resource_missing`)."""
        with speaking():
            return self._invoices.of_payer(payer, invoice)

    def _if_paid(self, invoice: str) -> stripe.Invoice | None:
        found = self._invoices.read(invoice)
        return found if is_paid(found) else None

    def _if_closed(self, invoice: str) -> stripe.Invoice | None:
        found = self._invoices.read(invoice)
        return found if found.status in {"paid", "void"} else None

    def _is_processing(self, invoice: str) -> bool:
        return isinstance(self._state(self._invoices.read(invoice)), Processing)

    def _outcome(self, collected: stripe.Invoice) -> PaymentOutcome:
        """Read what came of an attempt: an answer of 200 does not say that it is paid."""
        state = self._state(self._invoices.read(collected.id))
        if isinstance(state, Unpaid):
            message = f"Stripe has not decided about {collected.id} yet: read it again"
            raise ProcessorUnavailable(message)
        return state

    def _state(self, invoice: stripe.Invoice) -> PaymentState:
        intent = self._invoices.intent(invoice)
        return paid(invoice, intent) if is_paid(invoice) else unpaid_state(invoice, intent)

    def _without_attempt(self, invoice: str) -> PaymentOutcome | None:
        """Say why no attempt was made: it is paid already, or there is no card to charge."""
        now = self._invoices.read(invoice)
        state = self._state(now)
        if isinstance(state, Paid | Processing):
            return state
        if now.status == "open" and self._payers.default(identifier(now.customer)) is None:
            return declined(now, "no_payment_method", "", None)
        return None

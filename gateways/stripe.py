"""Payments by Stripe Invoices: one invoice per charge, collected only on our request.

The invoice's own state rules out a second success; idempotency keys (24 hours at Stripe) only save
work. Stripe never advances an invoice by itself (`auto_advance` false) and the library never
retries: the caller decides both. Threads may share an instance.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Self

import stripe

from domain.money import maximum_charge_minor
from domain.payments.charges import (
    Charge,
    Declined,
    InvoiceRecord,
    MoneyBack,
    PaymentMethod,
    PaymentOutcome,
    PaymentState,
    Prepared,
    Sent,
    Unclear,
    Unpaid,
)
from domain.payments.kinds import CARD_PAGE, CARDS, PaymentKind, SavingPage
from domain.payments.processor_states import Remark
from domain.payments.reconciliation import Claim
from domain.payments.taxes import Address, Joining, Taxed, TaxTerms
from domain.pricing.promotions import PromotionCode
from gateways.payments import ProcessorRefusal
from gateways.promotions.codes import Promotions
from gateways.stripe_calls import checked_key, take_effect_once
from gateways.stripe_errors import speaking
from gateways.stripe_invoices import Invoices
from gateways.stripe_payers import Described, Payers
from gateways.stripe_reading import declined, declined_by, entry, identifier, kinds_of
from gateways.stripe_returns import Returns
from gateways.stripe_states import Seen, state_of
from gateways.stripe_taxes import Taxes
from gateways.telemetry.processor import Tracked

TIMEOUT = 20.0  # seconds; the library's own 80 would outlive the activity
PAGE = 100
# What these libraries say below has names, addresses and whole answers of the processor in it.
QUIET = {"stripe": logging.WARNING, "urllib3": logging.INFO}


class StripePayments:
    """The engine's payment processor (`gateways.payments.Payments`)."""

    def __init__(
        self, api_key: str, *, base_url: str | None = None, http: stripe.HTTPClient | None = None
    ) -> None:
        for name, level in QUIET.items():
            logging.getLogger(name).setLevel(level)
        self._http = http or Tracked(timeout=TIMEOUT)  # one session per thread
        self._stripe = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url} if base_url else {},
            http_client=self._http,
            max_network_retries=0,
        ).v1
        self._invoices = Invoices(self._stripe)
        self._payers = Payers(self._stripe)
        self._returns = Returns(self._stripe)
        self._taxes = Taxes(self._stripe)
        self._promotions = Promotions(self._stripe)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()  # type: ignore[no-untyped-call]

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
        """Create the payer; return Stripe's id (cus_…), the same for the same customer."""
        described = Described(email, name, address)
        with speaking():
            return self._payers.register(customer_id, described, key=checked_key(key), known=known)

    def prepare(self, charge: Charge, *, key: str) -> Prepared:
        """Create the invoice of a charge, finalised but unpaid; a repeat returns the same one.

        Raises `ProcessorRefusal` with reason `amount_not_positive`, `amount_too_small`,
        `amount_too_large`, `payer_balance_not_zero` (clear it at Stripe), `invoice_total_differs`,
        `charge_voided`, and where tax is asked for `tax_location_missing`, `tax_not_computed` or
        `price_changed` (the total is not what the buyer was shown).
        """
        if charge.amount_minor <= 0:
            message = f"a charge must be positive, not {charge.amount_minor}: give credit otherwise"
            raise ProcessorRefusal("amount_not_positive", message)
        most = maximum_charge_minor(charge.currency.upper())
        if charge.amount_minor > most:
            message = f"{charge.amount_minor} {charge.currency} is above Stripe's maximum, {most}"
            raise ProcessorRefusal("amount_too_large", message)
        with speaking():
            return self._invoices.prepare(charge, checked_key(key))

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
        with speaking():
            place = self._payers.place_with(payer, joining) if joining else None
            return self._taxes.preview(payer, currency, lines, terms, place=place)

    def promotion(self, code: str, payer: str) -> PromotionCode | None:
        """Return the promotion code of this spelling that a payer may redeem.

        None: there is none for it. Nothing is redeemed by asking.
        """
        with speaking():
            return self._promotions.named(code, payer)

    def pay(self, invoice: str, *, key: str) -> PaymentOutcome:
        """Attempt to collect an invoice off-session with the payer's default card.

        The result comes from reading the invoice: a 200 does not mean that it is paid.
        """
        with speaking():
            try:
                answer = take_effect_once(
                    checked_key(key),
                    lambda options: self._invoices.pay(invoice, options),
                    lambda: self._if_settled(invoice),
                )
            except stripe.CardError as error:
                # A replayed decline may predate a payment on the invoice's own page.
                seen = self._seen(invoice)
                state = state_of(seen)
                if isinstance(state, Unpaid | Declined):
                    return declined_by(error, seen.invoice)
                return state
            except stripe.InvalidRequestError:
                outcome = self._without_attempt(invoice)
                if outcome is None:
                    raise
                return outcome
            # An answer replayed under its key may be a day old, but nothing follows `paid`.
            done = entry(answer, "status") == "paid"
            state = state_of(self._invoices.seen(answer) if done else self._seen(invoice))
            return (
                Unclear("unclear", invoice, Remark.CANNOT_BE) if state.kind == "unpaid" else state
            )

    def read(self, invoice: str) -> PaymentState:
        """Read back what became of an invoice."""
        with speaking():
            return self._state(invoice)

    def void(self, invoice: str, *, key: str) -> PaymentState:
        """Void an invoice. If money has arrived or is on its way, return that state instead."""
        with speaking():
            try:
                take_effect_once(
                    checked_key(key),
                    lambda options: self._invoices.void(invoice, options),
                    lambda: self._if_settled(invoice),
                )
            except stripe.InvalidRequestError:
                state = self._state(invoice)
                if _waits(state):
                    raise
                return state
            return self._state(invoice)

    def refund(self, invoice: str, amount_minor: int, *, reason: str, key: str) -> str:
        """Refund by a credit note; return its id. `reason` is printed on it.

        Raises `ProcessorRefusal`, for example with reason `charge_disputed`.
        """
        with speaking():
            return self._returns.refund(invoice, amount_minor, reason, checked_key(key)).id

    def refunded(self, refund: str) -> MoneyBack | None:
        """Read a refund back, whoever made it; None if it concerns no invoice."""
        with speaking():
            return self._returns.refunded(refund)

    def disputed(self, dispute: str) -> MoneyBack | None:
        """Read a dispute back; None if it took no money or concerns no invoice."""
        with speaking():
            return self._returns.disputed(dispute)

    def card_link(
        self, payer: str, *, return_url: str, key: str, page: SavingPage = CARD_PAGE
    ) -> str:
        """Return a URL, valid for minutes, of Stripe's page to save a payment method.

        Where bank accounts are debited or an address is wanted, that is Checkout: Stripe's portal
        takes no accounts (https://docs.stripe.com/payments/ach-direct-debit), and of an address
        what the card needs.
        """
        with speaking():
            if page.takes_debits or page.asks_address:
                return self._payers.setup_link(payer, return_url, checked_key(key), page)
            return self._payers.card_link(payer, return_url, checked_key(key))

    def saved_by(self, setup: str) -> PaymentMethod | None:
        """Return what a person has saved by a setup intent (seti_…); None: not usable yet."""
        with speaking():
            return self._payers.saved_by(setup)

    def payment_method(self, method: str) -> PaymentMethod:
        """Read a card. Raises `ProcessorRefusal` (`resource_missing`)."""
        with speaking():
            return self._payers.method(method)

    def use_payment_method(
        self,
        payer: str,
        method: str,
        *,
        key: str,
        kinds: Collection[PaymentKind] = CARDS,
        currency: str = "",
    ) -> PaymentMethod:
        """Make a payment method the payer's default, attaching it if it belongs to nobody.

        Raises `ProcessorRefusal` with reason `payment_method_of_another_customer`, or
        `payment_method_not_accepted` where it is of no kind that is taken, or pays in another
        currency.
        """
        with speaking():
            return self._payers.use(payer, method, checked_key(key), kinds=kinds, currency=currency)

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

    def claims(self) -> tuple[Claim, ...]:
        """Return every paid invoice that carries our ids, however old, page by page."""
        with speaking():
            return self._invoices.claims()

    def claim(self, invoice: str) -> Claim | None:
        """Read one; None if nothing was paid for it or it carries no charge of ours."""
        with speaking():
            return self._invoices.claim(invoice)

    def is_kept(self, invoice: str) -> bool:
        """Return whether we still have a paid invoice's money: nothing refunded or disputed."""
        with speaking():
            return self._invoices.is_kept(invoice)

    def invoice(self, payer: str, invoice: str) -> InvoiceRecord:
        """Read one invoice of a payer. Raises `ProcessorRefusal` (`resource_missing`)."""
        with speaking():
            return self._invoices.of_payer(payer, invoice)

    def _seen(self, invoice: str) -> Seen:
        return self._invoices.seen(self._invoices.read(invoice))

    def _state(self, invoice: str) -> PaymentState:
        return state_of(self._seen(invoice))

    def _if_settled(self, invoice: str) -> stripe.Invoice | None:
        """Return the invoice if a failed request has taken effect nevertheless."""
        seen = self._seen(invoice)
        return None if _waits(state_of(seen)) else seen.invoice

    def _without_attempt(self, invoice: str) -> PaymentOutcome | None:
        """Return why no attempt was made: already settled, or no card to charge."""
        seen = self._seen(invoice)
        state = state_of(seen)
        if isinstance(state, Declined) and state.remark:
            return state
        if not isinstance(state, Unpaid | Declined):
            return state
        default = self._payers.default(identifier(entry(seen.invoice, "customer")))
        if default is None:
            return declined(seen.invoice, "no_payment_method", "", None)
        currency = seen.invoice.currency.upper()
        if (kinds := kinds_of(seen.invoice)) and not default.pays(kinds, currency):
            refused = declined(seen.invoice, "payment_method_not_accepted", "", None)
            return replace(refused, card=default.card)
        return None


def _waits(state: PaymentState) -> bool:
    """Return whether an invoice can still be paid or voided."""
    return isinstance(state, Unpaid | Declined | Sent)

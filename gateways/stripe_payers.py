"""Payers at Stripe and their cards."""

import hashlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, fields
from typing import Any

import stripe
from stripe.params.checkout import SessionCreateParams

from domain.payments.charges import PAYER_DELETED, PaymentMethod
from domain.payments.kinds import PaymentKind, SavingPage
from domain.payments.taxes import Address, Joining
from gateways.payments import ProcessorRefusal
from gateways.stripe_calls import take_effect_once
from gateways.stripe_reading import (
    entry,
    identifier,
    metadata_value,
    payment_method,
)

PAGE = 100
ADDRESS = tuple(field.name for field in fields(Address))  # Stripe's own names, too


@dataclass(frozen=True, slots=True)
class Described:
    """What Stripe shows of a payer, and taxes it by."""

    email: str
    name: str
    address: Address | None = None

    def told(self) -> dict[str, Any]:
        """Return it in Stripe's words."""
        place = {"address": self.address.told()} if self.address else {}
        return {"email": self.email, "name": self.name, **place}

    def words(self) -> str:
        """Return what tells one description from another."""
        place = sorted(self.address.told().items()) if self.address else ""
        return f"{self.email}\n{self.name}" + (f"\n{place}" if place else "")


class Payers:
    """Stripe's customers, payment methods and portal sessions. Raises Stripe's errors."""

    def __init__(self, client: stripe.V1Services) -> None:
        self._stripe = client

    def register(self, customer_id: str, described: Described, *, key: str, known: str) -> str:
        """Create a customer's payer, or find the one made before.

        The ledger's id comes first: Stripe lists payers by mail address, which changes, and its
        search lags behind. The list only finds a payer that a crash kept from the ledger.
        """

        def made() -> stripe.Customer | None:
            found = self._stripe.customers.list({"email": described.email, "limit": PAGE}).data
            mine = [
                c
                for c in found
                if metadata_value(entry(c, "metadata"), "customer_id") == customer_id
            ]
            return mine[-1] if mine else None  # the list is newest first

        found = self._living(known) or made()
        if found is not None:
            self._describe(found, described)
            return found.id
        # A changed address, or a payer deleted since, makes this a different request to Stripe.
        words = hashlib.sha256(f"{described.words()}\n{known}".encode()).hexdigest()[:16]
        key = f"{key}:{words}"
        new = self._create(customer_id, described, key=key, made=made)
        while self._living(new) is None:  # a replayed answer about a payer deleted since
            new = self._create(customer_id, described, key=f"{key}:{new}", made=made)
        return new

    def _create(
        self,
        customer_id: str,
        described: Described,
        *,
        key: str,
        made: Callable[[], stripe.Customer | None],
    ) -> str:
        wanted = {**described.told(), "metadata": {"customer_id": customer_id}}
        create: Any = self._stripe.customers.create
        return str(take_effect_once(key, lambda options: create(wanted, options), made).id)

    def _living(self, payer: str) -> stripe.Customer | None:
        """Return a payer that was not deleted."""
        if not payer:
            return None
        try:
            found = self._stripe.customers.retrieve(payer)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            return None
        return None if "deleted" in found else found

    def _describe(self, payer: stripe.Customer, described: Described) -> None:
        """Show the current address and name on invoices; no key, because they may change back.

        A billing address that Stripe has, from its own pages or from finance, is left as it is.
        """
        told = described.told()
        if entry(payer, "address"):
            told.pop("address", None)
        if all(entry(payer, name) == value for name, value in told.items()):
            return
        update: Any = self._stripe.customers.update
        # We send the mails ourselves: an address that Stripe rejects must not block payment.
        with suppress(stripe.InvalidRequestError):
            update(payer.id, told)

    def place_with(self, payer: str, joining: Joining) -> dict[str, str] | None:
        """Return the billing address that a payer will have once it has joined.

        None: the one that Stripe knows it by already, or none that is known.
        """
        found = self._living(payer)
        if found is not None and entry(found, "address"):
            return None
        if joining.address is not None:
            return joining.address.told()
        method = self._saved(joining.payment_method) if joining.payment_method else None
        said = entry(entry(method, "billing_details"), "address")
        parts = {name: entry(said, name) for name in ADDRESS}
        return {name: str(part) for name, part in parts.items() if part} or None

    def card_link(self, payer: str, return_url: str, key: str) -> str:
        """Open a portal session: https://docs.stripe.com/customer-management/portal-deep-links."""
        return take_effect_once(
            key,
            lambda options: self._stripe.billing_portal.sessions.create(
                {
                    "customer": payer,
                    "return_url": return_url,
                    "flow_data": {
                        "type": "payment_method_update",
                        "after_completion": {
                            "type": "redirect",
                            "redirect": {"return_url": return_url},
                        },
                    },
                },
                options,
            ),
            lambda: None,  # a second session does no harm
        ).url

    def setup_link(self, payer: str, return_url: str, key: str, page: SavingPage) -> str:
        """Open Checkout in setup mode: it shows the mandate and keeps that it was agreed to.

        The seller's settings at Stripe say which methods it offers in a currency; one that the
        plan does not take is refused when it is to be used. No setting there lets it ask for an
        address: https://docs.stripe.com/payments/collect-addresses.
        """
        wanted: SessionCreateParams = {
            "mode": "setup",
            "customer": payer,
            "currency": page.currency.lower(),
            "success_url": return_url,
            "cancel_url": return_url,
        }
        if page.asks_address:
            wanted["billing_address_collection"] = "required"
        session = take_effect_once(
            key,
            lambda options: self._stripe.checkout.sessions.create(wanted, options),
            lambda: None,  # a second session does no harm
        )
        return str(entry(session, "url") or "")

    def saved_by(self, setup: str) -> PaymentMethod | None:
        """Read what a setup intent saved; an account may have to be verified for days first."""
        found = self._stripe.setup_intents.retrieve(setup, {"expand": ["payment_method"]})
        method = entry(found, "payment_method")
        if entry(found, "status") != "succeeded" or not isinstance(method, stripe.PaymentMethod):
            return None
        return payment_method(method)

    def method(self, method: str) -> PaymentMethod:
        """Read a card."""
        return payment_method(self._stripe.payment_methods.retrieve(method))

    def methods(self, payer: str) -> tuple[PaymentMethod, ...]:
        """Return every card of a payer, the newest first."""
        found = self._stripe.customers.payment_methods.list(payer, {"limit": PAGE}).data
        return tuple(payment_method(one) for one in found)

    def use(
        self, payer: str, method: str, key: str, *, kinds: Collection[PaymentKind], currency: str
    ) -> PaymentMethod:
        """Make it the payer's default, if it can pay so; attach it if it is nobody's."""
        card = self._saved(method)
        owner = identifier(entry(card, "customer")) if card else ""
        if owner not in {"", payer}:
            message = f"{method} belongs to another payer: save a card of {payer}"
            raise ProcessorRefusal("payment_method_of_another_customer", message)
        _check(card, kinds, currency)
        if card is None or not owner:
            card = self._attach(payer, method, f"{key}:attach")
            _check(card, kinds, currency)  # Stripe's test methods are read only once attached
        take_effect_once(
            f"{key}:default",
            lambda options: self._stripe.customers.update(
                payer, {"invoice_settings": {"default_payment_method": card.id}}, options
            ),
            lambda: None,
        )
        return payment_method(card)

    def default(self, payer: str) -> PaymentMethod | None:
        """Return the payer's default card for invoices, if any."""
        customer = self._stripe.customers.retrieve(payer)
        if "deleted" in customer:
            message = f"{payer} was deleted at Stripe: register the customer again"
            raise ProcessorRefusal(PAYER_DELETED, message)
        settings = entry(customer, "invoice_settings")
        method = identifier(entry(settings, "default_payment_method"))
        return self.method(method) if method else None

    def _saved(self, method: str) -> stripe.PaymentMethod | None:
        """Read a card; Stripe's test cards (pm_card_visa) exist only once attached."""
        try:
            return self._stripe.payment_methods.retrieve(method)
        except stripe.InvalidRequestError as error:
            if error.code != "resource_missing":
                raise
            return None

    def _attach(self, payer: str, method: str, key: str) -> stripe.PaymentMethod:
        def attached() -> stripe.PaymentMethod | None:
            card = self._saved(method)
            return card if card and identifier(entry(card, "customer")) == payer else None

        return take_effect_once(
            key,
            lambda options: self._stripe.payment_methods.attach(
                method, {"customer": payer}, options
            ),
            attached,
        )


def _check(
    method: stripe.PaymentMethod | None, kinds: Collection[PaymentKind], currency: str
) -> None:
    if method is not None and not payment_method(method).pays(kinds, currency):
        message = (
            f"{method.id} is none of {', '.join(kinds)} {currency}: the plan takes nothing else"
        )
        raise ProcessorRefusal("payment_method_not_accepted", message)

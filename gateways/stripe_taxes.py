"""Taxes at Stripe: asked for with an invoice, previewed for a quote, read back line by line.

Stripe computes; we only read. An invoice whose tax is unknown is never finalised, and an answer
without tax where some was asked for is refused, never read as zero.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import stripe

from domain.payments.charges import Charge
from domain.payments.taxes import LOCATION_MISSING, NOT_COMPUTED, Taxed, TaxLine, TaxTerms
from gateways.payments import ProcessorRefusal
from gateways.stripe_reading import entry

RATES: list[str] = ["total_taxes.tax_rate_details.tax_rate"]
NO_LOCATION = "give the payer a billing address at Stripe: its tax cannot be computed without"


class Taxes:
    """What Stripe says about the tax of invoices. Raises Stripe's errors, `ProcessorRefusal`."""

    def __init__(self, client: stripe.V1Services) -> None:
        self._stripe = client

    def read(self, invoice: str) -> stripe.Invoice:
        """Return an invoice with the rates of its taxes."""
        return self._stripe.invoices.retrieve(invoice, {"expand": RATES})

    def preview(
        self,
        payer: str,
        currency: str,
        lines: Sequence[int],
        terms: TaxTerms,
        *,
        place: Mapping[str, str] | None = None,
    ) -> Taxed:
        """Return the tax on a price today; Stripe keeps nothing of it.

        `place` is a billing address that the payer will have; without a payer Stripe needs one.
        """
        if not (payer or place):
            raise ProcessorRefusal(LOCATION_MISSING, NO_LOCATION)
        whose: Any = {"customer": payer} if payer else {}
        if place:
            whose["customer_details"] = {"address": dict(place)}
        items: Any = [
            {
                "amount": amount_minor,
                "currency": currency.lower(),
                "description": "preview",
                **line_terms(terms),
            }
            for amount_minor in lines
        ]
        wanted: Any = {
            **whose,
            "currency": currency.lower(),
            "automatic_tax": {"enabled": True},
            "discounts": "",  # the payer's own: the invoice has none either
            "invoice_items": items,
            "expand": RATES,
        }
        said = self._stripe.invoices.create_preview(wanted)
        status = entry(entry(said, "automatic_tax"), "status")
        if status == "requires_location_inputs":
            raise ProcessorRefusal(LOCATION_MISSING, NO_LOCATION)
        taxed = taxed_by(said, terms)
        if taxed.total_of(sum(lines)) != said.total:
            raise ProcessorRefusal(NOT_COMPUTED, f"a preview totals {said.total}")
        return taxed


def line_terms(terms: TaxTerms | None) -> Any:
    """Return what an item of an invoice says about its tax."""
    if terms is None:
        return {}
    code = {"tax_code": terms.code} if terms.code else {}
    return {"tax_behavior": terms.behavior.value, **code}


def taxed_by(invoice: stripe.Invoice, terms: TaxTerms) -> Taxed:
    """Read the tax of an invoice that was asked for on these terms."""
    _require_computed(invoice)
    lines = tuple(_line(one) for one in entry(invoice, "total_taxes") or ())
    tax = invoice.total - (entry(invoice, "total_excluding_tax") or 0)
    if tax != sum(one.tax_minor for one in lines):
        raise ProcessorRefusal(NOT_COMPUTED, f"the taxes of {invoice.id} are not their sum, {tax}")
    return Taxed(terms.behavior, tax, lines)


def difference(charge: Charge, invoice: stripe.Invoice) -> str:
    """Return why an invoice does not demand the charge, or ""."""
    if charge.tax is None:
        return "" if invoice.total == charge.amount_minor else "invoice_total_differs"
    if not _is_computed(invoice):
        return NOT_COMPUTED
    net = entry(invoice, "total_excluding_tax") or 0
    taxed = Taxed(charge.tax.behavior, invoice.total - net)
    if taxed.total_of(charge.amount_minor) != invoice.total:
        return "invoice_total_differs"
    return "" if charge.expected_minor in (None, invoice.total) else "price_changed"


def _is_computed(invoice: stripe.Invoice) -> bool:
    automatic = entry(invoice, "automatic_tax")
    known = entry(invoice, "total_excluding_tax") is not None
    return bool(entry(automatic, "enabled")) and entry(automatic, "status") == "complete" and known


def _require_computed(invoice: stripe.Invoice) -> None:
    if not _is_computed(invoice):
        raise ProcessorRefusal(NOT_COMPUTED, f"Stripe computed no tax for {invoice.id}")


def _line(said: Any) -> TaxLine:
    rate = entry(entry(said, "tax_rate_details"), "tax_rate")
    place = [entry(rate, name) for name in ("country", "state")]
    percent = entry(rate, "effective_percentage")
    percent = entry(rate, "percentage") if percent is None else percent
    return TaxLine(
        name=str(entry(rate, "display_name") or "Tax"),
        place="-".join(str(one) for one in place if one),
        percent=_text(percent or 0),
        taxable_minor=entry(said, "taxable_amount") or 0,
        tax_minor=said.amount,
        reason=str(entry(said, "taxability_reason") or ""),
    )


def _text(percent: object) -> str:
    """Write a percentage as Stripe shows it: "20", "8.1"."""
    text = f"{Decimal(str(percent)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

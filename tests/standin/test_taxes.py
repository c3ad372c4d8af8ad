"""Taxes at the stand-in: by the customer's place, never guessed, in Stripe's shapes."""

import pytest
from stripe import InvalidRequestError

RATE = "total_taxes.tax_rate_details.tax_rate"


def lived_in(client, **address):
    return client.customers.create({"name": "Ann", **({"address": address} if address else {})}).id


def draft(client, customer, *amounts, behavior="exclusive", enabled=True):
    made = client.invoices.create(
        {"customer": customer, "currency": "usd", "automatic_tax": {"enabled": enabled}}
    )
    for amount in amounts:
        item = {"customer": customer, "invoice": made.id, "amount": amount, "currency": "usd"}
        client.invoice_items.create(item | ({"tax_behavior": behavior} if behavior else {}))
    return client.invoices.retrieve(made.id, {"expand": [RATE]})


def previewed(client, customer, amount, behavior="exclusive"):
    item = {"amount": amount, "currency": "usd", "tax_behavior": behavior}
    return client.invoices.create_preview(
        {
            "customer": customer,
            "currency": "usd",
            "automatic_tax": {"enabled": True},
            "discounts": "",
            "invoice_items": [item],
            "expand": [RATE],
        }
    )


@pytest.mark.parametrize(
    ("country", "amounts", "behavior", "tax", "total"),
    [
        ("GB", (900, 270), "exclusive", 234, 1404),
        ("CH", (10_000,), "exclusive", 810, 10_810),
        ("CH", (10_810,), "inclusive", 810, 10_810),
        ("GB", (1170,), "inclusive", 195, 1170),
        ("SG", (1170,), "exclusive", 0, 1170),
    ],
)
def test_tax_is_by_the_customers_place(client, country, amounts, behavior, tax, total):
    customer = lived_in(client, country=country)
    invoice = draft(client, customer, *amounts, behavior=behavior)
    assert (invoice.total, invoice.total_excluding_tax) == (total, total - tax)
    assert invoice.automatic_tax.status == "complete"
    (one,) = invoice.total_taxes
    assert (one.amount, one.tax_behavior, one.taxable_amount) == (tax, behavior, total - tax)
    assert one.tax_rate_details.tax_rate.country == country
    finalised = client.invoices.finalize_invoice(invoice.id, {"auto_advance": False})
    assert (finalised.total, finalised.amount_due) == (total, total)


def test_a_preview_says_what_the_invoice_will_and_keeps_nothing(client):
    customer = lived_in(client, country="GB")
    said = previewed(client, customer, 1170)
    assert (said.total, said.total_excluding_tax) == (1404, 1170)
    assert said.total_taxes[0].tax_rate_details.tax_rate.percentage == 20
    assert client.invoices.list({"customer": customer}).data == []


@pytest.mark.parametrize("address", [{}, {"country": "US"}, {"country": "CA"}])
def test_a_place_that_is_missing_is_said_and_nothing_is_finalised(client, address):
    customer = lived_in(client, **address)
    assert previewed(client, customer, 1170).automatic_tax.status == "requires_location_inputs"
    invoice = draft(client, customer, 1170)
    assert invoice.automatic_tax.status == "requires_location_inputs"
    with pytest.raises(InvalidRequestError) as refusal:
        client.invoices.finalize_invoice(invoice.id, {"auto_advance": False})
    assert refusal.value.code == "customer_tax_location_invalid"
    assert client.invoices.retrieve(invoice.id).status == "draft"
    client.customers.update(customer, {"address": {"country": "GB"}})  # the same draft goes on
    assert client.invoices.finalize_invoice(invoice.id, {"auto_advance": False}).total == 1404


@pytest.mark.parametrize(("amount", "behavior"), [(-100, "exclusive"), (100, None)])
def test_what_cannot_be_taxed_cannot_be_added(client, amount, behavior):
    with pytest.raises(InvalidRequestError, match="Automatic tax"):
        draft(client, lived_in(client, country="GB"), amount, behavior=behavior)


def test_an_invoice_that_is_not_to_be_taxed_bears_no_tax(client):
    invoice = draft(client, lived_in(client, country="GB"), 1170, behavior=None, enabled=False)
    assert (invoice.total, invoice.total_taxes, invoice.automatic_tax.status) == (1170, [], None)


def test_without_an_address_the_card_that_pays_says_the_place(client):
    customer = lived_in(client)
    card = client.payment_methods.create(
        {
            "type": "card",
            "card": {"token": "tok_visa"},
            "billing_details": {"address": {"country": "CH"}},
        }
    )
    client.payment_methods.attach(card.id, {"customer": customer})
    settings = {"invoice_settings": {"default_payment_method": card.id}}
    client.customers.update(customer, settings)
    assert previewed(client, customer, 10_000).total == 10_810

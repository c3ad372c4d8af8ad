"""Amounts at the stand-in: each currency's last digits, least charge and decimals, as published."""

import pytest
from stripe import InvalidRequestError

from local.stripe_standin.objects.amounts import money


def drafted(client, currency, amount):
    customer = client.customers.create({"name": "Ann"}).id
    made = client.invoices.create({"customer": customer, "currency": currency})
    item = {"customer": customer, "invoice": made.id, "amount": amount, "currency": currency}
    client.invoice_items.create(item)
    return made.id


@pytest.mark.parametrize(
    ("currency", "amount"), [("kwd", 5_124), ("bhd", 1_001), ("tnd", 9_999), ("isk", 550)]
)
def test_last_digits_that_cannot_be_charged_are_refused(client, currency, amount):
    with pytest.raises(InvalidRequestError) as refusal:
        drafted(client, currency, amount)
    assert refusal.value.param == "amount"


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("kwd", 5_120), ("jpy", 323), ("usd", 51), ("isk", 500), ("huf", 17_501)],
)
def test_other_amounts_are_taken(client, currency, amount):
    invoice = client.invoices.finalize_invoice(
        drafted(client, currency, amount), {"auto_advance": False}
    )
    assert (invoice.status, invoice.amount_due) == ("open", amount)


@pytest.mark.parametrize(("currency", "amount"), [("kwd", 150), ("jpy", 49), ("huf", 17_400)])
def test_what_is_below_the_least_charge_is_paid_by_nobody(client, currency, amount):
    invoice = client.invoices.finalize_invoice(
        drafted(client, currency, amount), {"auto_advance": False}
    )
    assert (invoice.status, invoice.amount_due, invoice.ending_balance) == ("paid", 0, amount)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(323, "jpy", "JPY 323"), (18_600, "kwd", "KWD 18.600"), (-5, "usd", "-USD 0.05")],
)
def test_pages_show_each_currencys_decimals(amount, currency, text):
    assert money(amount, currency) == text

"""What the engine relies on of payers and cards, on the stand-in and on Stripe's test mode."""

import pytest

from domain.payments.kinds import SavingPage
from gateways.payments import ProcessorRefusal


def test_registering_a_customer_again_gives_the_same_payer(anywhere):
    name = anywhere.name("customer")
    who = {"email": f"{name}@example.com", "name": "Ann"}
    first = anywhere.payments.register(name, **who, key=name)
    assert anywhere.payments.register(name, **who, key=name) == first
    assert anywhere.payments.register(name, **who, key=f"{name}:other") == first


def test_the_default_card_is_the_one_last_chosen(anywhere):
    payer = anywhere.payer(None)
    assert anywhere.payments.default_payment_method(payer) is None
    anywhere.card(payer, "pm_card_visa")
    second = anywhere.card(payer, "pm_card_mastercard")
    default = anywhere.payments.default_payment_method(payer)
    assert default == anywhere.payments.payment_method(second)
    assert (default.payer, default.card) == (payer, "Mastercard ···4444")


def test_a_card_of_another_customer_is_refused(anywhere):
    theirs = anywhere.payer()
    card = anywhere.payments.default_payment_method(theirs).method
    mine = anywhere.payer("pm_card_mastercard")
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.payments.use_payment_method(mine, card, key=anywhere.name("use"))
    assert refusal.value.reason == "payment_method_of_another_customer"
    assert anywhere.payments.default_payment_method(mine).card == "Mastercard ···4444"


def test_where_debits_are_taken_the_page_is_one_that_shows_their_mandate(anywhere):
    payer = anywhere.payer(None)
    back = "https://acme.example/back"
    cards = anywhere.payments.card_link(payer, return_url=back, key=anywhere.name("link"))
    link = anywhere.payments.card_link(
        payer, return_url=back, key=anywhere.name("link"), page=SavingPage("USD", takes_debits=True)
    )
    assert "checkout" in link
    assert "checkout" not in cards


def test_where_tax_is_due_the_page_asks_for_the_address(anywhere):
    payer, back = anywhere.payer(None), "https://acme.example/back"
    page = SavingPage("USD", asks_address=True)
    link = anywhere.payments.card_link(payer, return_url=back, key=anywhere.name("link"), page=page)
    name = next(part for part in link.split("/") if part.startswith("cs_")).partition("#")[0]
    session = anywhere.client.checkout.sessions.retrieve(name)
    assert session.billing_address_collection == "required"


def test_a_card_of_nobody_is_attached(anywhere):
    payer = anywhere.payer(None)
    card = anywhere.client.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    key = anywhere.name("use")
    for _ in range(2):
        used = anywhere.payments.use_payment_method(payer, card.id, key=key)
        assert (used.method, used.payer) == (card.id, payer)
    assert anywhere.payments.default_payment_method(payer) == used


def test_a_payer_deleted_at_the_processor_is_a_refusal(anywhere):
    payer = anywhere.payer()
    anywhere.client.customers.delete(payer)
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.payments.default_payment_method(payer)
    assert refusal.value.reason == "payer_deleted"


def test_the_card_link_leads_to_a_page_of_the_processor(anywhere):
    payer = anywhere.payer()
    link = anywhere.payments.card_link(
        payer, return_url="https://example.com/done", key=anywhere.name("link")
    )
    assert link.startswith("http")


def test_a_payers_invoices_are_listed_with_their_pages_and_no_others(anywhere):
    payer, stranger = anywhere.payer(), anywhere.payer()
    paid, unpaid = anywhere.prepared(payer, 900), anywhere.prepared(payer, 300)
    other = anywhere.prepared(stranger, 500)
    anywhere.payments.pay(paid, key=anywhere.name("pay"))

    found = anywhere.payments.invoices(payer)

    assert [(one.invoice, one.status, one.amount_minor, one.currency) for one in found] == [
        (unpaid, "open", 300, "USD"),
        (paid, "paid", 900, "USD"),
    ]
    assert all(one.pdf_url.startswith("http") and one.number for one in found)
    assert anywhere.payments.invoice(payer, paid) == found[1]
    with pytest.raises(ProcessorRefusal) as refusal:
        anywhere.payments.invoice(payer, other)
    assert refusal.value.reason == "resource_missing"


def test_all_cards_of_a_payer_are_listed(anywhere):
    payer = anywhere.payer()
    second = anywhere.card(payer, "pm_card_mastercard")

    found = anywhere.payments.payment_methods(payer)

    assert [one.card for one in found] == ["Mastercard ···4444", "Visa ···4242"]
    assert found[0].method == second
    assert anywhere.payments.default_payment_method(payer) == found[0]

"""The pages where a person saves a card or pays an invoice."""

import urllib.error
import urllib.parse
import urllib.request

import pytest
import stripe


def page(url, card=None):
    body = None if card is None else urllib.parse.urlencode({"card": card}).encode()
    opener = urllib.request.build_opener(_Stay())
    try:
        with opener.open(url, body) as answer:
            return answer.status, answer.read().decode("latin-1"), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("latin-1"), error.headers


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def default(client, payer):
    return client.customers.retrieve(payer).invoice_settings.default_payment_method


def portal(client, payer):
    flow = {"type": "payment_method_update"}
    flow["after_completion"] = {
        "type": "redirect",
        "redirect": {"return_url": "http://example.com/done"},
    }
    return client.billing_portal.sessions.create({"customer": payer, "flow_data": flow}).url


def checkout(client, payer):
    params = {"customer": payer, "mode": "setup", "currency": "usd"}
    params["success_url"] = "http://example.com/ok?s={CHECKOUT_SESSION_ID}"
    return client.checkout.sessions.create(params)


def test_every_page_says_that_it_is_a_stand_in(client, desk):
    payer = desk.payer()
    invoice = client.invoices.retrieve(desk.invoice(payer))
    urls = [portal(client, payer), checkout(client, payer).url, invoice.hosted_invoice_url]
    for url in (*urls, invoice.invoice_pdf):
        status, text, _ = page(url)
        assert status == 200
        assert "STAND-IN, not Stripe" in text


def test_the_portal_makes_the_chosen_card_the_default(client, desk):
    payer = desk.payer("pm_card_chargeCustomerFail")
    old = default(client, payer)
    status, _, headers = page(portal(client, payer), "pm_card_visa")
    assert (status, headers["Location"]) == (303, "http://example.com/done")
    assert default(client, payer) != old
    assert client.payment_methods.retrieve(default(client, payer)).card.last4 == "4242"


def test_checkout_saves_the_card_and_leaves_the_default(client, desk):
    payer = desk.payer()
    session, old = checkout(client, payer), default(client, payer)
    status, _, headers = page(session.url, "pm_card_mastercard")
    assert (status, headers["Location"]) == (303, f"http://example.com/ok?s={session.id}")
    assert default(client, payer) == old
    done = client.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (done.status, done.setup_intent.status) == ("complete", "succeeded")
    saved = client.payment_methods.retrieve(done.setup_intent.payment_method)
    assert (saved.customer, saved.card.last4) == (payer, "4444")
    assert "used before" in page(session.url, "pm_card_visa")[1]


@pytest.mark.parametrize("open_page", [portal, lambda c, p: checkout(c, p).url])
def test_a_card_that_the_bank_refuses_is_not_saved(client, desk, open_page):
    payer = desk.payer()
    old = default(client, payer)
    status, text, _ = page(open_page(client, payer), "pm_card_visa_chargeDeclined")
    assert status == 402
    assert "declined" in text
    assert default(client, payer) == old


def test_an_invoice_can_be_paid_on_its_page_with_the_holder_present(standin, client, desk):
    payer = desk.payer("pm_card_chargeCustomerFail")
    invoice = desk.invoice(payer)
    with pytest.raises(stripe.CardError):
        client.invoices.pay(invoice)
    url = client.invoices.retrieve(invoice).hosted_invoice_url
    assert page(url, "pm_card_chargeCustomerFail")[0] == 402
    assert page(url, "pm_card_authenticationRequired")[0] == 200
    assert client.invoices.retrieve(invoice).status == "paid"
    assert page(url, "pm_card_visa")[0] == 400
    assert standin.get("/_ledger")["customers"][payer]["paid_total"] == {"usd": 1170}


@pytest.mark.parametrize("path", ["/", "/portal/bps_1", "/invoice/in_1", "/invoice", "/checkout/x"])
def test_an_unknown_page_is_not_found(standin, path):
    assert page(standin.base_url + path)[0] == 404


def test_what_a_customer_calls_himself_is_only_text(client):
    customer = client.customers.create({"name": "<script>alert(1)</script>"})
    assert "<script>" not in page(portal(client, customer.id))[1]

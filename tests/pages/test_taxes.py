"""Tax on the pages: net, rate, tax and total before the click; where it is unknown, no zero."""

import pytest

from api.pages.customer.paying.charging import WHY
from domain.mails.facts import Reason
from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered
from tests.payer import card_in

PAGE, CONFIRM = "/console/buy", "/console/buy/confirm"
THOUSAND = f"{PAGE}?credits=1000"


@pytest.fixture
async def british(fleet, link, web):
    acme = await fleet.subscribe("core_10k", catalog="make_europe", card=card_in(fleet, "GB"))
    await web.get(await link(acme.name))
    return acme


async def test_an_order_shows_net_tax_and_total_and_costs_that(british, web):
    shown = (await web.get(THOUSAND)).text
    for words in ("<dt>Net</dt><dd>$0.90</dd>", "<dt>VAT 20 % (GB)</dt><dd>$0.18</dd>"):
        assert words in shown
    assert "Pay $1.08" in shown
    bought = await sent(web, THOUSAND, CONFIRM)
    assert bought.status_code == 303
    assert "Paid: $1.08" in (await web.get(bought.headers["location"])).text
    assert british.paid() == [1_080, 108]
    listed = (await web.get("/console/payment")).text
    assert "$1.08" in listed


async def test_what_a_plan_offers_is_told_with_its_tax(british, web):
    shown = (await web.get("/console/plan")).text
    for words in ("More at $0.90 plus tax for", "a month plus tax"):
        assert words in shown


async def test_a_tax_that_changed_meanwhile_is_shown_again_and_not_charged(british, web):
    fields = forms_of(await web.get(THOUSAND), CONFIRM)[0]
    payer = british.processor()["payer"]
    british.ask_processor(f"customers/{payer}", {"address[country]": "CH"})
    answer = await web.post(CONFIRM, data=fields)
    assert "The price has changed" in answer.text
    assert "Pay $0.97" in answer.text
    assert british.paid() == [1_080]


async def test_a_tax_that_is_unknown_is_said_and_nothing_can_be_clicked(british, web):
    await british.update_card()  # one that says no place
    for address in (THOUSAND, "/console/plan?plan=core_40k", "/console/auto_purchase"):
        shown = (await web.get(address)).text
        assert "billing address" in shown, address
        assert "<dt>Tax</dt><dd>$0.00</dd>" not in shown
        assert "<button>Pay" not in shown
    for address in (THOUSAND, "/console/plan?plan=core_40k"):
        assert 'href="/console/payment">Payment methods<' in (await web.get(address)).text, address
    assert british.paid() == [1_080]


async def test_the_switch_shows_what_each_purchase_comes_to(british, web):
    shown = (await web.get("/console/auto_purchase")).text
    assert '<dt class="total">Total of each purchase</dt><dd class="total">$14.04</dd>' in shown
    assert "<dt>VAT 20 % (GB)</dt><dd>$2.34</dd>" in shown
    answer = await sent(web, "/console/auto_purchase", "/console/auto_purchase/switch")
    assert answer.status_code == 303


async def test_a_missing_address_is_told_with_its_cure_and_blames_no_card(fleet, link, web):
    acme = await fleet.subscribe("core_10k", catalog="make_europe", card="pm_card_visa")
    await web.get(await link(acme.name))
    shown = await web.get("/console/payment")
    assert shown.status_code == 200
    for told in ("Your billing address is missing", "$9.00 plus tax", "No address"):
        assert told in shown.text, told
    for told in ("declined", "Declined", "bank", "another card may work"):
        assert told not in shown.text.replace("bank account", ""), told


async def test_what_was_never_put_to_a_bank_is_not_called_declined(british, web):
    other = {"key": "other", "credits": "1000", "expected_minor": 90}
    assert (await british.life.ask("buy_credits", other))["reason"] == "price_changed"
    await british.update_card()  # one that says no place
    lost = await british.buy("1000", "lost")
    listed = (await web.get("/console/payment")).text
    for told in ("Not charged", "another amount than was shown", "No address", "is missing"):
        assert told in listed, told
    assert "eclined" not in listed
    named = (await web.get(f"/console/buy?charge={lost['charge_id']}")).text
    assert "The billing address is missing" in named


async def test_a_retry_for_want_of_an_address_is_not_shown_as_untaxed(fleet, web):
    acme = await fleet.subscribe("core_10k", catalog="make_europe", card="pm_card_visa")
    await entered(fleet, web)
    page, asked = f"/operator/act?id={acme.name}", "/operator/act/preview_retry"
    shown = (await sent(web, page, asked, reason="r")).text
    assert "$9.00, its tax is not known" in shown
    assert "$9.00, and tax" in shown


def test_each_reason_why_a_payment_failed_has_words():
    assert set(WHY) == set(Reason)


async def test_each_purchase_costs_what_the_switch_showed_to_the_cent(fleet, link, web):
    swiss = await fleet.subscribe("core_40k", catalog="make_europe", card=card_in(fleet, "CH"))
    await web.get(await link(swiss.name))
    shown = (await web.get("/console/auto_purchase")).text
    assert "<dt>VAT 8.1 % (CH)</dt><dd>$0.77</dd>" in shown  # of both lines: 0.76 is of their sum
    assert '<dd class="total">$10.20</dd>' in shown
    await sent(web, "/console/auto_purchase", "/console/auto_purchase/switch")
    await swiss.report(["40000", "1"])
    assert swiss.paid() == [3_135, 1_020]


async def test_a_change_of_plan_shows_its_tax(british, web):
    shown = (await web.get("/console/plan?plan=core_40k")).text
    assert "<dt>VAT 20 % (GB)</dt>" in shown
    assert "$29.00 a month plus tax" in shown
    assert "<b>$9.00</b> <small>a month plus tax</small>" in shown
    assert "<b>$12.00</b> <small>a month</small>" in shown  # tax is a part of it
    fields = forms_of(await web.get("/console/plan?plan=core_40k"), "/console/plan/change")[0]
    await web.post("/console/plan/change", data=fields)
    assert british.paid() == [1_080, int(fields["amount_minor"])]


@pytest.mark.long
async def test_a_tax_that_the_processor_does_not_tell_is_said_to_be_unknown(british, web):
    british.fault("drop", path="/v1/invoices/create_preview", count=1_000)
    shown = await web.get("/console/plan?plan=core_40k")
    british.fleet.standin.behave()
    assert (shown.status_code, "not known just now" in shown.text) == (200, True)
    assert british.paid() == [1_080]

"""Invoices: their files, and copies to finance."""

from datetime import UTC, datetime

import pytest

from domain.access.operators import OperatorRole
from tests.pages.forms import forms_of, sent
from tests.pages.operators import entered

PAGE = "/console/invoices"
MAIL, FINANCE = f"{PAGE}/mail", f"{PAGE}/finance"


@pytest.fixture
async def ann(fleet, web):
    """An operator of support who has signed in."""
    return await entered(fleet, web, OperatorRole.SUPPORT)


async def test_a_copy_goes_to_finance_once(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    assert acme.invoice_of("paid") in (await web.get(PAGE)).text
    done = await sent(web, PAGE, FINANCE, email="finance@acme.example")
    assert done.status_code == 303
    shown = await web.get(PAGE)
    assert 'value="finance@acme.example"' in shown.text

    fields = forms_of(shown, MAIL)[0]
    for _ in range(2):  # a double click
        mailed = await web.post(MAIL, data=fields)
        assert mailed.status_code == 303
    assert "on its way to finance@acme.example" in (await web.get(mailed.headers["location"])).text
    assert acme.mails().count("invoice_copy") == 1
    assert (await sent(web, PAGE, FINANCE, email="")).status_code == 303
    assert "finance@acme.example" not in (await web.get(PAGE)).text


async def test_a_wrong_address_is_shown_again_with_why(fleet, link, web):
    acme = await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    wrong = '"><script>alert(1)</script>@x'
    answer = await sent(web, PAGE, FINANCE, email=wrong)
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


async def test_an_invoice_of_somebody_else_is_not_found(fleet, link, web):
    acme, other = await fleet.subscribe("core_10k"), await fleet.subscribe("core_10k")
    await web.get(await link(acme.name))
    mine, theirs = acme.invoice_of("paid"), other.invoice_of("paid")
    own = await web.get(f"{PAGE}/pdf?invoice={mine}")
    assert own.headers["location"].startswith(fleet.standin.base_url)
    assert theirs not in (await web.get(PAGE)).text
    for named in (theirs, "in_none", "..", ""):
        answer = await web.get(f"{PAGE}/pdf?invoice={named}")
        assert answer.status_code == 404, named
        assert "location" not in answer.headers
    assert (await sent(web, PAGE, MAIL, invoice=theirs)).status_code == 404
    assert "invoice_copy" not in acme.mails() + other.mails()


async def test_an_invoice_that_is_sent_says_its_day_and_where_to_pay_it(fleet, link, web):
    firm = await fleet.subscribe("enterprise_yearly", catalog="salestools", card=None)
    invoice = firm.invoice_of("processing")
    await web.get(await link(firm.name))

    shown = (await web.get("/console/credits")).text
    assert "$6,469.20 due January 31, 2027" in shown
    assert "as soon as the transfer for its invoice arrives" in shown
    assert "on its way" not in shown
    shown = (await web.get(PAGE)).text
    assert "Due</span><br><small>by January 31, 2027" in shown
    paid_at = await web.get(f"{PAGE}/page?invoice={invoice}")
    assert paid_at.headers["location"] == f"{fleet.standin.base_url}/invoice/{invoice}"
    assert ">Due</span>" in (await web.get("/console/payment")).text

    firm.transfers(invoice, 646920)
    await firm.life.signal("invoice_paid", {"invoice": invoice})
    await firm.life.settle()
    shown = (await web.get(PAGE)).text
    assert ">Paid</span>" in shown
    assert "by January 31" not in shown
    assert "due January" not in (await web.get("/console/credits")).text


@pytest.mark.long
async def test_an_overdue_invoice_is_no_declined_card(fleet, link, web):
    firm = await fleet.subscribe("enterprise_yearly", catalog="salestools")
    firm.transfers(firm.invoice_of("processing"), 646920)
    await firm.life.signal("invoice_paid", {"invoice": firm.invoice_of("processing")})
    await firm.pass_until(datetime(2028, 2, 1, tzinfo=UTC))
    await web.get(await link(firm.name))

    shown = (await web.get("/console/credits")).text
    assert "An invoice is overdue" in shown
    assert "See the invoice" in shown
    shown = (await web.get("/console/payment")).text
    assert "declined" not in shown.lower()
    assert "Trying" not in shown


async def test_operators_see_what_is_invoiced_and_what_came_of_it(fleet, web, ann):
    firm = await fleet.subscribe("enterprise_yearly", catalog="salestools", card=None)
    invoice = firm.invoice_of("processing")
    firm.transfers(invoice, 400000)
    await firm.life.signal("invoice_paid", {"invoice": invoice})
    await firm.life.settle()
    shown = (await web.get("/operator/customer", params={"id": firm.name})).text
    assert "invoiced, due January 31, 2027; $4,000.00 came" in shown


@pytest.mark.long
async def test_nobody_is_asked_for_a_card_where_a_transfer_is_missing(fleet, link, web, ann):
    house = await fleet.subscribe("house", catalog="trusted_debits", card=None)
    await house.pass_until(datetime(2027, 2, 15, tzinfo=UTC))
    assert (await house.life.status())["status"] == "paused"
    page = f"/operator/act?id={house.name}"
    refused = await sent(web, page, "/operator/act/preview_retry", reason="r")
    assert refused.status_code == 409
    assert "no card pays it" in refused.text

    await web.get(await link(house.name))
    shown = (await web.get("/console/payment")).text
    for told in ("An invoice was not paid", "$4,800.00", "It is paid by transfer"):
        assert told in shown
    assert "Nothing is due" not in shown
    assert "Try $" not in shown

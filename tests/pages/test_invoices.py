"""Invoices: their files, and copies to finance."""

from tests.pages.forms import forms_of, sent

PAGE = "/console/invoices"
MAIL, FINANCE = f"{PAGE}/mail", f"{PAGE}/finance"


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

"""Cards, auto-purchase and invoices in the browser."""

from io import BytesIO
from urllib.parse import urljoin

from playwright.async_api import Page
from pypdf import PdfReader

from tests.pages.browser.conftest import looked_at


async def test_switched_on_it_buys_when_credits_run_out_without_reload(fleet, link, page, post):
    acme = await fleet.subscribe("core_10k")
    await page.goto(await link(acme.name, page="auto_purchase"))
    await page.get_by_text("$11.70").first.wait_for()
    await looked_at(page, "auto-off")
    await page.get_by_role("button", name="Switch on").click()
    await page.get_by_role("button", name="Switch off").wait_for()
    await looked_at(page, "auto-on")
    await page.get_by_role("link", name="Credits", exact=True).click()
    await page.get_by_text("10,000 can be used now").wait_for()

    event = await acme.event("10001")
    used = await post("/usage", {**event, "customer_id": acme.name})
    assert used.status_code in (200, 202), used.text
    await page.get_by_text("9,999 can be used now").wait_for()
    assert acme.charges()[1:] == [("auto_purchase", "paid", 1170)]
    await page.get_by_role("link", name="Auto-purchase").click()
    await page.get_by_text("All of it has been bought").wait_for()
    await looked_at(page, "auto-bought")


async def test_declined_then_another_card_then_running(fleet, link, page, told):
    acme = await fleet.subscribe("core_10k", auto=True)
    await page.goto(await link(acme.name))
    await acme.update_card("tok_chargeCustomerFail")
    await acme.use("10001")
    await page.get_by_text("Paused: a payment failed").wait_for()  # without reload
    await looked_at(page, "declined-banner")
    await page.get_by_role("link", name="Update the payment method").click()
    await page.get_by_text("A payment was declined", exact=True).wait_for()
    await looked_at(page, "payment-declined")

    await page.get_by_role("button", name="Try $11.70 again now").click()
    await page.get_by_text("Declined again").wait_for()
    await page.get_by_role("link", name="Pay with another card").click()
    await page.get_by_role("button", name="Mastercard").click()
    await page.get_by_text("All is paid").wait_for()
    assert acme.charges()[1:] == [("auto_purchase", "paid", 1170)]
    assert await page.get_by_text("paused").count() == 0
    await page.get_by_text("Mastercard").first.wait_for()
    await looked_at(page, "payment-paid")


async def test_an_invoice_is_opened_read_and_mailed(fleet, link, page):
    acme = await fleet.subscribe("core_10k")
    await acme.buy("3000")
    await page.goto(await link(acme.name, page="invoices"))
    await looked_at(page, "invoices")
    await page.get_by_label("Address of finance").fill("finance@acme.example")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("Copies go to finance@acme.example").wait_for()
    await page.get_by_role("button", name="Mail the invoice").first.click()
    await page.get_by_text("on its way to finance@acme.example").wait_for()
    assert acme.mails().count("invoice_copy") == 1
    await looked_at(page, "invoices-mailed")

    read = await _document(page, "$2.70")
    assert "3,000 extra credits" in read
    assert "USD 2.70" in read


async def _document(page: Page, amount: str) -> str:
    """Return the text of the PDF that a person gets by its link."""
    link = page.get_by_role("link", name=f", {amount}")
    address = await link.get_attribute("href")
    assert address is not None
    answer = await page.request.get(urljoin(page.url, address))
    assert answer.headers["content-type"] == "application/pdf"
    reader = PdfReader(BytesIO(await answer.body()))
    return "\n".join(one.extract_text() for one in reader.pages)

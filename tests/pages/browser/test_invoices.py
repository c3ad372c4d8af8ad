"""A plan paid by transfer, in the browser: nothing says that a card is charged."""

from tests.pages.browser.conftest import looked_at


async def test_an_upgrade_by_invoice_is_sent_paid_and_shown_as_such(fleet, link, page):
    firm = await fleet.subscribe("business_yearly", catalog="salestools")
    await page.goto(await link(firm.name, page="plan"))
    wanted = "Enterprise, billed yearly"
    await page.get_by_role("link", name=f"See what {wanted} would cost").click()
    await page.get_by_text("by transfer, within 30 days").wait_for()
    assert "Charged to" not in await page.content()
    await looked_at(page, "plan-by-invoice")
    await page.get_by_role("button", name="Send me the invoice for $4,320.00").click()
    await page.get_by_text("Invoice sent: $4,320.00, due January 31, 2027").wait_for()
    await looked_at(page, "plan-invoiced")
    await page.get_by_role("link", name="See the invoice").click()
    await page.get_by_text("by January 31, 2027").wait_for()
    await looked_at(page, "invoices-due")

    invoice = firm.invoice_of("processing")
    firm.transfers(invoice, 432000)
    await firm.life.signal("invoice_paid", {"invoice": invoice})
    await firm.life.settle()
    await page.get_by_text("by January 31, 2027").wait_for(state="detached")
    await page.goto(page.url.replace("invoices", "plan"))
    await page.get_by_text(f"{wanted} · active").wait_for()


async def test_a_first_invoice_is_waited_for_on_every_page(fleet, link, page):
    firm = await fleet.subscribe("enterprise_yearly", catalog="salestools", card=None)
    await page.goto(await link(firm.name))
    await page.get_by_text("$6,469.20 due January 31, 2027").wait_for()
    await page.get_by_text("Your plan begins as soon as the transfer").wait_for()
    await looked_at(page, "credits-invoiced")
    await page.get_by_role("link", name="See the invoice").first.click()
    async with page.expect_navigation():
        await page.get_by_role("link", name="How to pay the invoice").click()
    assert firm.invoice_of("processing") in page.url

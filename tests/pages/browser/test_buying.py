"""Credits bought in the browser: the price before the click is the charge and the receipt."""

from tests.pages.browser.conftest import looked_at
from tests.payer import card_in


async def test_plus_and_minus_show_a_price_that_is_then_charged(fleet, link, page):
    acme = await fleet.subscribe("core_10k")
    await page.goto(await link(acme.name))
    await looked_at(page, "credits")
    await page.get_by_role("link", name="Buy more").click()
    await page.get_by_role("button", name="1,000 more").click()
    await page.get_by_text("Your order").wait_for()
    await page.get_by_role("button", name="1,000 more").click()
    await page.get_by_role("button", name="Pay $2.70").wait_for()
    await page.get_by_role("button", name="1,000 fewer").click()
    await page.get_by_role("button", name="Pay $1.80").wait_for()
    await looked_at(page, "buy")
    await page.get_by_role("button", name="Pay $1.80").click()
    await page.get_by_text("Paid: $1.80").wait_for()
    await looked_at(page, "bought")
    assert acme.charges()[1:] == [("manual_purchase", "paid", 180)]
    await page.get_by_role("link", name="See your credits").click()
    await page.get_by_text("12,000").wait_for()


async def test_the_keyboard_alone_suffices_for_buying(fleet, link, page):
    acme = await fleet.subscribe("core_10k")
    await page.goto(await link(acme.name, page="buy"))

    async def focused() -> str:
        return str(await page.evaluate("document.activeElement.textContent.trim()"))

    async def tab_to(name: str) -> None:
        for _ in range(60):
            await page.keyboard.press("Tab")
            if await focused() == name:
                return
        raise AssertionError(f"the keyboard never comes to {name!r}")

    await tab_to("Show the price")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    await tab_to("Pay $0.90")
    await page.keyboard.press("Enter")
    await page.get_by_text("Paid: $0.90").wait_for()
    assert acme.charges()[1:] == [("manual_purchase", "paid", 90)]


async def test_a_pack_that_the_bank_wants_confirmed(fleet, link, page, told):
    initech = await fleet.subscribe("enterprise", catalog="schematic")
    await initech.update_card("tok_authenticationRequired")
    await page.goto(await link(initech.name, page="buy"))
    await page.get_by_role("radio").first.check()
    await page.get_by_text("Your order").wait_for()
    total = await page.locator("dd.total").inner_text()
    await page.get_by_role("button", name=f"Pay {total}").click()
    await page.get_by_text(f"Your bank wants you to confirm {total}").wait_for()
    await looked_at(page, "buy-confirm")

    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Confirm with your bank").click()
    bank = await opened.value
    await bank.get_by_role("button", name="3184").click()
    await bank.get_by_text("Thank you, it is paid.").wait_for()
    await page.get_by_text(f"Paid: {total}").wait_for()  # without reload
    await looked_at(page, "buy-confirmed")
    assert initech.charges()[1:] == [("pack", "paid", initech.paid()[1])]


async def test_money_on_its_way_arrives_without_reload(fleet, link, page, told):
    acme = await fleet.subscribe("core_10k")
    acme.fault("later")
    await page.goto(await link(acme.name, page="buy"))
    await page.get_by_role("button", name="Show the price").click()
    await page.get_by_role("button", name="Pay $0.90").click()
    await page.get_by_text("The money is on its way: $0.90").wait_for()
    await looked_at(page, "buy-processing")
    acme.settle_later(acme.invoice_of("processing"))
    await page.get_by_text("Paid: $0.90").wait_for()
    acme.fault("decline", code="insufficient_funds")
    await page.get_by_role("button", name="Show the price").click()
    await page.get_by_role("button", name="Pay $0.90").click()
    await page.get_by_text("There was not enough money available").wait_for()
    await looked_at(page, "buy-declined")


async def test_tax_is_shown_before_the_click_and_where_it_is_unknown_nothing_can_be_paid(
    fleet, link, page
):
    acme = await fleet.subscribe("core_10k", catalog="make_europe", card=card_in(fleet, "GB"))
    await page.goto(await link(acme.name, page="auto_purchase"))
    await page.get_by_text("$14.04").first.wait_for()
    await looked_at(page, "auto-purchase-with-tax")
    await page.goto(await link(acme.name, page="buy"))
    await page.get_by_role("button", name="Show the price").click()
    await page.get_by_text("VAT 20 % (GB)").wait_for()
    await looked_at(page, "buy-with-tax")
    await page.get_by_role("button", name="Pay $1.08").click()
    await page.get_by_text("Paid: $1.08").wait_for()
    assert acme.paid() == [1_080, 108]

    await acme.update_card()  # one that says no place
    await page.goto(await link(acme.name, page="buy"))
    await page.get_by_role("button", name="Show the price").click()
    await page.get_by_text("billing address").first.wait_for()
    await looked_at(page, "buy-without-a-place")
    assert await page.get_by_role("button", name="Pay $").count() == 0
    assert acme.paid() == [1_080, 108]


async def test_a_pack_is_ordered_by_invoice(fleet, link, page):
    firm = await fleet.subscribe("enterprise_yearly", catalog="salestools", card=None)
    year = firm.invoice_of("processing")
    firm.transfers(year, 646920)
    await firm.life.signal("invoice_paid", {"invoice": year})
    await firm.life.settle()
    await page.goto(await link(firm.name, page="buy"))
    await page.get_by_role("radio").first.check()
    await page.get_by_text("by transfer, within 30 days").wait_for()
    await looked_at(page, "buy-by-invoice")
    await page.get_by_role("button", name="Send me the invoice for $175.00").click()
    await page.get_by_text("Invoice sent: $175.00").wait_for()
    await looked_at(page, "ordered-by-invoice")
    (pack,) = firm.open_invoices()
    firm.transfers(pack, 17500)
    await firm.life.signal("invoice_paid", {"invoice": pack})
    await page.get_by_text("Paid: $175.00").wait_for()

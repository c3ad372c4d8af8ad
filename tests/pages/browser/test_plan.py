"""A plan changed in the browser: preview, charge, receipt and credits are one and the same."""

from datetime import timedelta

from tests.fleet import BEGINS
from tests.pages.browser.conftest import looked_at
from tests.pages.test_usage import used


async def test_an_upgrade_is_what_its_preview_said(fleet, link, page):
    acme = await fleet.subscribe("core_10k")
    await page.goto(await link(acme.name, page="plan"))
    await looked_at(page, "plan")
    await page.get_by_role("link", name="See what Core 40,000 would cost").click()
    await page.get_by_text("40,000 (+30,000)").wait_for()
    await looked_at(page, "plan-change")
    await page.get_by_role("button", name="Pay $20.00 and change").click()
    await page.get_by_text("Paid: $20.00").wait_for()
    assert acme.charges()[1:] == [("upgrade", "paid", 2000)]
    (receipt,) = acme.rows(
        "SELECT (payload -> 'mail' ->> 'paid_minor')::integer FROM outbox WHERE account_id = %s"
        " AND topic = 'mail' AND payload -> 'mail' ->> 'kind' = 'plan_changed'"
    )
    assert receipt == (2000,)
    await page.get_by_role("link", name="See your credits").click()
    await page.get_by_text("40,000").first.wait_for()
    await page.goto(page.url.replace("credits", "plan?cancel=1"))
    await looked_at(page, "plan-cancel")
    await page.get_by_role("button", name="Cancel the plan").click()
    await page.get_by_text("If you stay, charged next").wait_for()
    await looked_at(page, "plan-ending")
    await page.get_by_role("button", name="Stay on Core 40,000").click()
    await page.get_by_text("Core 40,000 · active").wait_for()
    await page.goto(page.url.replace("plan", "alerts"))
    await looked_at(page, "alerts")


async def test_a_year_at_once_is_offered_with_what_is_taken_off_and_what_ends(fleet, link, page):
    sales = await fleet.subscribe("professional", catalog="salestools")
    await sales.pass_until(BEGINS + timedelta(days=15.5))
    await page.goto(await link(sales.name, page="plan"))
    await page.get_by_role("link", name="See what Professional, billed yearly would cost").click()
    await page.get_by_text("It can also begin at once, for $1,019.70").wait_for()
    await looked_at(page, "plan-sooner")
    await page.get_by_role("link", name="see the change at once").click()
    for shown in ("Unused part of Professional", "$49.50", "Credits that end with the old period"):
        await page.get_by_text(shown).wait_for()
    await looked_at(page, "plan-at-once")
    await page.get_by_role("button", name="Pay $1,019.70 and change").click()
    await page.get_by_text("Paid: $1,019.70").wait_for()
    await looked_at(page, "plan-begun-anew")
    assert sales.charges()[1:] == [("upgrade", "paid", 101_970)]


async def test_an_upgrade_that_the_bank_wants_confirmed(fleet, link, page, told):
    acme = await fleet.subscribe("core_10k")
    acme.fault("sca")
    await page.goto(await link(acme.name, page="plan"))
    await page.get_by_role("link", name="See what Core 40,000 would cost").click()
    await page.get_by_role("button", name="Pay $20.00 and change").click()
    await page.get_by_text("Your bank wants you to confirm $20.00").wait_for()
    await looked_at(page, "plan-confirm")
    async with page.expect_popup() as opened:
        await page.get_by_role("link", name="Confirm with your bank").click()
    bank = await opened.value
    await bank.get_by_role("button", name="3184").click()
    await bank.get_by_text("Thank you, it is paid.").wait_for()
    await page.get_by_text("Paid: $20.00").wait_for()  # without reload
    await page.get_by_role("region", name="Core 40,000").get_by_text("Your plan").wait_for()
    await looked_at(page, "plan-confirmed")
    assert acme.charges()[1:] == [("upgrade", "paid", 2000)]


async def test_results_set_ai_against_templates(fleet, link, page):
    sales = await fleet.subscribe("starter", catalog="salestools")
    for writer, quantity, met in (("ai", "30", "12"), ("template", "20", "3")):
        await used(sales, quantity, writer=writer)
        await used(sales, met, "meeting_booked", writer=writer)
    await page.goto(await link(sales.name, page="results"))
    await page.get_by_text("6.67").first.wait_for()
    await looked_at(page, "results")

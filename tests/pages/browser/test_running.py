"""Pages of those who run the engine, as they look and are used."""

import re

from playwright.async_api import Page

from domain.access.operators import OperatorRole
from tests.fleet import RunningFleet
from tests.pages.browser.conftest import SIZES, looked_at
from tests.pages.operators import PASSWORD, an_operator


async def enter(page: Page, fleet: RunningFleet, url: str, role: OperatorRole) -> None:
    """Sign in as somebody new of a role."""
    made = an_operator(fleet, role)
    await page.goto(f"{url}/operator/sign_in")
    await page.get_by_label("E-mail address").fill(made.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Customers").wait_for()


async def test_the_engines_health_at_a_glance(fleet, door_url, page):
    await enter(page, fleet, door_url, OperatorRole.SUPPORT)
    await page.get_by_role("link", name="Health").click()
    await page.get_by_role("button", name="Look at the laws").click()
    await page.get_by_text("Looked at just now.").wait_for()
    await looked_at(page, "operator-health")


async def test_a_month_is_closed_on_one_sheet(fleet, door_url, page):
    acme = await fleet.subscribe("core_10k")
    ((paid_at,),) = acme.rows("SELECT settled_at FROM charges WHERE account_id = %s")
    await enter(page, fleet, door_url, OperatorRole.FINANCE)
    await page.get_by_role("link", name="Finance").click()
    await page.get_by_label("Month, in UTC").fill(f"{paid_at:%Y-%m}")
    await page.get_by_role("button", name="Show").click()
    await page.get_by_role("region", name="Deferred revenue in USD").first.wait_for()
    await looked_at(page, "operator-finance")
    async with page.expect_download() as file:
        await page.get_by_role("link", name="Movement").click()
    assert (await file.value).suggested_filename == f"movement-{paid_at:%Y-%m}.csv"
    sheets = re.findall(rb"/Type\s*/Page\b", await page.pdf(format="A4"))
    assert len(sheets) == 1


async def test_a_month_that_is_over_is_closed_for_good(fleet, door_url, page, size):
    month = f"2018-{list(SIZES).index(size) + 1:02d}"
    await enter(page, fleet, door_url, OperatorRole.FINANCE)
    await page.goto(f"{door_url}/operator/finance?month={month}")
    await page.get_by_role("button", name="Close ").wait_for()
    reason = page.get_by_label("Why it is closed with")
    if await reason.count():
        await reason.fill("found by other tests")
    await looked_at(page, "operator-closing")
    await page.get_by_role("button", name="Close ").click()
    await page.get_by_text("This month is closed").wait_for()
    await looked_at(page, "operator-closed")
    assert await page.get_by_role("button", name="Close ").count() == 0


async def test_a_key_is_made_and_shown_once(fleet, door_url, page):
    await enter(page, fleet, door_url, OperatorRole.ADMIN)
    await page.get_by_role("link", name="Keys").click()
    await page.get_by_label("For which program").fill("crm-backend")
    await page.get_by_label("read", exact=False).first.check()
    await page.get_by_role("button", name="Make it").click()
    await page.get_by_text("Shown only now:").wait_for()
    await looked_at(page, "operator-keys")
    await page.get_by_role("link", name="Keys").click()
    await page.get_by_text("last used never").first.wait_for()
    assert await page.get_by_text("Shown only now:").count() == 0


async def test_endpoints_and_accounts_are_made(fleet, door_url, page, size):
    await enter(page, fleet, door_url, OperatorRole.ADMIN)
    await page.get_by_role("link", name="Webhooks").click()
    await page.get_by_label("Address", exact=True).fill("https://product.example/hooks")
    await page.get_by_role("button", name="Make it").click()
    await page.get_by_text("Its secret, shown only now:").wait_for()
    await page.get_by_role("link", name="Deliveries to").first.click()
    await page.get_by_text("Sent to https://product.example/hooks").wait_for()
    await looked_at(page, "operator-webhooks")
    await page.get_by_role("link", name="Operators").click()
    await page.get_by_label("Name", exact=True).fill("Bob")
    await page.get_by_label("E-mail address").fill(f"bob-{size}@seller.example")
    await page.get_by_label("First password").fill(PASSWORD)
    await page.get_by_role("button", name="Add").click()
    await page.get_by_text("Done").wait_for()
    await looked_at(page, "operator-accounts")


async def test_what_is_sold_and_who_is_on_it(fleet, door_url, page):
    await fleet.subscribe("core_10k")
    await enter(page, fleet, door_url, OperatorRole.SUPPORT)
    await page.get_by_role("link", name="Catalogs").click()
    await page.get_by_label("Price list").select_option("make")
    await page.get_by_role("button", name="Show").click()
    await page.get_by_role("link", name="on core_10k, version 1").click()
    await page.get_by_role("button", name="Preview moving these").click()
    await page.get_by_role("button", name="Move these").wait_for()
    await looked_at(page, "operator-catalogs")

"""A price is tried: changed, lived on the same customers, and seen."""

import os

from playwright.async_api import Page

from domain.access.operators import OperatorRole
from local.simulations.serving import worker
from tests.fleet import RunningFleet
from tests.pages.browser.conftest import looked_at
from tests.pages.browser.test_running import enter


async def change(page: Page) -> None:
    """Type a draft, first with a fault."""
    await page.get_by_role("link", name="Try a price").click()
    await page.get_by_label("Price list").select_option("make")
    await page.get_by_role("button", name="Choose").click()
    await page.get_by_label("Plan", exact=True).select_option("Core 10,000")
    await page.get_by_role("button", name="Choose").click()
    await page.get_by_label("Price in USD").fill("nothing")
    await page.get_by_role("button", name="Try these values").click()
    await page.get_by_text("What is wrong with the draft").wait_for()
    await looked_at(page, "operator-draft-with-a-fault")
    await page.get_by_label("Price in USD").fill("12.00")
    await page.get_by_label("Surcharge of auto-purchase").fill("20")
    await page.get_by_label("Months").fill("3")
    await page.get_by_label("Auto-purchase is on").check()
    await looked_at(page, "operator-trying")


async def ended(page: Page) -> None:
    """Wait for a simulation's end, without a reload, however long servers take."""
    page.set_default_timeout(0)
    await page.locator("#simulation:not(:has([data-waiting]))").wait_for()
    page.set_default_timeout(30_000)


async def try_it(page: Page, fleet: RunningFleet, url: str) -> None:
    """Start a simulation of a changed price."""
    await enter(page, fleet, url, OperatorRole.FINANCE)
    await change(page)
    await page.get_by_role("button", name="Try these values").click()
    await page.get_by_text("of 18 months").wait_for()


async def test_a_price_is_tried(fleet, door_url, page):
    async with worker(fleet.client, os.environ):
        await try_it(page, fleet, door_url)
        await looked_at(page, "operator-simulation-under-way")
        await ended(page)
    await page.get_by_text("What the same usage costs").wait_for()
    await page.get_by_text("price $9.00 → $12.00").wait_for()
    await page.get_by_text("auto surcharge percent 30 → 20").wait_for()
    await looked_at(page, "operator-simulation")
    await page.get_by_role("link", name="Try another price").click()
    await page.get_by_role("link", name="make:core_10k").first.wait_for()


async def test_a_trial_ends_when_an_operator_wants_it_to(fleet, door_url, page):
    async with worker(fleet.client, os.environ):
        await try_it(page, fleet, door_url)
        await page.get_by_role("button", name="End it").click()
        await ended(page)
        await page.get_by_text("An operator ended it.").wait_for()

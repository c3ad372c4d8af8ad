"""An open page follows what happens, whenever it begins to listen and whatever it misses."""

import asyncio

from playwright.async_api import Page, Route

NEWS = "**/console/live"


async def held_back(page: Page) -> asyncio.Event:
    """Let a page's news wait until the event is set, as on a busy machine."""
    heard = asyncio.Event()

    async def wait(route: Route) -> None:
        await heard.wait()
        await route.continue_()

    await page.route(NEWS, wait)
    return heard


async def declined(customer) -> None:
    """Use more than there is: the purchase is declined, and the subscription pauses."""
    await customer.update_card("tok_chargeCustomerFail")
    await customer.use("10001")
    await customer.is_told("paused")


async def test_what_changed_before_a_page_listened_is_shown(fleet, link, page):
    acme = await fleet.subscribe("core_10k", auto=True)
    heard = await held_back(page)
    await page.goto(await link(acme.name))
    await declined(acme)
    heard.set()
    await page.get_by_text("Paused: a payment failed").wait_for()


async def test_a_pause_that_leaves_every_number_as_it_was_is_shown(fleet, link, page):
    acme = await fleet.subscribe("core_10k")
    await acme.use("10000")
    async with page.expect_response(NEWS):
        await page.goto(await link(acme.name))
    await page.get_by_text("0 can be used now").first.wait_for()
    paused = await acme.life.ask("pause", {"reason": "a look", "by": "bob"})
    assert paused["status"] == "paused"
    await page.get_by_text("Paused by our support").wait_for()


async def test_a_page_that_could_not_be_read_again_is_read_later(fleet, link, page):
    acme = await fleet.subscribe("core_10k")
    await page.goto(await link(acme.name))
    await page.get_by_text("10,000 can be used now").wait_for()
    failed = asyncio.Event()

    async def fail_once(route: Route) -> None:
        if failed.is_set() or route.request.resource_type != "fetch":
            await route.continue_()
            return
        failed.set()
        await route.abort()

    await page.route("**/console/credits", fail_once)
    await acme.use("1")
    await failed.wait()
    await page.get_by_text("9,999 can be used now").wait_for()

"""An old mail's link: the page says that it has expired, and has a new one sent."""

from datetime import UTC, datetime, timedelta

from domain.mails.links import account_link
from tests.deployment import LINK_SECRET
from tests.pages.browser.conftest import looked_at


async def test_an_expired_link_says_so_and_sends_a_new_one(fleet, door_url, page):
    acme = await fleet.subscribe("core_10k")
    name = acme.life.handle.id.removeprefix("subscription:")
    old = datetime.now(UTC) - timedelta(days=91)
    await page.goto(account_link(door_url, (LINK_SECRET,), name, old))
    await page.get_by_role("heading", name="This link has expired").wait_for()
    await looked_at(page, "expired-link")
    await page.get_by_role("button", name="Send a new link").click()
    await page.get_by_role("heading", name="Look into your mail").wait_for()
    await looked_at(page, "fresh-link")
    assert "fresh_link" in acme.mails()

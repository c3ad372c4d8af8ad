"""What was used, in the browser: chosen, looked through line by line, saved."""

from tests.pages.browser.conftest import looked_at
from tests.pages.test_usage import used


async def test_use_is_found_by_what_it_was_for(fleet, link, page):
    sales = await fleet.subscribe("starter", catalog="salestools")
    for quantity, campaign in (
        ("12", "Spring launch"),
        ("30", "Autumn fair"),
        ("7", "Autumn fair"),
    ):
        await used(sales, quantity, campaign=campaign, member="ada")
    await used(sales, "21", "email_verification", campaign="Spring launch", member="bob")
    await used(sales, "2", "meeting_booked", campaign="Spring launch", member="bob")
    await page.goto(await link(sales.name, page="usage"))
    await page.get_by_text("Email verification \N{MULTIPLICATION SIGN} 21").wait_for()
    await looked_at(page, "usage")
    await page.get_by_label("Sum up by").select_option("Tag")
    await page.get_by_label("Tag", exact=True).fill("campaign")
    await page.get_by_role("button", name="Show").click()
    await page.get_by_role("link", name="Autumn fair").click()
    await page.get_by_text("37").first.wait_for()
    assert await page.get_by_text("Email verification").count() == 0
    await looked_at(page, "usage-tag")
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="Lines as CSV").click()
    text = (await (await saved.value).path()).read_text()
    assert text.count("Autumn fair") == 2
    assert "Spring" not in text

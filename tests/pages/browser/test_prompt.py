"""A question of a product in the browser: the price, and one button."""

from tests.pages.browser.conftest import looked_at


async def test_a_person_agrees_to_the_price_and_goes_back(fleet, door, page):
    writer = await fleet.subscribe("growth", catalog="scalenut")
    assert (await writer.buy("10"))["status"] == "paid"
    assert (await writer.use("30", action="seo_doc"))["status"] == "debited"
    body = {"action": "seo_doc", "quantity": "2"}
    made = (await door.post(f"/customers/{writer.name}/prompts", json=body)).json()
    path = "/prompts/" + made["url"].rpartition("/")[2]
    await page.goto(str(door.base_url).removesuffix("/v1/") + path)
    await page.get_by_role("heading", name="SEO document").wait_for()
    await looked_at(page, "prompt")
    await page.get_by_role("button", name="Confirm").click()
    await page.get_by_text("Confirmed: you can go on.").wait_for()
    assert (await writer.use("2", action="seo_doc"))["status"] == "debited"

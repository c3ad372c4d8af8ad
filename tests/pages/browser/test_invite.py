"""Inviting in the browser: the link, where it lands, and what came of it."""

from tests.pages.browser.conftest import looked_at


async def test_a_link_is_shown_and_its_visitor_led_to_the_sellers_page(
    fleet, link, door, page, size
):
    team = await fleet.subscribe("team_500", catalog="zaplify")
    await page.goto(await link(team.name, page="invite"))
    address = await page.locator("#link").inner_text()
    token = address.strip().rpartition("/")[2]
    for invitee in ("maria-lopez", "user-of-another-company-with-a-long-name-4711"):
        body = {"invitee": f"{invitee}-{size}"}
        answer = await door.post(f"/invitations/{token}/accept", json=body)
        assert answer.json()["status"] == "given"
    await page.reload()
    await page.get_by_text(f"maria-lopez-{size}").wait_for()
    await looked_at(page, "invite")
    await page.goto(str(door.base_url).removesuffix("/v1/") + f"/invite/{token}")
    await page.get_by_role("link", name="Sign up").wait_for()
    await looked_at(page, "invitation")

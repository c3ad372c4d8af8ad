"""A team in the browser: a member asks, an admin decides, and each sees what is theirs."""

from typing import Any

from tests.pages.browser.conftest import looked_at


def person(member: str, name: str, **more: Any) -> dict[str, Any]:
    return {"member": member, "name": name, "email": f"{member}@acme.example", **more}


async def test_a_member_asks_and_an_admin_approves(fleet, link, page):
    acme = await fleet.subscribe("starter", catalog="salestools")
    for message in (
        person("grace", "Grace Hopper", role="admin"),
        person("ada", "Ada Lovelace", limits={"credits": "200"}),
        person("bob", "Bob Kahn", restricted=True),
    ):
        await acme.life.ask("set_member", message)
    for quantity, member in (("40", "ada"), ("5", "grace")):
        used = await acme.event(quantity, action="ai_email")
        answer = await acme.life.ask("consume", used | {"tags": {"member": member}})
        assert answer["status"] == "debited"

    await page.goto(await link(acme.name, page="team", member="ada"))
    await page.get_by_text("Your limit", exact=True).wait_for()
    await page.get_by_label("How many more").fill("100")
    await page.get_by_label("What for").fill("the spring campaign")
    await page.get_by_role("button", name="Ask an admin").click()
    await page.get_by_text("the spring campaign").wait_for()
    await looked_at(page, "team-member")

    await page.goto(await link(acme.name, page="team", member="grace"))
    await page.get_by_text("Requests that wait for you").wait_for()
    await looked_at(page, "team")
    await page.get_by_role("button", name="Approve what Ada Lovelace asks for").click()
    await page.get_by_text("approved", exact=True).wait_for()
    await page.get_by_role("link", name="Change Bob Kahn").click()
    await looked_at(page, "team-edit")
    await page.get_by_label("Free actions only").uncheck()
    await page.get_by_label("Limit of").fill("20")
    await page.get_by_role("button", name="Save").click()
    await page.get_by_role("row", name="Bob Kahn").get_by_text("20").first.wait_for()

    await page.goto(await link(acme.name, page="team", member="ada"))
    await page.locator("dd", has_text="300").wait_for()  # the limit, raised by what was asked
    await page.locator("dd", has_text="260").wait_for()

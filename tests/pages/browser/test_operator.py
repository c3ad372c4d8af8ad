"""An operator finds a customer, and sees what happened to it."""

from domain.access.operators import OperatorRole
from tests.pages.browser.conftest import looked_at
from tests.pages.operators import PASSWORD, an_operator


async def enter(page, base, operator):
    """Sign an operator in."""
    await page.goto(f"{base}/operator/sign_in")
    await page.get_by_label("E-mail address").fill(operator.email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_role("heading", name="Customers").wait_for()


async def test_charged_twice_is_explained_in_five_clicks(fleet, door_url, page):
    acme = await fleet.subscribe("core_10k")
    for key, used in (("first", "400"), ("second", "7")):
        await acme.use(used)
        await acme.buy("3000", key=key)
    await enter(page, door_url, an_operator(fleet, OperatorRole.SUPPORT))
    await page.get_by_placeholder("Find a customer by any id").fill(acme.name)
    await page.keyboard.press("Enter")  # one
    await page.get_by_role("link", name="Ada Example").click()  # two
    await page.get_by_text("The same amount was charged").first.wait_for()
    await looked_at(page, "operator-customer")
    await page.get_by_role("link", name="compare").first.click()  # three
    await page.get_by_text("What it granted").wait_for()
    await page.get_by_text("3,000").first.wait_for()
    await looked_at(page, "operator-charge")


async def test_a_refund_and_a_large_adjustment_by_two_people(fleet, door_url, page):
    acme = await fleet.subscribe("launch", catalog="schematic")
    await acme.buy("300", key="twice")
    await enter(page, door_url, an_operator(fleet, OperatorRole.SUPPORT))
    await page.goto(f"{door_url}/operator/customer?id={acme.name}")
    await page.get_by_role("link", name="Bought by hand").first.click()
    await page.get_by_label("Why").fill("ordered twice")
    await page.get_by_role("button", name="Show the refund").click()
    await page.get_by_text("Sent to the card").wait_for()
    await looked_at(page, "operator-refund")
    await page.get_by_role("button", name="Refund ").click()
    await page.get_by_text("“ordered twice”").wait_for()

    await page.goto(f"{door_url}/operator/act?id={acme.name}")
    await looked_at(page, "operator-act")
    await page.get_by_label("Credits (with").fill("1001")
    await page.locator("#adjust-reason").fill("an outage")
    await page.get_by_role("button", name="Show what it leaves").click()
    await page.get_by_text("A second person must confirm this").wait_for()
    await looked_at(page, "operator-adjust")
    await page.get_by_role("button", name="Propose").click()
    await page.get_by_text("Another operator decides on this.").first.wait_for()
    await page.get_by_role("link", name="Sign out").click()

    await enter(page, door_url, an_operator(fleet, OperatorRole.FINANCE))
    await page.get_by_role("link", name="Proposals").click()
    await looked_at(page, "operator-proposals")
    await page.get_by_role("button", name="Confirm").first.click()
    await page.get_by_text("done").first.wait_for()
    assert [one.change_micro for one in acme.history() if one.source == "adjustment"] == [
        1_001_000_000
    ]


async def test_every_act_shows_what_it_does_before_the_click(fleet, door_url, page):
    acme = await fleet.subscribe("team_500", catalog="zaplify")
    await enter(page, door_url, an_operator(fleet, OperatorRole.SUPPORT))
    act = f"{door_url}/operator/act?id={acme.name}"
    await page.goto(act)
    await page.get_by_label("For whom or what").fill("ada")
    await page.locator("#bonus-reason").fill("came by Ada")
    await page.get_by_role("button", name="Show what it gives").click()
    await page.get_by_text("520").wait_for()
    await looked_at(page, "operator-bonus")
    await page.get_by_role("button", name="Give the bonus").click()
    await page.get_by_text("“came by Ada”").wait_for()
    await page.goto(act)
    await page.locator("#pause-reason").fill("fraud?")
    await page.get_by_role("button", name="Show what stops").click()
    await page.get_by_text("an operator resumes it").wait_for()
    await looked_at(page, "operator-pause")
    await page.get_by_role("button", name="Pause", exact=True).click()
    await page.get_by_text("Usage is refused").wait_for()
    await page.goto(act)
    await page.locator("#resume-reason").fill("it is them")
    await page.get_by_role("button", name="Show what goes on").click()
    await page.get_by_text("Used again").wait_for()
    await looked_at(page, "operator-resume")
    await page.get_by_role("button", name="Resume", exact=True).click()
    await page.get_by_text("“it is them”").wait_for()

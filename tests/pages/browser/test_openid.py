"""Signing in by an identity provider of another site, and what stands in the way."""

import pytest

from tests.api.arrangements import api
from tests.identity_provider import CLIENT, SECRET, providing
from tests.pages.browser.conftest import SIZES, looked_at


@pytest.fixture(scope="module")
def provider():
    with providing() as found:
        found.asks = True
        yield found


@pytest.fixture(scope="module")
def openid_url(provider, door_variables, servers_folder):
    variables = {
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "OIDC_ROLES": "admin=owners",
    }
    with api(door_variables | variables, servers_folder) as url:
        yield url


@pytest.fixture
async def page(chromium, size):
    """A page that may leave our origin, as this sign-in does."""
    context = await chromium.new_context(viewport=SIZES[size], color_scheme="light")
    yield await context.new_page()
    await context.close()


async def test_people_sign_in_by_another_site_and_are_told_what_is_missing(
    provider, openid_url, page, size
):
    person = {"sub": f"eve-{size}", "email": f"openid-eve-{size}@seller.example", "name": "Eve"}
    provider.person = person | {"groups": ["staff"]}
    await page.goto(f"{openid_url}/operator")
    await looked_at(page, "sign-in-openid")
    await page.get_by_role("link", name="Sign in with localhost").click()
    await page.get_by_role("link", name="It is me").click()
    await page.get_by_text("You have no role here").wait_for()
    await looked_at(page, "no-role")

    provider.person = person | {"groups": ["owners"]}
    await page.get_by_role("link", name="To the sign-in").click()
    await page.get_by_role("link", name="Sign in with localhost").click()
    await page.get_by_role("link", name="It is me").click()
    await page.get_by_role("heading", name="Customers").wait_for()
    await page.get_by_role("link", name="Operators").click()
    await page.get_by_text("Passwords sign nobody in").wait_for()
    await looked_at(page, "operators-openid")

"""A badge in another site's page: it shows the balance, follows it, and leads to buying."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.doors import PRODUCT
from tests.pages.browser.conftest import looked_at


@pytest.fixture
async def stack():
    async with AsyncExitStack() as opened:
        yield opened


async def served(page: str) -> asyncio.Server:
    """Serve a product's page at every address of its origin."""
    told = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n{page}"

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(told.encode())
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", int(PRODUCT.rpartition(":")[2]))


async def test_a_products_page_shows_a_live_balance(fleet, link, door_url, page, stack):
    acme = await fleet.subscribe("core_10k")
    url = await link(acme.name, embed=True, return_url=f"{PRODUCT}/billing")
    token = url.rpartition("/")[2]
    script = f'<script src="{door_url}/assets/embed.js" data-token="{token}"></script>'
    body = f'<html lang="en"><title>Product</title><main><h1>Product</h1>{script}</main></html>'

    await stack.enter_async_context(await served(body))
    await page.goto(f"{PRODUCT}/home")
    badge = page.frame_locator("iframe")
    await badge.get_by_text("10,000").wait_for()
    assert (await acme.use("1500"))["status"] == "debited"
    await badge.get_by_text("8,500").wait_for()
    await looked_at(page, "badge")
    async with page.context.expect_page() as opened:
        await badge.get_by_role("link", name="Buy").click()
    assert (await opened.value).url == f"{PRODUCT}/billing"

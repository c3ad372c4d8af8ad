"""Chromium, at the widths and in the colours that people have."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
LOOKS = {
    "desk-light": {"viewport": {"width": 1200, "height": 850}, "color_scheme": "light"},
    "desk-dark": {"viewport": {"width": 1200, "height": 850}, "color_scheme": "dark"},
    "phone-light": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "phone-dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
}
SHOTS = os.environ.get("DRAWDOWN_SCREENSHOTS", "")  # the folder where pictures are wanted


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test here; without Chromium none can run, and each says so."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="NO CHROMIUM HERE: no page was tried"))


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield launched
        await launched.close()


@pytest.fixture(params=LOOKS)
def look(request: pytest.FixtureRequest) -> str:
    """Phone and desk, light and dark; a test that takes this runs in each."""
    return str(request.param)


@pytest.fixture
async def page(chromium: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A page of a fresh browser; where anything fails on it, the test does."""
    chosen = request.getfixturevalue("look") if "look" in request.fixturenames else "desk-light"
    context = await chromium.new_context(**LOOKS[chosen])
    opened = await context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("request", lambda sent: faults.extend(_left(sent.url)))
    yield opened
    await context.close()
    assert faults == []


def _left(url: str) -> list[str]:
    """Return what a request that left the origin is reported as."""
    ours = url.startswith(("http://127.0.0.1:", "data:", "blob:"))
    return [] if ours else [f"asked another origin: {url}"]


async def looked_at(page: Page, name: str) -> None:
    """Assert that a page can be used by everybody, fits its width, and take its picture."""
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= room, f"{name} is {wide} wide on {room}"
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)

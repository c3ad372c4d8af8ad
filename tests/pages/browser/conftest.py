"""Chromium, at the widths and in the colours that people have."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SIZES = {"desk": {"width": 1200, "height": 850}, "phone": {"width": 390, "height": 844}}
COLOURS: tuple[Literal["dark", "light"], ...] = ("dark", "light")  # the last is left
FAULTS = """async () => {
    const found = await axe.run({resultTypes: ["violations"]});
    return {...found, passes: [], incomplete: [], inapplicable: []};
}"""
SLOW = 180_000  # milliseconds; its own 30 seconds are too few where much else runs
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


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """Where a story is lived: at a desk and on a phone."""
    return str(request.param)


@pytest.fixture
async def page(chromium: Browser, size: str) -> AsyncIterator[Page]:
    """A page of a fresh browser; where anything fails on it, the test does."""
    context = await chromium.new_context(viewport=SIZES[size], color_scheme="light")
    context.set_default_timeout(SLOW)
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
    """Assert that a page can be used by everybody, fits its width, and take its pictures."""
    await page.evaluate(AXE_SCRIPT)
    size = next(name for name, viewport in SIZES.items() if viewport == page.viewport_size)
    wide, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= room, f"{name} is {wide} wide on {room}"
    for colour in COLOURS:
        await page.emulate_media(color_scheme=colour)
        found = AxeResults(await page.evaluate(FAULTS))
        assert found.violations_count == 0, found.generate_report()
        if SHOTS:
            picture = Path(SHOTS) / f"{name}-{size}-{colour}.png"
            await page.screenshot(path=picture, full_page=True)

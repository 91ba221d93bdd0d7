"""A real Chromium over a real house, one of each for all tests of this folder."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.chromium import find_chromium
from tests.house import House

OpenPage = Callable[..., Awaitable[Page]]

_PATIENCE_MS = 60_000
expect.set_options(timeout=_PATIENCE_MS)

_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house in development mode whose sandbox serves the page."""
    async with House(tmp_path_factory.mktemp("house of the browser tests")) as house:
        yield house


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        if os.environ.get("CH_REQUIRE_BROWSER") == "1":
            pytest.fail("CH_REQUIRE_BROWSER=1, but there is no Chromium")
        pytest.skip("no Chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=_QUIET)
        yield browser
        await browser.close()


@asynccontextmanager
async def watch_pages(browser: Browser, url: str) -> AsyncIterator[OpenPage]:
    """Open pages below `url`; in the end, whatever their console complained of fails."""
    complaints: list[str] = []
    async with AsyncExitStack() as contexts:

        async def open_one(
            path: str = "/",
            *,
            width: int = 1280,
            height: int = 900,
            expected: str = "",
            cookie: Any = None,
            **more: Any,
        ) -> Page:
            context = await browser.new_context(
                viewport={"width": width, "height": height}, reduced_motion="reduce", **more
            )
            contexts.push_async_callback(context.close)
            if cookie is not None:
                await context.add_cookies([cookie])
            page = await context.new_page()
            page.set_default_timeout(_PATIENCE_MS)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on(
                "console",
                lambda message: (
                    message.type in ("error", "warning")
                    and not (expected and expected in message.text)
                    and "was preloaded" not in message.text  # a slow machine draws late
                    and complaints.append(message.text)
                ),
            )
            await page.goto(url + path)
            return page

        yield open_one
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser, house: House) -> AsyncIterator[OpenPage]:
    """Open pages of the house; whatever their console complains of fails the test."""
    async with watch_pages(browser, house.url) as open_one:
        yield open_one

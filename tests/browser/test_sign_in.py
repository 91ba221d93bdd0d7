"""Signing in, in a real browser: by keyboard, with and without script, without serious faults."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.test_look import find_serious, get_overflow

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("has_script", [True, False])
async def test_from_the_form_to_the_console_and_out(open_page: OpenPage, has_script: bool) -> None:
    page = await open_page("/console", java_script_enabled=has_script)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    await page.get_by_label("Mail address").fill("ada@example.com")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your link")
    await page.get_by_role("link", name="Open the link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in as ada@example.com")
    await page.get_by_role("main").get_by_role("button", name="Sign in").click()
    await page.wait_for_url("**/console")
    await page.get_by_role("button", name="Sign out").first.click()
    await page.wait_for_url("**/console/sign-in")
    await page.goto(page.url.removesuffix("/sign-in"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("colour", ["light", "dark"])
async def test_the_pages_of_signing_in_are_sound(
    open_page: OpenPage, width: int, colour: str
) -> None:
    page = await open_page("/console/sign-in", width=width, color_scheme=colour, expected="422")
    for step in ("", "nobody", "bob@example.com", "link"):
        if step == "link":
            await page.get_by_role("link", name="Open the link").click()
        elif step:
            await page.get_by_label("Mail address").fill(step)
            await page.locator("form").evaluate("form => (form.noValidate = true, form.submit())")
            await page.wait_for_load_state()
        await expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert await find_serious(page) == []
        assert await get_overflow(page) == 0

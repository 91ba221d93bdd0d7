"""Signing in, in a real browser: by keyboard, with and without script; mails that were not sent."""

import pytest
from playwright.async_api import expect

from comfyhoused.core.mail.mail import Mail
from comfyhoused.core.mail.post import post_mail
from comfyhoused.core.mail.send import list_unsent_mails
from tests.browser.conftest import OpenPage
from tests.browser.test_look import find_serious, get_overflow
from tests.house import House
from tests.waiting import wait_until

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


async def test_mails_that_were_not_sent_can_be_read(open_page: OpenPage, house: House) -> None:
    page = await open_page("/page/mails")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Mails")
    assert await find_serious(page) == []
    await post_mail(house.store, Mail("ada@example.com", "You <b>used</b> 80 %", "Words.", "<p>"))
    await wait_until(lambda: list_unsent_mails(house.store))
    await page.reload()
    heading = page.get_by_role("article").get_by_role("heading")
    await expect(heading).to_have_text(["You <b>used</b> 80 %"])
    await expect(page.get_by_text("Words.")).to_be_visible()
    assert await find_serious(page) == []
    assert await get_overflow(page) == 0

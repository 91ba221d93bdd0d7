"""The demo Google's pages in a browser: marked as a demo, on a phone too, and by keyboard."""

import os
import re
from urllib.parse import urlencode

import pytest
from playwright.async_api import Browser, Page, expect

from comfyhouse_demo.google.command import CLIENT_ID
from comfyhouse_demo.google.scopes import DRIVE
from tests.browser.conftest import watch_pages
from tests.browser.test_look import find_serious, get_overflow
from tests.google import FakeGoogle
from tests.pictures import encode, make_image

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SHOTS = os.environ.get("CH_SHOTS", "")
PHONE = {"width": 320, "height": 700}


async def check_page(page: Page) -> None:
    """It says what it is, nothing serious is wrong with it, and it does not scroll sideways."""
    await expect(page.get_by_role("note")).to_contain_text("not Google")
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        assert await find_serious(page) == []
    assert await get_overflow(page) == 0
    if SHOTS:
        await page.screenshot(path=f"{SHOTS}/{os.urandom(3).hex()}.png", full_page=True)


async def test_one_signs_in_and_drops_a_photo_by_hand(browser: Browser, google: FakeGoogle) -> None:
    user = google.add_user(f"{os.urandom(6).hex()}@demo.example", "Ada Lens")
    folder = google.add_folder(user, "Raw")
    async with watch_pages(browser, google.url) as open_page:
        query = {
            "client_id": CLIENT_ID,
            "redirect_uri": f"{google.url}/drive",
            "response_type": "code",
            "scope": f"openid email {DRIVE}",
            "state": "s",
        }
        page = await open_page(f"/o/oauth2/v2/auth?{urlencode(query)}", **PHONE)
        await check_page(page)
        await page.get_by_role("link", name="Ada Lens").last.click()
        await check_page(page)
        await page.get_by_role("button", name="Allow").focus()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(r"code=.*state=s"))
        await page.goto(f"{google.url}/drive/{user['sub']}/{folder['id']}")
        await check_page(page)
        content = encode(make_image())
        photo = {"name": "by hand.png", "mimeType": "image/png", "buffer": content}
        await page.get_by_label("Put photos into this folder").set_input_files([photo])
        await page.get_by_role("button", name="Put them here").click()
        await expect(page.get_by_role("link", name="by hand.png")).to_be_visible()
        await check_page(page)
        await page.get_by_role("link", name="by hand.png").click()
        await check_page(page)
    [file] = google.list_files(user, folder["id"])
    assert google.read(file["id"]) == content

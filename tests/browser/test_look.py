"""How the pages stand: policy, colours, small screens, keyboard, and what axe finds."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.house import House

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PAGES = ["/", "/pricing", "/docs", "/errors/node_failed", "/nowhere"]
MISSING = "status of 404"
#: A page whose parts are all made alike: to look at the colours of each takes a minute.
ALIKE = {"/docs": "section:first-of-type"}


async def find_serious(page: Page, *rules: str, without: str = "", within: str = "") -> list[str]:
    """Return axe's serious and critical findings, and of what.

    By these rules, by all, or by all `without` one; on the whole page, or `within` a part.
    """
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    if without:
        options["rules"] = {without: {"enabled": False}}
    results = await Axe().run(page, context=within or None, options=options)
    return [
        f"{one['id']}: {node['target']} {node['failureSummary']}"
        for one in results.response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


async def get_overflow(page: Page) -> int:
    return int(
        await page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


async def get_background(page: Page) -> str:
    return str(await page.evaluate("getComputedStyle(document.body).backgroundColor"))


async def test_nothing_from_elsewhere_is_allowed_or_asked_for(
    open_page: OpenPage, house: House
) -> None:
    answer = await house.client.get("/", headers={"Accept": "text/html"})
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy

    page = await open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.reload(wait_until="networkidle")
    assert len(asked) > 5
    assert [url for url in asked if not url.startswith((house.url, "data:"))] == []


async def test_fonts_and_styles_arrive(open_page: OpenPage) -> None:
    page = await open_page()
    for family in ("Newsreader Display", "Hanken Grotesk"):
        await page.wait_for_function(
            "name => [...document.fonts]"
            ".some(f => f.status === 'loaded' && f.family.replaceAll('\"', '') === name)",
            arg=family,
        )
    assert await page.locator("[style]:not(.ba)").count() == 0


@pytest.mark.parametrize("path", PAGES)
async def test_axe_finds_nothing_serious_in_light_and_dark(open_page: OpenPage, path: str) -> None:
    page = await open_page(path, color_scheme="light", expected=MISSING)
    light = await get_background(page)
    part = ALIKE.get(path, "")
    assert await find_serious(page, without="color-contrast") == []
    assert await find_serious(page, "color-contrast", within=part) == []
    await page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert await get_background(page) != light
    assert await find_serious(page, "color-contrast", within=part) == []  # all else is the same


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_scrolls_sideways_on_the_smallest_phone(
    open_page: OpenPage, path: str
) -> None:
    page = await open_page(path, width=320, expected=MISSING)
    assert await get_overflow(page) == 0


async def test_the_theme_can_be_switched_and_is_kept(open_page: OpenPage) -> None:
    page = await open_page(color_scheme="light")
    light = await get_background(page)
    await page.get_by_role("button", name="Switch light and dark").click()
    dark = await get_background(page)
    assert dark != light
    await page.reload()
    assert await get_background(page) == dark


async def test_the_first_stop_of_the_keyboard_leads_to_the_content(open_page: OpenPage) -> None:
    page = await open_page()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()


async def test_every_control_has_a_name_and_is_reached_by_tab(open_page: OpenPage) -> None:
    page = await open_page()
    reached: list[str] = []
    for _ in range(60):
        await page.keyboard.press("Tab")
        name = await page.evaluate(
            "(e => e === document.body ? '' : "
            "e.name || e.ariaLabel || e.textContent.trim() || 'nameless')(document.activeElement)"
        )
        if not name:
            break
        reached.append(name)
    assert "nameless" not in reached
    for wanted in ("recipe", "Edit this photo", "file", "prompt", "seed", "Paint it", "address"):
        assert wanted in reached, reached


async def test_the_menu_of_a_phone_opens_leads_and_closes(open_page: OpenPage) -> None:
    page = await open_page(width=390)
    menu = page.get_by_label("Menu", exact=True)
    links = page.get_by_role("navigation", name="Main, phone")
    await expect(links).to_be_hidden()
    await menu.click()
    await expect(links).to_be_visible()
    assert await find_serious(page) == []
    assert await get_overflow(page) == 0
    await page.keyboard.press("Escape")
    await expect(links).to_be_hidden()
    await menu.click()
    await links.get_by_role("link", name="Creator").click()
    await expect(links).to_be_hidden()
    await expect(page.locator("#edit")).to_be_in_viewport()


async def test_an_unknown_address_is_a_friendly_page(open_page: OpenPage) -> None:
    page = await open_page("/nowhere", expected=MISSING)
    await expect(page.get_by_role("heading", level=1)).to_have_text("There is no door here")
    await page.get_by_role("link", name="Go to the front").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("One house")


async def test_the_command_can_be_copied(open_page: OpenPage, house: House) -> None:
    page = await open_page(permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_text("Copied")).to_be_visible()
    command = await page.evaluate("navigator.clipboard.readText()")
    assert f"curl {house.url}/api/v1/generate" in command
    assert "sk_" not in command

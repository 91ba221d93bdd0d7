"""How Creator's screens stand: what axe finds, small phones, one heading, names by keyboard."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import watch_pages
from tests.browser.creator_cast import Cast, cast_users
from tests.browser.creator_stage import CreatorStage, open_stage
from tests.browser.test_look import find_serious, get_overflow
from tests.postgres import TestPostgres

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MISSING = "status of 404"
#: Words that photographers need not know; look/README says which stand for them.
UNWANTED = ("job", "prompt", "workflow", "queue", "gpu", "payload")
#: To look at each colour takes long: those of the other screens are the same.
COLOURFUL = ("landing", "home", "edit", "trouble-sources")
#: Made of the same parts as another scene: only whether they fit is looked at.
ALIKE = ("empty-", "trouble-", "gallery-", "edit-", "help-", "account-", "lost")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(
    tmp_path_factory: pytest.TempPathFactory, postgres: TestPostgres
) -> AsyncIterator[CreatorStage]:
    folder = tmp_path_factory.mktemp("creator's look")
    async with open_stage(folder, postgres.make_database()) as stage:
        yield stage


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cast(stage: CreatorStage) -> Cast:
    return await cast_users(stage)


async def find_misfits(page: Page) -> list[str]:
    """Return what does not fit on the smallest phone, and what is not said as we say it."""
    faults = []
    if await get_overflow(page):
        faults.append(f"{await get_overflow(page)} px too wide")
    if await page.locator("h1").count() != 1:
        faults.append(f"{await page.locator('h1').count()} headings of the first level")
    text = (await page.locator("main").inner_text()).lower()
    faults += [f"says {word!r}" for word in UNWANTED if f" {word}" in f" {text}"]
    small = await page.evaluate(
        "[...document.querySelectorAll('main .btn, .tabbar a, main summary, .top .btn')]"
        ".filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.5)"
        ".map(e => e.textContent.trim())"
    )
    return faults + [f"too small to touch: {words!r}" for words in small]


async def find_barriers(page: Page, scene: str) -> list[str]:
    """Return what axe finds; the colours of some screens, in light and dark."""
    faults = await find_serious(page, without="color-contrast")
    if scene in COLOURFUL:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            faults += await find_serious(page, "color-contrast")
    return faults


@pytest.mark.parametrize("looks_at", ["few", pytest.param("all", marks=pytest.mark.soak)])
async def test_every_screen_stands_on_a_small_phone_and_axe_finds_nothing_serious(
    browser: Browser, stage: CreatorStage, cast: Cast, looks_at: str
) -> None:
    found: dict[str, list[str]] = {}
    phone = {"width": 320, "height": 640, "has_touch": True, "is_mobile": True}
    async with watch_pages(browser, stage.url) as open_one:
        page = await open_one("/creator", **phone, expected=MISSING)
        for scene in cast.scenes:
            await page.goto("about:blank")  # a page that follows the news would hear of it
            await page.context.clear_cookies()
            if scene.cookie:
                await page.context.add_cookies([scene.cookie])
            await page.goto(stage.url + scene.path)
            if scene.act:
                await page.evaluate(scene.act)
            faults = await find_misfits(page)
            is_alike = scene.name.startswith(ALIKE) or looks_at == "few"
            if scene.name in COLOURFUL or not is_alike:
                faults += await find_barriers(page, scene.name)
            if faults:
                found[scene.name] = faults
    assert found == {}
    assert len(cast.scenes) > 30


async def test_the_first_stop_of_the_keyboard_leads_to_the_content_of_a_screen(
    browser: Browser, stage: CreatorStage, cast: Cast
) -> None:
    home = next(scene for scene in cast.scenes if scene.name == "home")
    async with watch_pages(browser, stage.url) as open_one:
        page = await open_one(home.path, cookie=home.cookie)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.locator("#main")).to_be_focused()
        menu = page.get_by_label("You", exact=True).first
        await menu.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="Account")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("link", name="Account")).to_be_hidden()
        await expect(menu).to_be_focused()

"""The playground in Chromium: a form from declared inputs, its cost, its code, its picture."""

import json
import re
import shlex

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.console_stage import (
    WORKFLOW,
    OpenConsole,
    make_console_opener,
    stock_account,
)
from tests.browser.test_look import find_serious, get_overflow
from tests.browser.test_work import make_photo
from tests.house import House

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL = {"Width": "128", "Height": "64"}


@pytest_asyncio.fixture(loop_scope="session")
async def open_console(open_page: OpenPage, house: House) -> OpenConsole:
    return make_console_opener(open_page, house)


async def fill(page: Page, prompt: str, **more: str) -> None:
    await page.get_by_label("Describe the picture").fill(prompt)
    for label, text in {**SMALL, **more}.items():
        await page.get_by_label(label, exact=True).fill(text)


def read_curl(code: str) -> tuple[str, dict[str, object]]:
    """Return the address and the body of a curl command, as a shell would."""
    words = shlex.split(code.replace("\\\n", " "))
    return words[1], json.loads(words[words.index("-d") + 1])


async def test_it_runs_a_picture_and_shows_the_same_request_as_code(
    open_console: OpenConsole, house: House
) -> None:
    page = await open_console("/console/playground", account="player")
    view = page.locator("[data-runner-view=playground]")
    await fill(page, "a red boat’s mast", Seed="11")
    await expect(page.locator("#code-curl")).to_contain_text('"seed": 11')
    await expect(page.locator(".forecast")).to_contain_text("Free")
    house.engine.hold()
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(view.locator("[aria-current=step]")).to_have_text("Making")
    house.engine.let_go()
    await expect(view).to_contain_text("SANDBOX – no model")
    await expect(view).to_contain_text("128 × 64 · seed 11")
    assert await find_serious(page) == []

    address, body = read_curl(await page.locator("#code-curl").text_content() or "")
    assert address == f"{house.url}/api/v1/generate"
    assert body == {"prompt": "a red boat’s mast", "width": 128, "height": 64, "seed": 11}
    source = await view.locator("img").get_attribute("src")
    ours = await (await page.request.get(f"{house.url}{source}")).body()
    async with await house.make_client("test", "player") as client:
        answer = await client.post("/api/v1/generate", json=body)
        theirs = await httpx.AsyncClient().get(answer.json()["image_url"])
    assert theirs.content == ours  # same request, same seed, same pixels
    assert "sk_" not in await page.content()


async def test_the_code_tabs_work_by_keyboard_and_are_copied(open_console: OpenConsole) -> None:
    page = await open_console(
        "/console/playground", permissions=["clipboard-read", "clipboard-write"]
    )
    tabs = page.get_by_role("tab")
    await tabs.first.focus()
    await page.keyboard.press("ArrowRight")
    await expect(tabs.nth(1)).to_be_focused()
    await page.locator("#panel-python").get_by_role("button", name="Copy").click()
    await expect(page.get_by_text("Copied")).to_be_visible()
    code = await page.evaluate("navigator.clipboard.readText()")
    compile(code, "the sample", "exec")
    assert "house.generate(" in code
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("tab", selected=True)).to_have_text("Python")


async def test_a_picture_is_sent_in_and_painted_over(open_console: OpenConsole) -> None:
    page = await open_console("/console/playground/image-to-image", account="painter")
    photo = {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": make_photo(96, 64)}
    await page.locator("input[type=file]").first.set_input_files(photo)
    field = page.get_by_label("The picture to start from", exact=True)
    await expect(field).to_have_value(re.compile("^file_"))
    await page.get_by_label("Describe the picture").fill("a blue boat")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("[data-runner-view=playground]")).to_contain_text("96 × 64")


async def test_the_longest_words_of_any_script_are_taken(open_console: OpenConsole) -> None:
    page = await open_console("/console/playground", account="writer")
    await fill(page, "海" * 5000)
    await page.get_by_text("More settings").click()
    await page.get_by_label("What to keep out").fill("山" * 5000)
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("[data-runner-view=playground]")).to_contain_text("128 × 64")


async def test_what_the_api_refuses_is_said_at_its_field(open_console: OpenConsole) -> None:
    page = await open_console("/console/playground", account="player", expected="status of 422")
    await fill(page, "a boat", Width="65")
    await page.get_by_role("button", name="Run", exact=True).click()
    wrong = page.get_by_label("Width", exact=True)
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await expect(wrong).to_be_focused()
    await expect(page.locator(".forecast[data-refused]")).to_be_visible()
    await page.get_by_label("Width", exact=True).fill("many")
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("#in-width-error")).to_have_text("This is not a whole number.")


async def test_without_script_the_form_costs_runs_and_keeps_what_was_typed(
    open_console: OpenConsole,
) -> None:
    page = await open_console("/console/playground", account="player", java_script_enabled=False)
    await fill(page, "a green boat", Seed="5")
    await page.get_by_role("button", name="Show cost and code").click()
    await expect(page.get_by_label("Describe the picture")).to_have_value("a green boat")
    for language in ("curl", "python", "javascript"):
        await expect(page.locator(f"#code-{language}")).to_contain_text("a green boat")
    await page.get_by_role("button", name="Live").click()
    await expect(page.get_by_label("Seed")).to_have_value("5")
    await expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.wait_for_url("**/console/jobs/*")
    await expect(page.locator(".head .state")).to_have_text("Succeeded")


async def test_a_registered_workflow_has_a_form_of_its_inputs(
    open_console: OpenConsole, house: House
) -> None:
    await stock_account(house, "maker")
    page = await open_console("/console/workflows", account="maker", width=320)
    assert await get_overflow(page) == 0
    await page.get_by_role("link", name="A plain colour").click()
    await page.get_by_label("Side").fill("128")
    await expect(page.locator("#code-curl")).to_contain_text('"side": 128')
    address, body = read_curl(await page.locator("#code-curl").text_content() or "")
    assert address.endswith(f"/api/v1/workflows/{WORKFLOW}/jobs")
    assert body == {"inputs": {"side": 128}}
    await page.get_by_role("button", name="Run", exact=True).click()
    await expect(page.locator("[data-runner-view=playground]")).to_contain_text("128 × 128")

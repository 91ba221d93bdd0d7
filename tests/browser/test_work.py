"""Working on the page: a photo is edited, a picture painted, a server connected."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_look import find_serious, get_overflow
from tests.conftest import MakeEngine
from tests.house import House
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

QUICK = "a red boat"


def make_photo(width: int, height: int) -> bytes:
    """Return a JPEG of soft stripes."""
    ramp = np.linspace(20, 235, width, dtype=np.uint8)
    picture = Image.fromarray(np.repeat(ramp[None, :], height, axis=0)).convert("RGB")
    file = io.BytesIO()
    picture.save(file, "JPEG")
    return file.getvalue()


def get_view(page: Page, name: str) -> Locator:
    """Return the part of the page that shows the jobs of the form `edit` or `sandbox`."""
    return page.locator(f"[data-runner-view={name}]")


async def paint(page: Page, prompt: str, seed: str = "") -> None:
    await page.get_by_label("Describe a picture").fill(prompt)
    await page.get_by_label("Seed").fill(seed)
    await page.get_by_role("button", name="Paint it").click()


async def test_the_photo_is_edited_and_compared_by_keyboard(open_page: OpenPage) -> None:
    page = await open_page()
    view = get_view(page, "edit")
    await expect(view.locator("img")).to_have_count(1)
    await page.get_by_role("button", name="Edit this photo").press("Enter")
    slider = view.get_by_role("slider")
    await expect(slider).to_have_value("50")
    before, after = await view.locator("img").evaluate_all("all => all.map(one => one.src)")
    assert before != after

    await slider.focus()
    await slider.press("ArrowRight")
    await expect(slider).to_have_value("51")
    await expect(slider).to_have_attribute("aria-valuetext", "51 percent original")
    shown = await view.locator(".ba").evaluate("one => one.style.getPropertyValue('--x')")
    assert shown == "51%"
    await slider.press("Home")
    await expect(slider).to_have_value("0")
    assert await find_serious(page) == []


async def test_the_edit_changes_the_photo_and_doubles_it(open_page: OpenPage, house: House) -> None:
    page = await open_page()
    view = get_view(page, "edit")
    await page.get_by_label("Silver").check()
    await page.get_by_role("button", name="Edit this photo").click()
    await view.get_by_role("slider").wait_for()
    address = await view.locator("img").first.get_attribute("src")
    answer = await page.request.get(f"{house.url}{address}")
    picture = np.asarray(Image.open(io.BytesIO(await answer.body())).convert("RGB"), np.float32)
    assert picture.shape == (800, 1200, 3)
    # Silver is toned grey: the three channels rise and fall together.
    assert np.corrcoef(picture[..., 0].ravel(), picture[..., 2].ravel())[0, 1] > 0.999


async def test_a_photo_of_ones_own_is_taken(open_page: OpenPage) -> None:
    page = await open_page()
    view = get_view(page, "edit")
    photo = {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": make_photo(160, 240)}
    await page.locator("#own-photo").set_input_files(photo)
    await view.get_by_role("slider").wait_for()
    await expect(view).to_contain_text("320 × 480")


async def test_a_file_that_is_no_picture_is_refused_in_a_sentence(open_page: OpenPage) -> None:
    page = await open_page(expected="status of 415")
    text = {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": b"not a picture at all"}
    await page.locator("#own-photo").set_input_files(text)
    await expect(page.locator("#edit").get_by_role("alert")).to_contain_text("not a picture")
    await expect(page.get_by_role("button", name="Edit this photo")).to_be_enabled()


async def test_a_prompt_shows_progress_then_the_picture(open_page: OpenPage, house: House) -> None:
    page = await open_page()
    view = get_view(page, "sandbox")
    house.engine.hold()
    await paint(page, QUICK, seed="11")
    await expect(view.locator("[aria-current=step]")).to_have_text("Making")
    house.engine.set_switch(hold_at_step=20)
    house.engine.let_go()
    await expect(view.get_by_role("progressbar")).to_be_visible()
    await expect(view.get_by_role("status")).to_have_text(re.compile(r"Making, step \d+ of 20"))
    await expect(view.locator("img[data-preview]")).to_have_attribute(
        "src", re.compile("^data:image/")
    )
    house.engine.set_switch(hold_at_step=0)
    await expect(view).to_contain_text("Ready in")
    await expect(view).to_contain_text("SANDBOX – no model")
    await expect(view).to_contain_text("640 × 800 · seed 11")
    width = await view.locator(".mat img").evaluate("async i => (await i.decode(), i.naturalWidth)")
    assert width == 640
    await expect(page.locator("[data-recent] figcaption").first).to_contain_text(QUICK)
    assert await find_serious(page) == []


async def test_a_failed_job_says_what_happened(open_page: OpenPage) -> None:
    page = await open_page(width=320)
    view = get_view(page, "sandbox")
    await paint(page, "sandbox:fail")
    await expect(view.locator(".notice--failed")).to_contain_text("node_failed")
    await expect(view.locator(".wedge .bad")).to_have_text("Failed")
    await expect(page.get_by_role("button", name="Paint it")).to_be_enabled()
    assert await get_overflow(page) == 0
    assert await find_serious(page) == []
    await view.get_by_role("link", name="See the job").click()
    await expect(page.locator(".head .state")).to_have_text("Failed")


async def test_a_running_job_is_canceled(open_page: OpenPage) -> None:
    page = await open_page()
    view = get_view(page, "sandbox")
    await paint(page, f"{QUICK} sandbox:hang")
    await expect(view.locator("[aria-current=step]")).to_have_text("Making")
    await page.locator("#sandbox").get_by_role("button", name="Cancel").click()
    await expect(view.locator(".wedge .bad")).to_have_text("Canceled")
    await expect(view).to_contain_text("Nothing was charged")


@pytest.mark.parametrize(
    ("field", "prompt", "seed"),
    [
        ("Seed", QUICK, "twelve"),
        ("Seed", QUICK, "4294967296"),
        ("Describe a picture", "   ", "1"),
    ],
)
async def test_a_wrong_field_is_named_and_focused(
    open_page: OpenPage, field: str, prompt: str, seed: str
) -> None:
    page = await open_page(expected="status of 422")
    await paint(page, prompt, seed)
    wrong = page.get_by_label(field)
    await expect(wrong).to_have_attribute("aria-invalid", "true")
    await expect(wrong).to_be_focused()
    await expect(page.locator("#sandbox .error:visible")).to_have_count(1)


async def test_without_script_a_form_leads_to_a_page_with_the_picture(open_page: OpenPage) -> None:
    page = await open_page(java_script_enabled=False)
    await paint(page, QUICK, seed="5")
    await page.wait_for_url("**/page/jobs/*")
    await expect(page.get_by_role("heading", level=1)).to_have_text(QUICK)
    # The page loads itself again until the job is over.
    await expect(page.locator(".head .state")).to_have_text("Ready")
    await expect(page.locator("main .mat img")).to_have_count(1)
    await page.go_back()


async def test_without_script_an_own_photo_is_edited(open_page: OpenPage) -> None:
    page = await open_page(java_script_enabled=False)
    photo = {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": make_photo(96, 64)}
    await page.locator("#own-photo").set_input_files(photo)
    await page.get_by_role("button", name="Edit my photo").click()
    await page.wait_for_url("**/page/jobs/*")
    await expect(page.locator(".head .state")).to_have_text("Ready")
    await expect(page.locator("main")).to_contain_text("192 × 128")


async def test_a_jobs_page_follows_it_to_its_end(open_page: OpenPage, house: House) -> None:
    page = await open_page()
    house.engine.hold()
    async with page.expect_response("**/page/pictures") as answer:
        await paint(page, QUICK)
    job_id = (await (await answer.value).json())["job_id"]
    await page.goto(f"{house.url}/page/jobs/{job_id}")
    await expect(page.locator(".head .state")).to_have_text("Making")
    house.engine.let_go()
    await expect(page.locator(".head .state")).to_have_text("Ready")
    assert await find_serious(page) == []
    assert await get_overflow(page) == 0


async def test_a_connected_server_runs_the_same_prompt(
    open_page: OpenPage, house: House, make_engine: MakeEngine
) -> None:
    other = make_engine()
    page = await open_page()
    await page.get_by_label("Address of the server").fill(f"{other.url}/")
    await page.get_by_role("button", name="Connect").click()
    finding = page.locator("[data-finding]")
    await expect(finding).to_contain_text("Connected: ComfyUI")
    await expect(finding).to_contain_text(other.url)
    row = page.locator(".servers li", has_text=other.url)
    await expect(row.locator(".state")).to_have_text("Ready")
    await expect(page.locator("#sandbox").get_by_label("Your ComfyUI")).to_be_checked()
    assert await find_serious(page) == []

    view = get_view(page, "sandbox")
    await paint(page, QUICK, seed="8")
    await expect(view).to_contain_text("Ready in")
    await expect(view.locator("figcaption")).not_to_contain_text("SANDBOX")
    assert [line["event"] for line in other.executions()] == ["start", "end"]

    await row.get_by_role("button").click()
    await expect(page.locator(".servers li")).to_have_count(1)
    assert await house.store.hlen("ch:1:backends:added") == 0
    await expect(page.locator("#sandbox").get_by_label("Your ComfyUI")).to_have_count(0)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "Nothing listens"),
        ("ftp://127.0.0.1", "http://"),
        ("169.254.169.254", "Nobody runs ComfyUI"),
        ("HOUSE", "not a ComfyUI"),
        ("ENGINE", "our own sandbox"),
    ],
)
async def test_an_address_without_a_server_is_explained(
    open_page: OpenPage, house: House, address: str, words: str
) -> None:
    page = await open_page(expected="status of ")
    typed = {"HOUSE": house.url, "ENGINE": house.engine.url}.get(address, address)
    await page.get_by_label("Address of the server").fill(typed)
    await page.get_by_role("button", name="Connect").click()
    await expect(page.locator("[data-finding]")).to_contain_text(words)
    assert await house.store.hlen("ch:1:backends:added") == 0


async def test_a_job_that_is_erased_meanwhile_is_said_to_be_gone(
    open_page: OpenPage, house: House
) -> None:
    page = await open_page(expected="status of 404")
    async with page.expect_response("**/page/pictures") as answer:
        await paint(page, f"{QUICK} sandbox:hang")
    job_id = (await (await answer.value).json())["job_id"]
    await expect(get_view(page, "sandbox").locator("[aria-current=step]")).to_have_text("Making")
    client = await house.make_client("test", "demo")
    async with client:
        assert (await client.delete(f"/api/v1/jobs/{job_id}")).status_code == 204
    await expect(page.locator("#sandbox").get_by_role("alert")).to_contain_text("The job is gone")
    await expect(page.get_by_role("button", name="Paint it")).to_be_enabled()


async def test_the_page_lives_through_a_restart_of_the_web_server(
    open_page: OpenPage, house: House
) -> None:
    page = await open_page(expected="ERR_")
    view = get_view(page, "sandbox")
    house.engine.hold()
    await paint(page, QUICK)
    await expect(view.locator("[aria-current=step]")).to_have_text("Making")
    house.api.restart()
    await wait_until(lambda: house.api.answers)
    house.engine.let_go()
    await expect(view).to_contain_text("Ready in")

"""Creator's screens in a browser: the slider, review, what happens live, and without script."""

import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Browser, FilePayload, Page, Route, expect
from sqlalchemy import select, update

from comfyhoused.creator.news import tell
from comfyhoused.creator.tables import Delivery, Edit, Notification, Upload, User
from tests.browser.conftest import watch_pages
from tests.browser.creator_stage import CreatorStage, open_stage
from tests.creator_stock import Shot, Stock, paint
from tests.postgres import TestPostgres
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

OpenCreator = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(
    tmp_path_factory: pytest.TempPathFactory, postgres: TestPostgres
) -> AsyncIterator[CreatorStage]:
    """The web server with Creator open; nothing works, so that everything stands as stocked."""
    folder = tmp_path_factory.mktemp("creator's screens")
    async with open_stage(folder, postgres.make_database()) as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="session")
async def open_creator(browser: Browser, stage: CreatorStage) -> AsyncIterator[OpenCreator]:
    """Open a screen as a user."""
    async with watch_pages(browser, stage.url) as open_one:

        async def open_as(stock: Stock, path: str, **more: Any) -> Page:
            return await open_one(path, cookie=await stage.make_cookie(stock), **more)

        yield open_as


def make_large_jpeg() -> bytes:
    """Return a JPEG of some megabytes, which goes in several parts."""
    noise = np.random.default_rng(7).integers(0, 255, (900, 1200, 3), dtype=np.uint8)
    body = io.BytesIO()
    Image.fromarray(noise).save(body, "JPEG", quality=95)
    return body.getvalue()


async def find_delivery(stage: CreatorStage, edit: Edit) -> Delivery:
    async with stage.database.begin() as session:
        return (await session.scalars(select(Delivery).where(Delivery.edit_id == edit.id))).one()


async def is_leaving(stage: CreatorStage, stock: Stock) -> bool:
    async with stage.database.begin() as session:
        return (await session.get_one(User, stock.user.id)).deleting_at is not None


async def set_state(stage: CreatorStage, edit: Edit, state: str) -> None:
    async with stage.database.begin() as session:
        await session.execute(update(Edit).where(Edit.id == edit.id).values(state=state))
    data = {"edit_id": edit.id, "state": state}
    await tell(stage.store, edit.user_id, "edit.changed", data)


async def wait_for_news(page: Page) -> None:
    await page.wait_for_selector("html[data-news=on]", state="attached")


async def test_the_slider_compares_by_keyboard_and_pointer_with_the_original_left(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("slider@example.com")
    source = await stock.add_source()
    (edit,) = await stock.add_edits(source, [Shot("Mug.jpg", paint(1))])
    page = await open_creator(stock, f"/creator/edits/{edit.id}")
    figure = page.locator(".ba")
    slider = page.get_by_role("slider", name="Slide to compare")
    await slider.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(slider).to_have_value("49")
    await expect(slider).to_have_attribute("aria-valuetext", "49 percent original")
    await page.keyboard.press("Home")
    assert await figure.evaluate("f => f.style.getPropertyValue('--x')") == "0%"
    box = await figure.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.3)
    await expect(slider).to_have_value("75")
    original = page.locator(".ba__old")
    assert "/creator/photos/" in str(await original.get_attribute("src"))
    clip = str(await original.evaluate("e => getComputedStyle(e).clipPath"))
    assert clip.startswith(("inset(0px calc(25%", "inset(0px 25%")), clip
    for picture in await page.locator(".ba img").all():
        assert await picture.evaluate("e => e.complete && e.naturalWidth > 0")


async def test_a_batch_is_reviewed_by_keys_swipe_and_undo(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("review@example.com")
    source = await stock.add_source(approves_first=True)
    shots = [Shot(f"{name}.jpg", paint(i), delivery="held") for i, name in enumerate("abc")]
    edits = {edit.id: edit for edit in await stock.add_edits(source, shots)}
    page = await open_creator(stock, "/creator/review")

    async def decide(do: Callable[[], Awaitable[Any]], state: str) -> Edit:
        card = page.locator("[data-card]:visible")
        edit = edits[str(await card.get_attribute("data-card"))]
        await do()

        async def is_so() -> bool:
            return (await find_delivery(stage, edit)).state == state

        await wait_until(is_so)
        return edit

    async def swipe_left() -> None:
        box = await page.locator("[data-card]:visible strong").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + 5, box["y"] + 5)
        await page.mouse.down()
        await page.mouse.move(box["x"] - 150, box["y"] + 5, steps=5)
        await page.mouse.up()

    left = page.locator("[data-left]")
    await expect(left).to_have_text("3 to look at")
    await decide(lambda: page.keyboard.press("a"), "due")
    await expect(left).to_have_text("2 to look at")
    taken_back = await decide(lambda: page.keyboard.press("r"), "rejected")
    await page.keyboard.press("u")
    await expect(page.locator(f"[data-card={taken_back.id}]")).to_be_visible()
    assert (await find_delivery(stage, taken_back)).state == "due"
    await decide(swipe_left, "rejected")
    await decide(lambda: page.get_by_role("button", name="Approve").click(), "due")
    await expect(left).to_have_text("All looked at")
    await expect(page.get_by_role("heading", name="All looked at")).to_be_visible()


async def test_what_happens_is_seen_live_on_home_and_the_bell_rings(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("live@example.com")
    source = await stock.add_source()
    (edit,) = await stock.add_edits(source, [Shot("Vase.jpg", paint(2), "in_line")])
    page = await open_creator(stock, "/creator/home")
    await wait_for_news(page)
    row = page.locator(f"[data-edit={edit.id}]")
    await expect(row.locator("[aria-current=step]")).to_have_text("In line")
    await set_state(stage, edit, "running")
    await expect(row.locator("[aria-current=step]")).to_have_text("Editing")
    await tell(stage.store, edit.user_id, "edit.progress", {"edit_id": edit.id, "share": 0.4})
    await expect(row.locator("progress")).to_have_js_property("value", 40)
    await expect(row).to_contain_text("Editing, 40 %")
    await stock.tell("Your plan runs low")
    await tell(stage.store, edit.user_id, "bell", {})
    await expect(page.locator("[data-unread]")).to_have_text("1")
    await set_state(stage, edit, "canceled")
    await expect(row).to_have_count(0)
    other = await stage.add_user("other-live@example.com")
    await tell(stage.store, other.user.id, "bell", {})
    await expect(page.locator("[data-unread]")).to_have_text("1")


async def test_an_edit_that_was_under_way_shows_its_picture_when_it_is_there(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("arrives@example.com")
    source = await stock.add_source()
    (edit,) = await stock.add_edits(source, [Shot("Cup.jpg", paint(3))])
    await set_state(stage, edit, "running")
    page = await open_creator(stock, f"/creator/edits/{edit.id}")
    await wait_for_news(page)
    await expect(page.get_by_role("button", name="Cancel this edit")).to_be_visible()
    await set_state(stage, edit, "finished")
    await expect(page.get_by_role("link", name="Download preview")).to_be_visible()
    slider = page.get_by_role("slider", name="Slide to compare")
    await slider.focus()
    await page.keyboard.press("ArrowRight")
    await expect(slider).to_have_value("51")


async def test_the_gallery_chooses_many_and_tries_them_again(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("many@example.com", plan="creator")
    source = await stock.add_source()
    shots = [Shot(f"{i}.jpg", paint(i, 40, 50), "failed") for i in range(3)]
    edits = await stock.add_edits(source, shots)
    page = await open_creator(stock, "/creator/gallery?show=failed")
    bar = page.get_by_role("group", name="With the chosen ones")
    await expect(bar).to_be_hidden()
    boxes = page.get_by_role("checkbox")
    await boxes.nth(0).check()
    await boxes.nth(1).check()
    await expect(bar).to_contain_text("2 chosen")
    await bar.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("status").first).to_contain_text("2 photos go through once more")
    async with stage.database.begin() as session:
        states = list(
            await session.scalars(select(Edit.state).where(Edit.id.in_([e.id for e in edits])))
        )
    assert sorted(states) == ["failed", "waiting", "waiting"]
    await page.reload()
    await expect(page.get_by_text("once more")).to_have_count(0)


async def test_the_gallery_shows_what_comes_finds_by_name_and_works_on_many(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("busy@example.com", plan="creator")
    source = await stock.add_source()
    pair = [Shot(f"{name}.jpg", paint(i, 40, 50)) for i, name in enumerate(("Mug", "Vase"))]
    edits = await stock.add_edits(source, pair)
    page = await open_creator(stock, "/creator/gallery")
    await wait_for_news(page)
    await page.get_by_role("checkbox", name="Choose Mug").check()
    (late,) = await stock.add_edits(source, [Shot("Late.jpg", paint(7, 40, 50), "in_line")])
    await set_state(stage, late, "running")
    figure = page.locator(f"figure[data-edit={late.id}]")
    await expect(figure).to_contain_text("Editing")
    await set_state(stage, late, "failed")
    await expect(figure).to_contain_text("Not finished")
    await expect(page.get_by_role("checkbox", name="Choose Mug")).to_be_checked()
    bar = page.get_by_role("group", name="With the chosen ones")
    await expect(bar).to_contain_text("1 chosen")
    await bar.get_by_role("button", name="Choose all").click()
    await expect(bar).to_contain_text("3 chosen")
    async with page.expect_download() as download:
        await bar.get_by_role("button", name="Download").click()
    with zipfile.ZipFile(await (await download.value).path()) as archive:
        assert archive.testzip() is None
        names = {name.partition("_")[0] for name in archive.namelist()}
        assert names == {"Mug", "Vase"}
    await page.get_by_role("searchbox", name="Name of a photo").fill("vas")
    await page.get_by_role("button", name="Find").click()
    await expect(page.locator("figure[data-edit]")).to_have_count(1)
    await page.get_by_role("checkbox", name="Choose Vase").check()
    await bar.locator("summary").click()
    await bar.get_by_label("Edit them again with").select_option("Portrait Pro")
    await bar.get_by_role("button", name="Edit again").click()
    await expect(page.get_by_text("One new edit has begun.")).to_be_visible()
    await expect(page.locator("figure[data-edit]")).to_have_count(2)
    async with stage.database.begin() as session:
        mine = select(Edit.preset).where(Edit.photo_id == edits[1].photo_id)
        assert sorted(await session.scalars(mine)) == ["cinematic", "portrait-pro"]


async def test_a_picture_is_looked_at_closely_and_moved(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("near@example.com")
    (edit,) = await stock.add_edits(await stock.add_source(), [Shot("Mug.jpg", paint(1))])
    page = await open_creator(stock, f"/creator/edits/{edit.id}")
    figure, zoom = page.locator(".ba"), page.get_by_role("button", name="Zoom")
    await zoom.click()
    await expect(zoom).to_have_attribute("aria-pressed", "true")
    left = "f => parseFloat(f.style.getPropertyValue('--pan-x'))"
    before = await figure.evaluate(left)
    await page.keyboard.press("Shift+ArrowLeft")
    assert await figure.evaluate(left) > before
    box = await figure.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + 200, box["y"] + 60)
    await page.mouse.down()
    await page.mouse.move(box["x"] + 20, box["y"] + 60, steps=3)
    await page.mouse.up()
    assert await figure.evaluate(left) < before
    await expect(page.get_by_role("slider", name="Slide to compare")).to_have_value("50")
    await page.keyboard.press("z")
    await expect(zoom).to_have_attribute("aria-pressed", "false")


async def test_a_page_left_open_after_signing_out_says_so_and_keeps_what_is_written(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("two-tabs@example.com")
    (edit,) = await stock.add_edits(await stock.add_source(), [Shot("Mug.jpg", paint(1, 40, 50))])
    page = await open_creator(stock, f"/creator/edits/{edit.id}", expected="status of 401")
    await wait_for_news(page)
    await page.locator("summary", has_text="Looks wrong?").click()
    await page.get_by_label("In your words").fill("Too green")
    await page.context.clear_cookies()
    await set_state(stage, edit, "finished")
    again = page.get_by_role("link", name="Sign in again")
    await expect(again).to_be_visible()
    await expect(page.get_by_label("In your words")).to_have_value("Too green")
    await again.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Creator")
    assert edit.id in page.url


async def test_everything_can_be_done_without_script(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("plain@example.com", plan="creator")
    source = await stock.add_source(approves_first=True)
    (held,) = await stock.add_edits(source, [Shot("Held.jpg", paint(4), delivery="held")])
    page = await open_creator(stock, "/creator/review", java_script_enabled=False)
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    assert (await find_delivery(stage, held)).state == "due"
    await page.goto(f"{stage.url}/creator/edits/{held.id}")
    await page.locator("summary", has_text="Looks wrong?").click()
    await page.get_by_label("Colours").check()
    await page.get_by_label("In your words").fill("Too green")
    await page.get_by_role("button", name="Say it looks wrong").click()
    async with stage.database.begin() as session:
        row = await session.get_one(Edit, held.id)
    assert row.wrong_reason == "Colours: Too green"
    await page.get_by_label("Cinematic").first.check()
    await page.get_by_role("button", name="Edit again").click()
    await expect(page.get_by_role("status").first).to_contain_text("A new edit has begun")
    assert held.id not in page.url


async def test_photos_are_sent_in_parts_and_go_on_after_a_lost_connection_and_a_closed_page(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("sender@example.com")
    await stock.add_source()
    body = make_large_jpeg()
    photo: FilePayload = {"name": "IMG_1.jpg", "mimeType": "image/jpeg", "buffer": body}
    notes: FilePayload = {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    page = await open_creator(
        stock, "/creator/add", has_touch=True, width=390, expected="ERR_CONNECTION"
    )
    parts: list[tuple[int, int]] = []
    is_cut = True

    async def pass_on(route: Route) -> None:
        if route.request.method != "PATCH":
            await route.continue_()
            return
        offset = int(route.request.headers["upload-offset"])
        if is_cut and len(parts) == 1:
            await route.abort("connectionfailed")
            return
        parts.append((offset, len(route.request.post_data_buffer or b"")))
        await route.continue_()

    await page.route("**/creator/uploads/**", pass_on)
    # A real file keeps its time when it is chosen again; one that a test makes up does not.
    await page.add_init_script(
        "Object.defineProperty(File.prototype, 'lastModified', { get: () => 1 })"
    )
    await page.reload()
    await page.locator("[data-choose]").first.set_input_files([photo, notes])
    await expect(page.get_by_text("not a picture")).to_be_visible()
    await page.get_by_role("button", name="Send 1 photo").click()
    await expect(page.get_by_text("No connection. It goes on by itself.")).to_be_visible()
    assert len(parts) == 1
    page.on("dialog", lambda dialog: dialog.accept())
    await page.reload()
    await expect(page.get_by_text("Half sent: IMG_1.jpg")).to_be_visible()
    is_cut = False
    await page.locator("[data-choose]").first.set_input_files([photo])
    await page.get_by_role("button", name="Send 1 photo").click()
    await expect(page.get_by_text("1 photo sent.")).to_be_visible()
    assert sum(size for _, size in parts) == len(body)
    assert [offset for offset, _ in parts] == sorted({offset for offset, _ in parts})
    async with stage.database.begin() as session:
        mine = select(Upload).where(Upload.user_id == stock.user.id)
        upload = (await session.scalars(mine)).one()
    assert (upload.state, upload.received, upload.name) == ("received", len(body), "IMG_1.jpg")
    arrived = [chunk for key in upload.parts async for chunk in stage.storage.read(key)]
    assert b"".join(arrived) == body
    await page.get_by_role("link", name="Watch them").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("One photo is on the way")


async def test_leaving_asks_in_a_dialog_that_names_the_effect(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("leaving@example.com")
    source = await stock.add_source()
    await stock.add_edits(source, [Shot("One.jpg", paint(5, 40, 50))])
    page = await open_creator(stock, "/creator/account", expected="status of 422")
    opener = page.get_by_role("link", name="Delete everything")
    await opener.click()
    dialog = page.get_by_role("dialog", name="Delete your account?")
    await expect(dialog).to_contain_text("1 edit and 1 folder")
    await expect(dialog).to_contain_text("cannot be undone")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(opener).to_be_focused()
    assert await is_leaving(stage, stock) is False
    await opener.click()
    await dialog.get_by_label("Type leaving@example.com").fill("somebody@example.com")
    await dialog.get_by_role("button", name="Delete everything").click()
    await expect(page.get_by_role("alert")).to_contain_text("Nothing was deleted")
    assert await is_leaving(stage, stock) is False
    async with page.expect_download() as download:
        await page.goto(f"{stage.url}/creator/account")
        await page.get_by_role("button", name="Download my data").click()
    assert zipfile.ZipFile(await (await download.value).path()).testzip() is None
    await opener.click()
    await dialog.get_by_label("Type leaving@example.com").fill("Leaving@example.com")
    await dialog.get_by_role("button", name="Delete everything").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("is being deleted")
    assert await is_leaving(stage, stock) is True
    await page.goto(f"{stage.url}/creator/home")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Creator")


async def test_notifications_are_read_and_settings_are_kept(
    stage: CreatorStage, open_creator: OpenCreator
) -> None:
    stock = await stage.add_user("bell@example.com", plan="creator")
    await stock.tell("Three pictures are ready", link="/creator/gallery")
    page = await open_creator(stock, "/creator/notifications")
    await page.get_by_role("button", name="Mark all as read").click()
    await expect(page.locator("[data-unread]")).to_have_text("")
    async with stage.database.begin() as session:
        mine = select(Notification.read_at).where(Notification.user_id == stock.user.id)
        assert (await session.scalars(mine)).one() is not None
    await page.goto(f"{stage.url}/creator/settings")
    await page.get_by_role("switch", name="When pictures are ready").uncheck()
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("switch", name="When pictures are ready")).not_to_be_checked()
    await page.goto(f"{stage.url}/creator/plan")
    await page.get_by_label("Spend at most").fill("12.50")
    await page.get_by_role("button", name="Save cap").click()
    await expect(page.get_by_label("Spend at most")).to_have_value("12.5")
    async with stage.database.begin() as session:
        user = await session.get_one(User, stock.user.id)
    assert (user.mail_results, user.mail_problems) == (False, True)
    assert user.overage_cap_cents == 1250

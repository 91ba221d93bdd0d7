"""Creator from the first click to the last, on `comfyhoused up`: its Done means, as a user does it.

Nothing is put into the database or called behind the screens, but for the hour that goes by
before an account that leaves is gone for good.
"""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import Browser, FilePayload, Page, expect
from sqlalchemy import func, select, text

from comfyhoused.adapters.postgres.database import Database, open_database
from comfyhoused.creator.tables import Book, Connection, Delivery, Edit, Entry, Photo, Source, User
from tests.browser.conftest import watch_pages
from tests.google import Document, FakeGoogle
from tests.integration.test_up import House
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.soak,
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]

RIGHTS = "Ada Lens 2026"
_COPYRIGHT = 0x8298
_LIMIT = 3
_PLANS = f"[plans.free]\nincluded = {_LIMIT}\n"
_QUICK = {
    "CH_SETTLE_LOOK_SECONDS": "0.2",
    "CH_POLL_SECONDS": "1",
    "CH_LEASE_SECONDS": "1.5",
    "CH_SWEEP_SECONDS": "0.3",
}
_ROWS = (Source, Photo, Edit, Delivery, Entry, Book, Connection)


class Walk:
    """The house, its demo Drive as its owner sees it, and its database."""

    def __init__(self, house: House) -> None:
        note = json.loads((house.data / "running.json").read_text())
        self.url = str(note["url"])
        self.database: Database = open_database(note["database_url"])
        self.google = FakeGoogle(house.folder)  # only its hands: `up` has started it
        self.google.port = int((house.data / "google" / "port").read_text())
        self.person: Document = {}

    async def count(self, table: type[Any]) -> int:
        async with self.database.begin() as session:
            return int(await session.scalar(select(func.count()).select_from(table)) or 0)

    def list_folder(self, name: str) -> dict[str, str]:
        """Return name → id of what is in a folder of the Drive."""
        files = self.google.list_files(self.person)
        [folder] = [one["id"] for one in files if one["name"] == name]
        return {one["name"]: one["id"] for one in files if one.get("parents") == [folder]}

    async def wait_for_file(self, name: str) -> bytes:
        """Wait until it is in Edited; returns its bytes."""
        await wait_until(lambda: name in self.list_folder("Edited"))
        return self.google.read(self.list_folder("Edited")[name])


@asynccontextmanager
async def open_walk(folder: Path) -> AsyncIterator[Walk]:
    """Start `comfyhoused up` with a plan of few photos."""
    folder.mkdir()
    plans = folder / "plans.toml"
    plans.write_text(_PLANS)
    house = House(folder, CH_CREATOR_PLANS_FILE=str(plans), **_QUICK)
    try:
        house.wait_for("Ctrl-C stops everything")
        walk = Walk(house)
        try:
            yield walk
        finally:
            await walk.database.aclose()
    finally:
        house.end()


def make_jpeg(name: str) -> bytes:
    """Return one of scikit-image's photos with a copyright in its EXIF."""
    picture = Image.fromarray(getattr(skimage.data, name)()[..., :3])
    exif = Image.Exif()
    exif[_COPYRIGHT] = RIGHTS
    body = io.BytesIO()
    picture.save(body, "JPEG", quality=92, exif=exif)
    return body.getvalue()


def check_result(result: bytes, original: bytes) -> NDArray[np.int16]:
    """Other pixels, and all that was written about the photo; returns the pixels."""
    before, after = Image.open(io.BytesIO(original)), Image.open(io.BytesIO(result))
    assert (after.format, after.size) == ("JPEG", before.size)
    assert after.getexif()[_COPYRIGHT] == RIGHTS
    levels = np.asarray(after.convert("RGB"), np.int16)
    assert np.abs(levels - np.asarray(before.convert("RGB"), np.int16)).max() > 16
    return levels


async def test_a_photo_goes_into_a_folder_and_comes_back_edited(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    originals = {name: make_jpeg(name) for name in ("astronaut", "coffee")}
    folder = tmp_path_factory.mktemp("walk") / "house"
    async with (
        open_walk(folder) as walk,
        watch_pages(browser, walk.url) as open_page,
        watch_pages(browser, walk.google.url) as open_google,
    ):
        page = await open_page("/creator", expected="status of 429")
        await sign_in(page)
        await connect(page)
        drive = await open_google("/drive")
        await open_raw(walk, drive)
        await drop(drive, originals)
        await expect(page.get_by_role("heading", level=1)).to_have_text(
            "Two new pictures are ready"
        )
        await page.get_by_role("link", name="astronaut").first.click()
        await compare(page)
        portrait = await walk.wait_for_file("astronaut_portrait-pro.jpg")
        check_result(portrait, originals["astronaut"])
        await edit_coffee_again(walk, page, originals["coffee"])
        await meet_the_limit(page, drive, originals)
        await take_everything(page)
        await leave(walk, page)
        assert walk.list_folder("Raw").keys() == {"astronaut.jpg", "coffee.jpg", "third.jpg"}
        for name, content in originals.items():
            assert walk.google.read(walk.list_folder("Raw")[f"{name}.jpg"]) == content
        assert len(walk.list_folder("Edited")) == _LIMIT
        walk.google.check_contract()


async def sign_in(page: Page) -> None:
    await page.get_by_role("link", name="Sign in").first.click()
    await page.get_by_role("link", name="Sign in with the demo Google").click()
    await page.get_by_role("link", name="Dana Demo").click()
    await page.get_by_role("button", name="Allow").click()


async def connect(page: Page) -> None:
    """Go through the three steps; ends at home."""
    await page.get_by_role("link", name="Connect Google Drive").click()
    await page.get_by_role("button", name="Allow").click()
    await page.get_by_role("button", name="Make the folders").click()
    await page.get_by_label("Portrait Pro").first.check()
    await page.get_by_role("button", name="Use this preset").click()
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("status").first).to_contain_text("Connected.")
    await page.wait_for_selector("html[data-news=on]", state="attached")


async def open_raw(walk: Walk, drive: Page) -> None:
    """Find the folder in the Drive by hand."""
    await drive.get_by_role("link", name="Dana Demo").click()
    walk.person = {"sub": drive.url.rpartition("/")[2]}
    for name in ("Comfyhouse", "Raw"):
        await drive.get_by_role("link", name=name, exact=True).click()
    await expect(drive.get_by_role("heading", level=1)).to_have_text("Raw")


async def drop(drive: Page, photos: dict[str, bytes]) -> None:
    files: list[FilePayload] = [
        {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": content}
        for name, content in photos.items()
    ]
    await drive.get_by_label("Put photos into this folder").set_input_files(files)
    await drive.get_by_role("button", name="Put them here").click()
    for name in photos:
        await expect(drive.get_by_role("link", name=f"{name}.jpg")).to_be_visible()


async def compare(page: Page) -> None:
    """Move the slider by keyboard between two pictures that are there."""
    slider = page.get_by_role("slider", name="Slide to compare")
    await slider.focus()
    await page.keyboard.press("ArrowLeft")
    await expect(slider).to_have_value("49")
    await page.keyboard.press("End")
    await expect(slider).to_have_value("100")
    pictures = await page.locator(".ba img").all()
    assert len(pictures) == 2
    for picture in pictures:
        await expect(picture).to_have_js_property("complete", True)
        assert await picture.evaluate("e => e.naturalWidth") > 0


async def edit_again(page: Page, preset: str) -> None:
    again = page.locator("form[data-again]")
    await again.get_by_label(preset).first.check()
    await again.get_by_role("button", name="Edit again").click()


async def edit_coffee_again(walk: Walk, page: Page, original: bytes) -> None:
    """The portrait preset finds no face, and says so; Product Glow clears the ground."""
    await page.goto(f"{walk.url}/creator/gallery")
    await page.get_by_role("link", name="coffee").first.click()
    await expect(page.get_by_text("No face", exact=False).first).to_be_visible()
    await edit_again(page, "Product Glow")
    await expect(page.get_by_role("status").first).to_contain_text("A new edit has begun")
    result = check_result(await walk.wait_for_file("coffee_product-glow.jpg"), original)
    assert result[2, 2].min() >= 250
    await expect(page.get_by_role("link", name="Open in Drive")).to_be_visible()


async def meet_the_limit(page: Page, drive: Page, originals: dict[str, bytes]) -> None:
    """The plan is used up: nothing more is begun, and a new photo waits."""
    await page.locator("summary", has_text="Edit again").click()  # it was still under way
    await edit_again(page, "Cinematic")
    await expect(page.get_by_text(f"All {_LIMIT} edits of your plan Free are used")).to_be_visible()
    await drop(drive, {"third": make_jpeg("rocket")})
    await page.goto(page.url.partition("/creator/")[0] + "/creator/home")
    waits = page.get_by_text("One photo waits for your plan.")

    async def is_said() -> bool:
        await page.reload()
        return await waits.is_visible()

    await wait_until(is_said)
    await page.get_by_role("link", name="Plan and usage").first.click()
    await expect(page.get_by_text(f"{_LIMIT} of {_LIMIT} photos used")).to_be_visible()
    await expect(page.get_by_text("This month’s photos are used.")).to_be_visible()


async def take_everything(page: Page) -> None:
    """Export: the rows, and the previews."""
    await page.goto(page.url.partition("/creator/")[0] + "/creator/account")
    async with page.expect_download() as download:
        await page.get_by_role("button", name="Download my data").click()
    with zipfile.ZipFile(await (await download.value).path()) as archive:
        assert archive.testzip() is None
        assert json.loads(archive.read("account.json"))["email"] == "dana@demo.example"
        edits = [json.loads(line) for line in archive.read("edits.jsonl").splitlines()]
        assert [one["state"] for one in edits] == ["finished"] * _LIMIT
        names = set(archive.namelist())
        assert all(any(one["id"] in name for name in names) for one in edits)


async def leave(walk: Walk, page: Page) -> None:
    """Delete the account; every row goes, the user's own after the time in which none may come."""
    await page.get_by_role("link", name="Delete everything").click()
    dialog = page.get_by_role("dialog", name="Delete your account?")
    await dialog.get_by_label("Type dana@demo.example").fill("dana@demo.example")
    await dialog.get_by_role("button", name="Delete everything").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("is being deleted")
    async with walk.database.begin() as session:
        await session.execute(text("UPDATE users SET deleting_at = deleting_at - interval '1 h'"))

    async def is_gone() -> bool:
        return await walk.count(User) == 0

    await wait_until(is_gone)
    assert [await walk.count(table) for table in _ROWS] == [0] * len(_ROWS)

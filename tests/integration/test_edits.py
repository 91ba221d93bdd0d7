"""Edits from folder to folder, through real processes."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from comfyhoused.creator.edits.canceling import EditDone, cancel_edit
from comfyhoused.creator.edits.complaining import EditNotFinished, report_wrong
from comfyhoused.creator.edits.creating import reedit
from comfyhoused.creator.edits.retrying import NothingToRetry, retry_edit
from tests.edit_stage import PRESET, EditHouse, EditStage, open_edit_house
from tests.waiting import wait_until


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[EditHouse]:
    async with open_edit_house(tmp_path, database_url) as one:
        yield one


@pytest.fixture
async def stage(house: EditHouse) -> EditStage:
    return await house.add_user()


def make_photo(colour: tuple[int, int, int] = (200, 120, 40), size: int = 96) -> bytes:
    """Return a JPEG with EXIF: a camera's name, and turned on its side."""
    image = Image.new("RGB", (size, size // 2), colour)
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x8298] = "Camera & Sons", 6, "Anna Example"
    target = BytesIO()
    image.save(target, "JPEG", exif=exif, quality=95)
    return target.getvalue()


async def test_a_photo_comes_back_edited(house: EditHouse, stage: EditStage) -> None:
    photo = make_photo()
    edit = await stage.drop("trip/lake.jpg", photo)
    assert edit is not None
    done = await stage.wait_delivered(edit.id)

    assert stage.list_edited() == ["lake_negative.jpg"]
    with Image.open(stage.edited / "trip" / "lake_negative.jpg") as result:
        assert result.format == "JPEG"
        assert result.size in ((96, 48), (48, 96))
        assert result.getexif()[0x010F] == "Camera & Sons"
        assert result.getexif()[0x8298] == "Anna Example"
        red, green, blue = result.convert("RGB").getpixel((10, 10))  # type: ignore[misc]
    assert red < 120
    assert blue > 120, (red, green, blue)
    assert (stage.raw / "trip" / "lake.jpg").read_bytes() == photo, "the original is untouched"
    assert await stage.list_entries(edit.id) == [(1, "reserve"), (1, "settle")]
    assert await stage.read_books() == (0, 1, 0)
    assert done.preview_file
    assert done.thumb_file

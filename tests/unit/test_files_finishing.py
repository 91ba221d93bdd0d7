"""Finishing pictures: format, quality, mark; pixels and colour profile stay, words go."""

from collections.abc import AsyncIterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from comfyhoused.adapters.storage.storage import FileTooLarge
from comfyhoused.core.files.finish import DEFAULT_MARK, Finish, read_finish
from comfyhoused.core.files.finishing import open_finished
from comfyhoused.core.files.limits import Limits
from comfyhoused.core.files.recoding import OutputTooLarge, OutputUnreadable, recode
from tests.pictures import encode, make_comfyui_png, make_image

MARKED = Finish(mark="made by us")
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def finish(data: bytes, asked: Finish, max_pixels: int = 10**7) -> bytes:
    target = BytesIO()
    assert recode(BytesIO(data), target, asked, max_pixels=max_pixels)
    return target.getvalue()


def read(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def to_array(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), np.int16)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, None),
        ({}, None),
        ({"mark": False}, None),
        ({"mark": ""}, None),
        ({"format": "tiff"}, None),
        ({"quality": 50}, None),
        ({"format": "jpeg", "quality": 70}, Finish("jpeg", 70)),
        ({"format": "webp", "quality": 0}, Finish("webp", 1)),
        ({"format": "png", "mark": True}, Finish("png", 90, DEFAULT_MARK)),
        ({"mark": "by\n us " + "x" * 99}, Finish(None, 90, ("by us " + "x" * 99)[:60])),
    ],
)
def test_what_is_asked_for(asked: dict[str, object] | None, expected: Finish | None) -> None:
    assert read_finish(asked) == expected


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_format_changes_and_the_prompt_is_left_behind(kind: str) -> None:
    made = finish(make_comfyui_png("a secret prompt"), Finish(kind))  # type: ignore[arg-type]

    picture = read(made)
    assert picture.format == kind.upper()
    assert picture.size == (64, 48)
    assert b"secret" not in made
    texts = [value for value in picture.info.values() if isinstance(value, str | bytes)]
    assert not texts


def test_png_keeps_every_pixel() -> None:
    image = make_image(mode="RGBA")
    image.putalpha(make_image(seed=3).convert("L"))

    assert read(finish(encode(image), Finish("png"))).tobytes() == image.tobytes()


def test_quality_decides_the_size() -> None:
    data = encode(make_image(200, 200))
    for kind in ("jpeg", "webp"):
        sizes = [len(finish(data, Finish(kind, quality))) for quality in (10, 60, 95)]
        assert sizes == sorted(sizes)
        assert sizes[0] < sizes[2] / 2


def test_colour_profile_survives_every_format() -> None:
    data = encode(make_image(), icc_profile=PROFILE)
    for kind in ("png", "jpeg", "webp"):
        assert read(finish(data, Finish(kind))).info["icc_profile"] == PROFILE


def test_profile_of_other_colours_is_dropped() -> None:
    grey = encode(make_image(mode="L"), icc_profile=PROFILE)  # the profile is about RGB
    assert "icc_profile" not in read(finish(grey, Finish("jpeg"))).info


def test_words_of_a_jpeg_are_dropped_and_its_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # stands on its side
    exif[0x010E] = "a secret place"
    data = encode(make_image(64, 48), "JPEG", exif=exif, comment=b"a secret word")
    assert b"secret" in data

    made = finish(data, Finish("jpeg", 95))

    assert b"secret" not in made
    assert read(made).size == (48, 64)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_becomes_white_in_jpeg(mode: str) -> None:
    image = Image.new(mode, (32, 32), (0,) * len(Image.new(mode, (1, 1)).getbands()))
    assert to_array(read(finish(encode(image), Finish("jpeg")))).min() >= 250


def test_transparent_palette_becomes_white_in_jpeg() -> None:
    image = Image.new("P", (32, 32), 0)
    image.putpalette([200, 0, 0])
    data = encode(image, transparency=0)
    assert to_array(read(finish(data, Finish("jpeg")))).min() >= 250


def test_transparency_survives_png_and_webp() -> None:
    data = encode(Image.new("RGBA", (32, 32), (10, 20, 30, 128)))
    for kind in ("png", "webp"):
        assert read(finish(data, Finish(kind))).getpixel((5, 5))[3] == 128  # type: ignore[index]


def test_sixteen_bits_are_scaled_not_cut() -> None:
    levels = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    data = encode(Image.fromarray(levels))
    made = np.asarray(read(finish(data, Finish("jpeg", 100))).convert("L"), np.int16)
    assert np.abs(made.ravel() - np.arange(256)).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_every_mode_becomes_every_format_with_a_mark(mode: str, kind: str) -> None:
    made = read(finish(encode(make_image(mode=mode)), Finish(kind, 90, "by us")))  # type: ignore[arg-type]
    assert (made.format, made.size) == (kind.upper(), (64, 48))


@pytest.mark.parametrize("shade", [0, 90, 160, 255])
def test_mark_stands_in_the_corner_and_is_readable(shade: int) -> None:
    data = encode(Image.new("RGB", (512, 384), (shade, shade, shade)))

    marked = to_array(read(finish(data, MARKED)))[:, :, 0]

    rows, columns = np.nonzero(marked != shade)
    assert rows.min() > 384 * 0.9
    assert columns.min() > 512 * 0.75
    assert rows.max() < 383
    assert columns.max() < 511
    corner = marked[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert np.percentile(corner, 99) - np.percentile(corner, 20) > 90


def test_mark_grows_with_the_picture() -> None:
    def measure(side: int) -> float:
        data = encode(Image.new("RGB", (side, side), "white"))
        return float((to_array(read(finish(data, MARKED))) < 255).any(axis=2).mean())

    assert measure(2048) == pytest.approx(measure(1024), rel=0.1)


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (16, 16), (64, 64), (8, 900), (900, 8)])
def test_mark_fits_the_smallest_pictures(size: tuple[int, int]) -> None:
    made = read(finish(encode(Image.new("RGB", size, "white")), MARKED))
    assert made.size == size
    assert to_array(made).min() < 255


def test_mark_leaves_the_rest_alone() -> None:
    image = make_image(400, 300)
    marked = to_array(read(finish(encode(image), MARKED)))
    assert (marked[:250] == to_array(image)[:250]).all()
    assert (marked[:, :200] == to_array(image)[:, :200]).all()


def test_same_bytes_give_the_same_file() -> None:
    data = make_comfyui_png()
    asked = Finish("webp", 80, "by us")
    assert finish(data, asked) == finish(data, asked)


def test_what_a_format_cannot_hold_stays_png() -> None:
    data = encode(Image.new("RGB", (17_000, 2)))
    assert read(finish(data, Finish("webp"))).format == "PNG"
    assert read(finish(data, Finish("jpeg"))).format == "JPEG"


def test_moving_pictures_are_left_alone() -> None:
    frames = [make_image(seed=number) for number in range(3)]
    for kind in ("GIF", "PNG", "WEBP"):
        data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        assert not recode(BytesIO(data), BytesIO(), MARKED, max_pixels=10**7)


def test_too_many_pixels_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(OutputTooLarge, match=r"64 × 48 .* 3,000 can"):
        recode(BytesIO(make_comfyui_png()), BytesIO(), MARKED, max_pixels=3000)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_damaged_is_told_of_and_may_be_tried_again(kind: str) -> None:
    data = encode(make_image(256, 256), kind)
    with pytest.raises(OutputUnreadable) as caught:
        recode(BytesIO(data[: len(data) // 2]), BytesIO(), MARKED, max_pixels=10**7)
    assert caught.value.retryable


async def stream(data: bytes, asked: Finish | None, folder: Path, most: int = 10**7) -> bytes:
    async def split() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 1000):
            yield data[at : at + 1000]

    limits = Limits(most, 10**7, folder)
    async with open_finished(split(), asked, limits) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_stream_is_finished(tmp_path: Path) -> None:
    made = await stream(make_comfyui_png(), Finish("jpeg", mark="by us"), tmp_path)
    assert read(made).format == "JPEG"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [b"", b"\x1aE\xdf\xa3 a film", b"RIFF", b"words " * 100_000])
async def test_what_is_no_picture_streams_through(tmp_path: Path, data: bytes) -> None:
    folder = tmp_path / "never made"
    assert await stream(data, MARKED, folder) == data
    assert not folder.exists()


async def test_nothing_asked_streams_through(tmp_path: Path) -> None:
    data = make_comfyui_png()
    assert await stream(data, None, tmp_path / "never made") == data


async def test_moving_webp_streams_through(tmp_path: Path) -> None:
    frames = [make_image(seed=number) for number in range(3)]
    data = encode(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    assert await stream(data, MARKED, tmp_path / "never made") == data


async def test_too_many_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileTooLarge):
        await stream(make_comfyui_png(), MARKED, tmp_path, most=2000)

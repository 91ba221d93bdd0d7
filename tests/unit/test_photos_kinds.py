"""What is a photo, what only looks like one, and what every odd kind of one becomes."""

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from comfyhoused.core.photos.errors import (
    PhotoKindUnknown,
    PhotoTooLarge,
    PhotoUnreadable,
    PhotoWorkFailed,
)
from comfyhoused.core.photos.finishing import finish_photo
from comfyhoused.core.photos.opening import open_photo
from comfyhoused.core.photos.preparing import inspect_photo, prepare_photo
from comfyhoused.core.photos.previews import make_preview
from tests.photo_files import PLUGINS, make_scene, open_upright, write_photo


def prepare(path: Path) -> np.ndarray:
    prepare_photo(path, path.with_suffix(".prepared"))
    return open_upright(path.with_suffix(".prepared"))


@pytest.mark.parametrize("kind", PLUGINS)
def test_the_kind_is_in_the_bytes_not_in_the_name(kind: str, tmp_path: Path) -> None:
    path = write_photo(tmp_path / "photo.txt", kind, Image.fromarray(make_scene()))
    facts = inspect_photo(path)
    assert (facts.kind, facts.width, facts.height) == (kind, 96, 64)
    assert (facts.bits, facts.has_alpha, facts.profile) == (8, False, "sRGB")
    assert facts.content_type == f"image/{kind}"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"GIF89a" + bytes(80), "GIF"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00" + bytes(80), "raw file"),
        (b"FUJIFILMCCD-RAW " + bytes(80), "raw file"),
        (b"\x00\x00\x00\x18ftypcrx " + bytes(80), "raw file"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(80), "film"),
        (b"\x00\x00\x00\x1cftypmif1\x00\x00\x00\x00mif1avif" + bytes(80), "AVIF"),
        (b"8BPS" + bytes(80), "Photoshop"),
        (b"<svg></svg>" + bytes(80), "no JPEG"),
    ],
)
def test_other_files_are_told_what_they_are(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PhotoKindUnknown) as caught:
        inspect_photo(path)
    assert words in caught.value.detail or words == "AVIF"


def test_a_raw_file_is_not_taken_for_its_thumbnail(tmp_path: Path) -> None:
    """DNG and NEF are TIFFs whose first page is a small picture."""
    thumbnail = Image.fromarray(make_scene(32, 24))
    for number, tags in enumerate(({50706: (1, 4, 0, 0)}, {254: 1})):
        path = tmp_path / f"{number}.dng"
        thumbnail.save(path, "TIFF", tiffinfo=tags)
        with pytest.raises(PhotoKindUnknown, match="raw file"):
            inspect_photo(path)


def test_what_moves_or_has_pages_is_not_a_photo(tmp_path: Path) -> None:
    frames = [Image.fromarray(make_scene(seed, 24)) for seed in (32, 32)]
    frames[1] = frames[1].rotate(90)
    for plugin in ("PNG", "WEBP", "TIFF"):
        path = tmp_path / plugin
        frames[0].save(path, plugin, save_all=True, append_images=frames[1:])
        with pytest.raises(PhotoKindUnknown):
            inspect_photo(path)


def test_tiffs_that_would_be_misread_are_refused(tmp_path: Path) -> None:
    """But for the first, Pillow opens each of them, and shows something else."""
    scene = make_scene()
    deep, grey = scene.astype(np.uint16) * 257, scene[..., 1]
    unusual: list[tuple[np.ndarray, dict[str, str]]] = [
        (scene.astype(np.float32) / 255, {"photometric": "rgb"}),
        (deep.transpose(2, 0, 1).copy(), {"photometric": "rgb", "planarconfig": "separate"}),
        (65535 - deep[..., 1], {"photometric": "miniswhite"}),
        (grey.astype(np.int16), {"photometric": "minisblack"}),
        (grey.astype(np.uint32) << 24, {"photometric": "minisblack"}),
    ]
    for content, options in unusual:
        tifffile.imwrite(tmp_path / "p.tif", content, **options)
        with pytest.raises(PhotoKindUnknown, match="unusual TIFF"):
            inspect_photo(tmp_path / "p.tif")


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bits_of_grey_in_both_orders(order: str, tmp_path: Path) -> None:
    grey = make_scene()[..., 1]
    content = grey.astype(np.uint16) * 257
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, content, photometric="minisblack", byteorder=order)
    assert np.abs(prepare(path)[..., 0] - grey).max() <= 1


@pytest.mark.parametrize("layout", ["plain", "tiled", "deflate"])
def test_sixteen_bits_of_colour_in_every_layout(layout: str, tmp_path: Path) -> None:
    """Its high bytes are what a preset sees, to the level."""
    scene = make_scene().astype(np.uint16) * 257
    options = {
        "plain": {},
        "tiled": {"tile": (32, 32)},
        "deflate": {"compression": "deflate", "predictor": True},
    }[layout]
    tifffile.imwrite(tmp_path / "p.tif", scene, photometric="rgb", **options)
    assert np.array_equal(prepare(tmp_path / "p.tif"), make_scene())
    finished = finish_photo(tmp_path / "p.tif", tmp_path / "p.prepared", tmp_path / "result")
    assert (finished.kind, finished.notes) == ("tiff", ("eight_bits",))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damage, and goes on
@pytest.mark.parametrize("kind", PLUGINS)
def test_a_photo_that_ends_early_is_damaged(kind: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    path = write_photo(tmp_path / "photo", kind, Image.fromarray(noise))
    content = path.read_bytes()
    for part in (0.9, 0.5, 0.01):
        path.write_bytes(content[: max(80, int(len(content) * part))])
        with pytest.raises((PhotoUnreadable, PhotoKindUnknown)):
            prepare(path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff", "webp"])
def test_no_damage_breaks_more_than_the_photo(kind: str, tmp_path: Path) -> None:
    """Random bytes anywhere: it is read, or refused in our words."""
    whole = write_photo(tmp_path / "whole", kind, Image.fromarray(make_scene())).read_bytes()
    random = np.random.default_rng(7)
    path = tmp_path / "photo"
    refused = 0
    for _ in range(60):
        content = bytearray(whole)
        for at in random.integers(0, len(content), 12):
            content[at] = random.integers(0, 256)
        path.write_bytes(content)
        try:
            prepare_photo(path, tmp_path / "prepared")
            finish_photo(path, tmp_path / "prepared", tmp_path / "result")
        except (PhotoUnreadable, PhotoKindUnknown, PhotoTooLarge):
            refused += 1
    assert 0 < refused <= 60


def test_a_bomb_is_refused_by_its_header(tmp_path: Path) -> None:
    shape = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    head = struct.pack(">I", 13) + b"IHDR" + shape + struct.pack(">I", zlib.crc32(b"IHDR" + shape))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + struct.pack(">I", 9) + b"IDAT" + bytes(13))
    with pytest.raises(PhotoTooLarge, match="60000 × 60000"):
        inspect_photo(path)
    photo = write_photo(tmp_path / "photo.jpg", "jpeg", Image.fromarray(make_scene()))
    with pytest.raises(PhotoTooLarge):
        inspect_photo(photo, max_pixels=96 * 64 - 1)


def test_a_missing_file_is_no_damaged_photo(tmp_path: Path) -> None:
    with pytest.raises(PhotoWorkFailed):
        inspect_photo(tmp_path / "gone.jpg")


def test_without_the_optional_part_heic_is_said_to_be_missing(tmp_path: Path) -> None:
    """A process to which its module is as if it had never been installed."""
    path = write_photo(tmp_path / "photo.heic", "heic", Image.fromarray(make_scene()))
    assert inspect_photo(path).kind == "heic"
    asked = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from pathlib import Path\n"
        "from comfyhoused.core.photos.tasks import run_task\n"
        f"run_task('inspect', {{'path': {str(path)!r}}}, max_pixels=10**8)"
    )
    ended = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    assert ended.returncode == 1
    assert "HeicNotInstalled: It is a HEIC photo." in ended.stderr


def test_sixteen_bits_are_edited_as_eight_and_that_is_said(tmp_path: Path) -> None:
    grey = (np.arange(64 * 64, dtype=np.uint32) * 16).reshape(64, 64).astype(np.uint16)
    for kind, plugin in (("png", "PNG"), ("tiff", "TIFF")):
        path = tmp_path / kind
        Image.fromarray(grey).save(path, plugin)
        assert inspect_photo(path).bits == 16
        seen = prepare(path)
        assert np.abs(seen[..., 0] - grey / 256).max() <= 1
        finished = finish_photo(path, path.with_suffix(".prepared"), tmp_path / "result")
        assert finished.notes == ("eight_bits",)
        with Image.open(tmp_path / "result") as result:
            assert result.mode == "L"


def test_grey_stays_grey_unless_it_was_coloured(tmp_path: Path) -> None:
    path = write_photo(tmp_path / "p.jpg", "jpeg", Image.fromarray(make_scene()).convert("L"))
    prepare_photo(path, tmp_path / "prepared.png")
    for output, mode in ((tmp_path / "prepared.png", "L"), (tmp_path / "toned.png", "RGB")):
        Image.fromarray(make_scene()).save(tmp_path / "toned.png")
        finish_photo(path, output, tmp_path / "result")
        with Image.open(tmp_path / "result") as result:
            assert result.mode == mode


def test_a_press_photo_comes_back_in_srgb(tmp_path: Path) -> None:
    path = tmp_path / "cmyk.jpg"
    Image.fromarray(make_scene()).convert("CMYK").save(path, "JPEG", quality=95)
    assert np.abs(prepare(path) - make_scene()).mean() < 3
    finished = finish_photo(path, path.with_suffix(".prepared"), tmp_path / "result")
    assert finished.notes == ("in_srgb",)
    with Image.open(tmp_path / "result") as result:
        assert (result.format, result.mode) == ("JPEG", "RGB")
        assert result.info["icc_profile"]


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "RGB"])
def test_every_png_mode_is_read(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(make_scene(channels=4)).convert(mode).save(path)
    assert prepare(path).shape == (64, 96, 4 if mode in ("P", "LA", "RGBA") else 3)
    assert finish_photo(path, path.with_suffix(".prepared"), tmp_path / "r").kind == "png"


def test_a_broken_profile_counts_as_none(tmp_path: Path) -> None:
    image = Image.fromarray(make_scene())
    path = write_photo(tmp_path / "photo.jpg", "jpeg", image, profile=b"nonsense" * 40)
    assert inspect_photo(path).profile == "sRGB"
    assert np.abs(prepare(path) - make_scene()).mean() < 2


@pytest.mark.parametrize("kind", PLUGINS)
def test_previews_are_small_upright_and_say_nothing(kind: str, tmp_path: Path) -> None:
    image = Image.fromarray(make_scene(400, 200))
    path = write_photo(tmp_path / "photo", kind, image)
    preview = make_preview(path, tmp_path / "preview", 100)
    assert (preview.content_type, preview.width, preview.height) == ("image/jpeg", 100, 50)
    assert preview.size_bytes == (tmp_path / "preview").stat().st_size
    with Image.open(tmp_path / "preview") as small:
        assert not small.getexif()
        assert not small.info.get("xmp")
        seen = np.asarray(small.resize((4, 2), Image.Resampling.BOX)).astype(int)
    expected = np.asarray(image.resize((4, 2), Image.Resampling.BOX)).astype(int)
    assert np.abs(seen - expected).max() < 12
    assert make_preview(path, tmp_path / "preview", 4000).width == 400  # never larger


def test_a_transparent_preview_is_a_webp(tmp_path: Path) -> None:
    path = write_photo(tmp_path / "photo.png", "png", Image.fromarray(make_scene(channels=4)))
    assert make_preview(path, tmp_path / "preview", 50).content_type == "image/webp"
    with Image.open(tmp_path / "preview") as small:
        assert small.mode == "RGBA"


def test_a_second_picture_behind_the_first_is_dropped_and_that_is_said(tmp_path: Path) -> None:
    """Gain maps and other views hang behind the photo of many phones (MPF)."""
    scene = Image.fromarray(make_scene())
    scene.save(tmp_path / "p.jpg", "MPO", save_all=True, append_images=[scene.resize((48, 32))])
    assert np.abs(prepare(tmp_path / "p.jpg") - make_scene()).mean() < 6
    finished = finish_photo(tmp_path / "p.jpg", tmp_path / "p.prepared", tmp_path / "result")
    assert finished.notes == ("hdr_part_dropped",)
    assert b"MPF\x00" not in (tmp_path / "result").read_bytes()


def test_the_original_is_only_read(tmp_path: Path) -> None:
    path = write_photo(tmp_path / "photo.jpg", "jpeg", Image.fromarray(make_scene()))
    path.chmod(0o400)
    with open_photo(path) as photo:
        assert photo.facts.kind == "jpeg"

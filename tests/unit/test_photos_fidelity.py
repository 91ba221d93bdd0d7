"""Through a preset that changes nothing: the same kind, pixels, colours and words come out."""

import hashlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from skimage.color import deltaE_ciede2000

from comfyhoused.core.photos.finishing import finish_photo
from comfyhoused.core.photos.preparing import prepare_photo
from comfyhoused.core.photos.shapes import FinishedPhoto, PreparedPhoto
from tests.photo_files import (
    COPYRIGHT,
    IPTC,
    MAKER_NOTE,
    THUMBNAIL,
    make_exif,
    make_profile,
    make_scene,
    open_upright,
    store_turned,
    write_photo,
)

KINDS = ("jpeg", "png", "webp", "tiff", "heic")
#: How far a lossy kind may be from what went in, mean of 255 levels.
LOSS = {"jpeg": 1.5, "png": 0.0, "webp": 3.0, "tiff": 0.0, "heic": 3.0}
#: Mean ΔE00 against the original; WebP keeps colours at half the resolution of brightness.
DELTA_E = {"jpeg": 0.6, "png": 0.6, "webp": 2.6, "tiff": 0.6, "heic": 1.5}


def pass_through(original: Path, folder: Path) -> tuple[PreparedPhoto, FinishedPhoto, Path]:
    """Prepare the photo, and finish what was prepared; the original stays the same file."""
    before = hashlib.sha256(original.read_bytes()).digest()
    prepared, result = folder / "prepared.png", folder / "result"
    ready = prepare_photo(original, prepared)
    finished = finish_photo(original, prepared, result)
    assert hashlib.sha256(original.read_bytes()).digest() == before
    return ready, finished, result


def differ(left: np.ndarray, right: np.ndarray) -> float:
    assert left.shape == right.shape
    return float(np.abs(left.astype(np.float64) - right.astype(np.float64)).mean())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_upright(kind: str, orientation: int, tmp_path: Path) -> None:
    upright = make_scene()
    image = store_turned(upright, orientation)
    original = write_photo(tmp_path / "photo", kind, image, orientation=orientation)
    if kind == "heic" and orientation > 1:  # as phones do: EXIF says again what its boxes do
        with Image.open(original) as opened:
            assert opened.info["original_orientation"] == orientation
    ready, finished, result = pass_through(original, tmp_path)
    assert (ready.facts.width, ready.facts.height) == (96, 64)
    assert differ(open_upright(tmp_path / "prepared.png"), upright) <= LOSS[kind]
    assert finished.kind == kind
    assert (finished.width, finished.height) == (96, 64)
    assert differ(open_upright(result), upright) <= LOSS[kind]
    with Image.open(result) as image:
        assert image.getexif().get(0x0112, 1) == 1
        assert b'tiff:Orientation="6"' not in image.info.get("xmp", b"")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["none", "srgb", "p3", "adobe"])
def test_colours_come_back_in_their_own_space(kind: str, name: str, tmp_path: Path) -> None:
    """Colours that sRGB holds as well, so that nothing is clipped on the way."""
    profile = make_profile(name)
    original = write_photo(
        tmp_path / "photo", kind, Image.fromarray(make_muted_scene()), profile=profile
    )
    pass_through(original, tmp_path)
    with Image.open(tmp_path / "result") as result:
        assert result.info.get("icc_profile") == profile
        with Image.open(original) as before:
            assert compare_colours(before, result) <= DELTA_E[kind]


def make_muted_scene() -> np.ndarray:
    return (64 + make_scene().astype(np.float64) / 2.2).round().astype(np.uint8)


def compare_colours(before: Image.Image, after: Image.Image) -> float:
    """Return the mean ΔE00, each picture read by its own profile."""
    return float(deltaE_ciede2000(read_lab(before), read_lab(after)).mean())


def read_lab(image: Image.Image) -> np.ndarray:
    profile = image.info.get("icc_profile")
    source = (
        ImageCms.ImageCmsProfile(BytesIO(profile)) if profile else ImageCms.createProfile("sRGB")
    )
    lab = ImageCms.profileToProfile(
        image.convert("RGB"), source, ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    lightness, a, b = (np.asarray(one).astype(np.float64) for one in lab.split())
    signed = [np.where(one > 127, one - 256, one) for one in (a, b)]
    return np.stack([lightness / 2.55, *signed], axis=-1)


def test_what_is_prepared_is_srgb(tmp_path: Path) -> None:
    """(0, 255, 0) of Adobe RGB is greener than sRGB can say; its grey is the same grey."""
    pixels = np.full((8, 8, 3), (128, 128, 128), np.uint8)
    pixels[:, 4:] = (60, 180, 75)
    original = write_photo(
        tmp_path / "photo", "png", Image.fromarray(pixels), profile=make_profile("adobe")
    )
    facts = prepare_photo(original, tmp_path / "prepared.png").facts
    assert facts.profile == "Adobe RGB (1998)"
    seen = open_upright(tmp_path / "prepared.png")
    assert np.abs(seen[0, 0] - 128).max() <= 2
    assert seen[0, 7][0] < 30  # the same green takes less red in the smaller space
    with Image.open(tmp_path / "prepared.png") as prepared:
        assert not prepared.info.get("icc_profile")
        assert not prepared.getexif()


def test_a_camera_that_only_says_adobe_rgb_is_believed(tmp_path: Path) -> None:
    image = Image.fromarray(make_muted_scene())
    exif = b"Exif\x00\x00" + make_exif(1, interoperability="R03")
    original = write_photo(tmp_path / "photo.jpg", "jpeg", image, exif=exif)
    ready, _, result = pass_through(original, tmp_path)
    assert ready.facts.profile == "Adobe RGB (1998)"
    with Image.open(result) as after, Image.open(original) as before:
        assert after.info["icc_profile"] == make_profile("adobe")
        assert differ(np.asarray(after), np.asarray(before)) <= 3


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_photo_says_is_kept(kind: str, tmp_path: Path) -> None:
    image = store_turned(make_scene(), 6)
    original = write_photo(tmp_path / "photo", kind, image, orientation=6)
    _, finished, result = pass_through(original, tmp_path)
    assert finished.notes == ()
    with Image.open(result) as after:
        exif = after.getexif()
        assert exif[0x010F] == "Comfycam"
        assert exif.get(0x0112, 1) == 1
        below = exif.get_ifd(0x8769)
        assert below[0x9003] == "2026:11:22 10:11:12"
        assert below[0xA002] == 96
        assert below[0x927C] == MAKER_NOTE
        assert exif.get_ifd(0x8825)[1] == "N"
        assert [float(one) for one in exif.get_ifd(0x8825)[2]] == [51, 30, 26]
        xmp = after.info.get("xmp") or after.info["XML:com.adobe.xmp"].encode()
        assert b'dc:rights="Ada"' in xmp
        assert b'tiff:Orientation="6"' not in xmp
        assert kind == "heic" or b'tiff:Orientation="1"' in xmp  # its reader has taken it out
        assert b"<tiff:ImageWidth>96</tiff:ImageWidth>" in xmp
    content = result.read_bytes()
    assert THUMBNAIL not in content
    assert COPYRIGHT.encode() in content
    if kind in ("jpeg", "tiff"):
        assert IPTC in content


def test_exif_stays_where_it_is(tmp_path: Path) -> None:
    """Makers' notes point to places in the block: no byte of it moves, few change."""
    block = make_exif(6)
    image = store_turned(make_scene(), 6)
    original = write_photo(tmp_path / "photo.jpg", "jpeg", image, exif=b"Exif\x00\x00" + block)
    _, _, result = pass_through(original, tmp_path)
    with Image.open(result) as after:
        kept = after.info["exif"].removeprefix(b"Exif\x00\x00")
    assert block[: len(kept)] != kept
    changed = [at for at, (one, two) in enumerate(zip(block, kept, strict=False)) if one != two]
    assert len(changed) <= 2 + 4 + 4 + 4  # orientation, width, height, the second directory
    assert kept.index(MAKER_NOTE) == block.index(MAKER_NOTE)
    assert len(kept) < len(block)


def test_a_jpeg_keeps_its_fineness(tmp_path: Path) -> None:
    fine = {"quality": 97, "subsampling": 1}
    for name, options, is_kept in (("fine", fine, True), ("coarse", {"quality": 60}, False)):
        folder = tmp_path / name
        folder.mkdir()
        image = Image.fromarray(make_scene())
        original = write_photo(folder / "photo.jpg", "jpeg", image, **options)
        _, _, result = pass_through(original, folder)
        with Image.open(original) as before, Image.open(result) as after:
            tables: Any = getattr(before, "quantization", None)
            again: Any = getattr(after, "quantization", None)
            assert (tables == again) is is_kept
            assert sum(again[0]) <= sum(tables[0])
            assert before.layer == after.layer or not is_kept


@pytest.mark.parametrize("kind", ["png", "webp", "tiff", "heic"])
def test_transparency_comes_back(kind: str, tmp_path: Path) -> None:
    upright = make_scene(channels=4)
    image = store_turned(upright, 8 if kind != "heic" else 1)
    original = write_photo(tmp_path / "photo", kind, image, orientation=8 if kind != "heic" else 1)
    ready = prepare_photo(original, tmp_path / "prepared.png")
    assert ready.facts.has_alpha
    with Image.open(tmp_path / "prepared.png") as prepared:  # a preset that loses it
        prepared.convert("RGB").save(tmp_path / "output.png")
    finished = finish_photo(original, tmp_path / "output.png", tmp_path / "result")
    assert finished.kind == kind
    seen = open_upright(tmp_path / "result")
    assert seen.shape == (64, 96, 4)
    assert differ(seen[..., 3], upright[..., 3]) <= 2 * LOSS[kind]


def test_a_transparent_result_of_a_jpeg_is_a_png_that_says_as_much(tmp_path: Path) -> None:
    image = Image.fromarray(make_scene())
    original = write_photo(tmp_path / "p.jpg", "jpeg", image, profile=make_profile("p3"))
    Image.fromarray(make_scene(channels=4)).save(tmp_path / "output.png")
    finished = finish_photo(original, tmp_path / "output.png", tmp_path / "result")
    assert (finished.kind, finished.content_type) == ("png", "image/png")
    assert set(finished.notes) == {"transparent_as_png", "metadata_dropped"}  # IPTC has no place
    with Image.open(tmp_path / "result") as result:
        assert result.mode == "RGBA"
        assert result.getexif()[0x8298].encode("latin-1").decode() == COPYRIGHT
        assert result.info["icc_profile"] == make_profile("p3")


def test_a_result_of_another_size_says_its_own(tmp_path: Path) -> None:
    original = write_photo(tmp_path / "p.jpg", "jpeg", Image.fromarray(make_scene()))
    Image.fromarray(make_scene(120, 40)).save(tmp_path / "output.png")
    finished = finish_photo(original, tmp_path / "output.png", tmp_path / "result")
    assert (finished.width, finished.height) == (120, 40)
    with Image.open(tmp_path / "result") as result:
        below = result.getexif().get_ifd(0x8769)
        assert (below[0xA002], below[0xA003]) == (120, 40)


def test_pillow_would_turn_them_the_same_way(tmp_path: Path) -> None:
    """The table of turns of these tests against somebody else's."""
    upright = make_scene()
    for orientation in range(1, 9):
        image = store_turned(upright, orientation)
        path = write_photo(tmp_path / f"{orientation}.png", "png", image, orientation=orientation)
        with Image.open(path) as opened:
            turned = ImageOps.exif_transpose(opened)
        assert np.array_equal(np.asarray(turned), upright)
